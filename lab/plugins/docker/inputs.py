"""The inputs that belong to what was read: what a program would have to say to get just that."""

from __future__ import annotations

from collections.abc import Mapping

from lab.plugins.docker.fields import Field, Value, Values, is_zero


def refreshed(fields: Mapping[str, Field], old: Values, read: Values) -> dict[str, Value]:
    """The inputs as they were, with the values that were read; what the program left out stays left out.

    So do keys of maps and elements of lists that came from elsewhere: else the engine would find an ignored
    one among the old inputs, and take it over. Rule: extractInputs in
    https://github.com/pulumi/pulumi-terraform-bridge/blob/v3.136.0/pkg/tfbridge/schema.go
    """
    result: dict[str, Value] = {}
    for name, value in old.items():
        field, now = fields.get(name), read.get(name)
        if field is None or (is_zero(value) and is_zero(now)):
            result[name] = value
        elif now is not None:
            result[name] = _refreshed(field, value, now)
    return result


def _refreshed(field: Field, old: Value, now: Value) -> Value:
    if isinstance(old, dict) and isinstance(now, dict):
        if field.fields:
            return refreshed(field.fields, old, now)
        return {key: now[key] for key in old if key in now}
    if isinstance(old, list) and isinstance(now, list):
        inner = field.fields
        both = zip(old, now, strict=False)
        return [refreshed(inner, before, after) if inner else after for before, after in both]
    return now


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
