"""The difference of two states of a resource, property by property, and which of it forces a replacement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from lab.plugins.docker.fields import Field, Value, Values, is_given, is_zero
from lab.plugins.docker.paths import Steps, pulumi_path
from lab.plugins.values import UNKNOWN, contains_unknown

Kind = Literal["add", "update", "delete"]


@dataclass(frozen=True)
class Change:
    """One changed property."""

    steps: Steps
    kind: Kind
    replaces: bool

    @property
    def path(self) -> str:
        """Where it is, in Pulumi's syntax (`taskSpec.containerSpec.env.KEY`, `labels[0]`)."""
        return pulumi_path(self.steps)


def changes(fields: Mapping[str, Field], old: Values, new: Values, at: Steps = ()) -> Iterator[Change]:
    """Every change between two states, in the order of the schema."""
    for name, field in fields.items():
        yield from _changes_of(field, old.get(name), new.get(name), (*at, name))


def _changes_of(field: Field, old: Value, new: Value, at: Steps) -> Iterator[Change]:
    before, after = is_given(field, old), is_given(field, new)
    if not before and not after:
        return
    if new is UNKNOWN:
        yield Change(at, "update" if before else "add", _forces(field, old))
    elif not before or not after:
        yield Change(at, "delete" if before else "add", _forces(field, old) or _forces(field, new))
    elif field.kind == "block" and field.fields:
        yield from changes(field.fields, old, new, at)
    elif field.kind == "map":
        yield from _map_changes(field, old, new, at)
    elif field.kind == "list":
        yield from _list_changes(field, old, new, at)
    elif field.kind == "set":
        yield from _set_changes(field, old, new, at)
    elif not field.same(old, new):
        yield Change(at, "update", field.force_new)


def _map_changes(field: Field, old: Values, new: Values, at: Steps) -> Iterator[Change]:
    for key in sorted(old.keys() | new.keys()):
        if key not in old:
            yield Change((*at, key), "add", field.force_new)
        elif key not in new:
            yield Change((*at, key), "delete", field.force_new)
        elif old[key] != new[key]:
            yield Change((*at, key), "update", field.force_new)


def _list_changes(field: Field, old: list[Value], new: list[Value], at: Steps) -> Iterator[Change]:
    element = _element(field)
    for index in range(max(len(old), len(new))):
        before = old[index] if index < len(old) else None
        after = new[index] if index < len(new) else None
        yield from _changes_of(element, before, after, (*at, index))


def _set_changes(field: Field, old: list[Value], new: list[Value], at: Steps) -> Iterator[Change]:
    """Elements without an equal on the other side; one that left and one that came at an index are compared.

    To Terraform any other element is another one: it replaces if anything in either of them forces that.
    """
    element = _element(field)
    gone = {index: value for index, value in enumerate(old) if not _has(field, new, value)}
    come = {index: value for index, value in enumerate(new) if not _has(field, old, value)}
    for index in sorted({*gone, *come}):
        before, after = gone.get(index), come.get(index)
        forced = field.force_new or _forces(element, before) or _forces(element, after)
        for change in _changes_of(element, before, after, (*at, index)):
            yield replace(change, replaces=forced)


def _has(field: Field, elements: list[Value], value: Value) -> bool:
    if contains_unknown(value):
        return False
    element = _element(field)
    return any(
        not contains_unknown(other) and not list(_changes_of(element, other, value, ())) for other in elements
    )


def _element(field: Field) -> Field:
    if field.fields is None:
        return Field("str", force_new=field.force_new)
    return Field("block", field.fields)


def _forces(field: Field, value: Value) -> bool:
    """Whether a value that comes or goes as a whole forces a replacement, by itself or by what is in it."""
    if field.force_new:
        return True
    if not field.fields or not value or value is UNKNOWN:
        return False
    elements = value if isinstance(value, list) else [value]
    return any(
        not is_zero(element.get(name)) and _forces(inner, element.get(name))
        for element in elements
        if isinstance(element, dict)
        for name, inner in field.fields.items()
    )
