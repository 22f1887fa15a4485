"""What was read from the swarm, in the order and with the spelling that the program used."""

from __future__ import annotations

from collections.abc import Mapping

from lab.plugins.docker.difference import changes
from lab.plugins.docker.fields import Field, Value, Values


def aligned(fields: Mapping[str, Field], read: Values, known: Values) -> dict[str, Value]:
    """`read`, with the elements of sets in the order of `known` and equal spellings (0, 0.0) kept."""
    return {
        name: _aligned(fields[name], value, known.get(name)) if name in known else value
        for name, value in read.items()
    }


def _aligned(field: Field, read: Value, known: Value) -> Value:
    if not list(changes({"it": field}, {"it": known}, {"it": read})):
        return known if not field.fields else _ordered(field, read, known)
    return _ordered(field, read, known)


def _ordered(field: Field, read: Value, known: Value) -> Value:
    if field.kind == "block" and field.fields and isinstance(known, dict):
        return aligned(field.fields, read, known)
    if field.kind == "list" and field.fields and isinstance(known, list):
        return [aligned(field.fields, r, known[i]) if i < len(known) else r for i, r in enumerate(read)]
    if field.kind == "set" and isinstance(known, list):
        return _set_ordered(field, list(read), known)
    return read


def _set_ordered(field: Field, read: list[Value], known: list[Value]) -> list[Value]:
    """Known elements first, in their order; each changed one in the place of one that is gone."""
    places: list[Value] = []
    for element in known:
        match = next((r for r in read if not list(_element_changes(field, element, r))), None)
        places.append(match)
        if match is not None:
            read.remove(match)
    filled = [place if place is not None else (read.pop(0) if read else None) for place in places]
    return [element for element in filled if element is not None] + read


def _element_changes(field: Field, old: Value, new: Value) -> list[object]:
    one = Field(field.kind, field.fields)
    return list(changes({"it": one}, {"it": [old]}, {"it": [new]}))
