"""Strategies that spoil a sound document or text in ways that a person, or a torn disk, could."""

from __future__ import annotations

import copy
import datetime
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=10**30, max_value=10**31),
    st.floats(),
    st.text(max_size=12),
    st.text(alphabet=st.characters(categories=["Cs", "Cc", "Zs", "Lo"]), max_size=4),
    st.binary(max_size=8),
    st.dates(min_value=datetime.date(1, 1, 2)),
    st.sampled_from(["", "~", "~x/y", "../x", "/", ".", "\0", "a\0b", "x" * 5000, "{{ x }}", "1e999", "-1"]),
    st.sampled_from(["0", "::", "192.0.2.11", "0.0.0.0/0", "latest", "example:latest", "naming_key"]),
    st.sampled_from([16**3000, -1, 0, 2**63, 1e308]),
)
JUNK = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(SCALARS.filter(lambda key: not isinstance(key, float))), inner, max_size=3),
    ),
    max_leaves=6,
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container of a document with each of its keys."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    for key in keys:
        yield value, key
        yield from places(value[key])


@st.composite
def spoiled(draw: st.DrawFn, sound: dict[str, Any]) -> dict[str, Any]:
    """The sound document with one to three places dropped, replaced, doubled or added to."""
    document = copy.deepcopy(sound)
    for _ in range(draw(st.integers(1, 3))):
        found = list(places(document))
        if not found:
            break
        container, key = found[draw(st.integers(0, len(found) - 1))]
        how = draw(st.sampled_from(["drop", "replace", "replace", "double", "add"]))
        if how == "drop":
            del container[key]
        elif how == "replace":
            container[key] = draw(JUNK)
        elif how == "double" and isinstance(container, list):
            container.append(copy.deepcopy(container[key]))
        elif isinstance(container, list):
            container.append(draw(JUNK))
        else:
            container[draw(SCALARS)] = draw(JUNK)
    return document


@st.composite
def torn(draw: st.DrawFn, text: bytes) -> bytes:
    """The text with one to four pieces cut out, overwritten or put in."""
    pieces = st.one_of(
        st.binary(max_size=4),
        st.sampled_from(
            [
                b"\t",
                b"\n",
                b": ",
                b"- ",
                b"'",
                b'"',
                b"[",
                b"{",
                b"}",
                b"&a ",
                b"*a",
                b"!!int ",
                b"0x" + b"f" * 5000,
            ]
        )
        | st.sampled_from(
            [b"!!timestamp x ", b"!!float x ", b"!!python/none ", b"<<: ", b"? ", b"%", b"|\n", b"---\n"]
        ),
    )
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        text = text[:start] + draw(pieces) + text[start + draw(st.integers(0, 6)) :]
    return text
