"""How a resource's properties are described: kind, what is required, filled in, or forces a replacement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from lab.plugins.docker.duration import parse_ns

Kind = Literal["str", "int", "bool", "map", "list", "set", "block"]
Value = Any  # a JSON value of the provider protocol: str, int, float, bool, None, list or dict
Values = Mapping[str, Value]


def _equal(old: Value, new: Value) -> bool:
    return bool(old == new)


@dataclass(frozen=True)
class Field:
    """One property. `fields` describes a block, or the elements of a list or set of blocks.

    `computed`: keeps the swarm's value when the program gives none. `fault`: says what is wrong with a
    value, or None. `same`: whether two spellings mean the same.
    """

    kind: Kind
    fields: Mapping[str, Field] | None = None
    required: bool = False
    computed: bool = False
    force_new: bool = False
    secret: bool = False
    default: Value = None
    fault: Callable[[Value], str | None] | None = None
    same: Callable[[Value, Value], bool] = _equal


@dataclass(frozen=True)
class Schema:
    """A resource type: its token, its properties, and pairs of properties that exclude each other."""

    token: str
    fields: Mapping[str, Field]
    conflicts: tuple[tuple[str, str], ...] = ()


def text(**rest: Any) -> Field:
    """A text."""
    return Field("str", **rest)


def number(**rest: Any) -> Field:
    """A whole number, 0 or more."""
    return Field("int", fault=_negative, **rest)


def flag(**rest: Any) -> Field:
    """True or false."""
    return Field("bool", **rest)


def mapping(**rest: Any) -> Field:
    """Texts by name."""
    return Field("map", **rest)


def sequence(fields: Mapping[str, Field] | None = None, **rest: Any) -> Field:
    """Texts or blocks whose order matters."""
    return Field("list", fields, **rest)


def collection(fields: Mapping[str, Field] | None = None, **rest: Any) -> Field:
    """Texts or blocks whose order does not matter."""
    return Field("set", fields, **rest)


def block(fields: Mapping[str, Field], **rest: Any) -> Field:
    """At most one block of properties."""
    return Field("block", fields, **rest)


def duration(**rest: Any) -> Field:
    """A Go duration, as swarm spells it: `60s` is read back as `1m`, and that is a change."""
    return Field("str", fault=_no_duration, **rest)


def choice(*values: str, **rest: Any) -> Field:
    """One of these texts."""

    def fault(value: Value) -> str | None:
        return None if value in values else f"{value!r} is none of {', '.join(values)}"

    return Field("str", fault=fault, **rest)


def ratio(**rest: Any) -> Field:
    """A share of 0 to 1 as a text; `0` and `0.0` are the same."""
    return Field("str", fault=_no_ratio, same=_same_ratio, **rest)


def labels(**rest: Any) -> Field:
    """A set of {label, value}; a change of an element replaces what carries it, unless told otherwise."""
    force_new = rest.setdefault("force_new", True)
    element = {
        "label": text(required=True, force_new=force_new),
        "value": text(required=True, force_new=force_new),
    }
    return collection(element, **rest)


def forcing_new(fields: Mapping[str, Field]) -> dict[str, Field]:
    """The same properties, every one of which forces a replacement, down to the leaves."""
    return {
        name: replace(
            field,
            force_new=True,
            fields=forcing_new(field.fields) if field.fields else None,
        )
        for name, field in fields.items()
    }


def is_zero(value: Value) -> bool:
    """Whether a value stands for "not given": the swarm does not tell the two apart."""
    return value is None or value is False or value in ("", 0, [], {})


def is_given(field: Field, value: Value) -> bool:
    """Whether a value counts as given: an empty block does, an empty text, number or list does not."""
    return value is not None if field.kind == "block" else not is_zero(value)


def _negative(value: Value) -> str | None:
    return f"{value} is below 0" if value < 0 else None


def _no_duration(value: Value) -> str | None:
    try:
        parse_ns(value)
    except ValueError as error:
        return str(error)
    return None


def _no_ratio(value: Value) -> str | None:
    try:
        share = float(value)
    except ValueError:
        return f"{value!r} is no number"
    return None if 0 <= share <= 1 else f"{value!r} is not between 0.0 and 1.0"


def _same_ratio(old: Value, new: Value) -> bool:
    return float(old or 0) == float(new or 0)
