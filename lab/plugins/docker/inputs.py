"""The inputs that belong to what was read: what a program would have to say to get just that."""

from __future__ import annotations

from collections.abc import Mapping

from lab.plugins.docker.fields import Field, Value, Values, is_zero


def refreshed(fields: Mapping[str, Field], old: Values, read: Values) -> dict[str, Value]:
    """The inputs as they were, with the values that were read; what the program left out stays left out."""
    result: dict[str, Value] = {}
    for name, value in old.items():
        field, now = fields.get(name), read.get(name)
        if field is None or (is_zero(value) and is_zero(now)):
            result[name] = value
        elif field.kind == "block" and field.fields and isinstance(value, dict) and isinstance(now, dict):
            result[name] = refreshed(field.fields, value, now)
        elif field.fields and isinstance(value, list) and isinstance(now, list):
            result[name] = [
                refreshed(field.fields, value[i], element)
                if i < len(value)
                else imported(field.fields, element)
                for i, element in enumerate(now)
            ]
        elif now is not None:
            result[name] = now
    return result


def _elements(fields: Mapping[str, Field], old: list[Value], read: list[Value]) -> list[Value]:
    kept = [refreshed(fields, before, now) for before, now in zip(old, read, strict=False)]
    return kept + [imported(fields, now) for now in read[len(old) :]]


def imported(fields: Mapping[str, Field], read: Values) -> dict[str, Value]:
    """Inputs for an object that no program described yet: everything but what is empty or only reported."""
    result: dict[str, Value] = {}
    for name, value in read.items():
        field = fields[name]
        if field.fields and isinstance(value, dict):
            value = imported(field.fields, value)
        elif field.fields and isinstance(value, list):
            value = [imported(field.fields, element) for element in value]
        if not is_zero(value) and name != "scope":
            result[name] = value
    return result
