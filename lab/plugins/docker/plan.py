"""What a resource will be: the program's values, and the swarm's own where the program gives none."""

from __future__ import annotations

from collections.abc import Mapping

from lab.plugins.docker.fields import Field, Value, Values, is_given
from lab.plugins.values import UNKNOWN


def planned(
    fields: Mapping[str, Field], old: Values, new: Values, creating: bool = False
) -> dict[str, Value]:
    """The values after the change; while creating, computed ones that nobody gave are unknown."""
    result: dict[str, Value] = {}
    for name, field in fields.items():
        value = _planned(field, old.get(name), new.get(name), creating)
        if value is not None:
            result[name] = value
    return result


def _planned(field: Field, old: Value, new: Value, creating: bool) -> Value:
    if new is UNKNOWN:
        return UNKNOWN
    if field.computed and not is_given(field, new):
        return UNKNOWN if creating else old
    if field.kind == "block" and field.fields and isinstance(new, dict):
        return planned(field.fields, old if isinstance(old, dict) else {}, new, creating)
    if field.kind == "list" and field.fields and isinstance(new, list):
        return [
            _planned_element(field.fields, old, index, element, creating) for index, element in enumerate(new)
        ]
    return new


def _planned_element(
    fields: Mapping[str, Field], old: Value, index: int, new: Value, creating: bool
) -> Value:
    before = old[index] if isinstance(old, list) and index < len(old) else {}
    return planned(fields, before, new, creating) if isinstance(new, dict) else new
