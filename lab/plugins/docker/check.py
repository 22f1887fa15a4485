"""Validation of what a program gives, and the defaults of what it leaves out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from components.identity import DEFAULTS_NOTE
from lab.plugins.docker.fields import Field, Value, Values
from lab.plugins.values import UNKNOWN

_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "bool": (bool,),
    "map": (dict,),
    "list": (list,),
    "set": (list,),
    "block": (dict,),
}


@dataclass(frozen=True)
class Fault:
    """What is wrong with one property; `path` as `taskSpec.containerSpec.mounts[0].type`."""

    path: str
    reason: str


def with_defaults(fields: Mapping[str, Field], given: Value) -> Value:
    """The given values, nulls left out, with defaults filled in at every level that is given.

    The official plugin's notes on defaults go: at ignored paths the engine takes over old inputs as they are.
    """
    if not isinstance(given, dict):
        return given
    filled = {
        name: _filled(fields.get(name), value)
        for name, value in given.items()
        if value is not None and name != DEFAULTS_NOTE
    }
    defaults = {name: field.default for name, field in fields.items() if field.default is not None}
    return {**defaults, **filled}


def _filled(field: Field | None, value: Value) -> Value:
    if field is None or field.fields is None:
        return value
    if isinstance(value, list):
        return [with_defaults(field.fields, element) for element in value]
    return with_defaults(field.fields, value)


def conflicts(given: Values, pairs: Sequence[tuple[str, str]]) -> Iterator[Fault]:
    """Pairs of properties (`mode.global`) that the program gives both; `given` is without defaults."""
    for one, other in pairs:
        if _at(given, one) is not None and _at(given, other) is not None:
            yield Fault(
                one, f"Conflicting configuration arguments: conflicts with {other}; give one of the two"
            )


def _at(given: Value, path: str) -> Value:
    for name in path.split("."):
        given = given.get(name) if isinstance(given, dict) else None
    return given


def faults(fields: Mapping[str, Field], given: Values, path: str = "") -> Iterator[Fault]:
    """Every fault of the given values, outermost first."""
    for name in given.keys() - fields.keys():
        yield Fault(_join(path, name), "is not a property that the offline docker plugin knows")
    for name, field in fields.items():
        value = given.get(name)
        if value is None:
            if field.required:
                yield Fault(_join(path, name), "is required and was not given")
        elif value is not UNKNOWN:
            yield from _faults_of(field, value, _join(path, name))


def _faults_of(field: Field, value: Value, path: str) -> Iterator[Fault]:
    if not isinstance(value, _TYPES[field.kind]) or (field.kind == "int" and isinstance(value, bool)):
        yield Fault(path, f"has to be of type {field.kind}, not {type(value).__name__}")
        return
    if field.fault and (reason := field.fault(value)):
        yield Fault(path, reason)
    if not field.fields:
        return
    elements = value if isinstance(value, list) else [value]
    for index, element in enumerate(elements):
        place = f"{path}[{index}]" if isinstance(value, list) else path
        if isinstance(element, dict):
            yield from faults(field.fields, element, place)
        elif element is not UNKNOWN:
            yield Fault(place, f"has to be a block, not {type(element).__name__}")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
