"""Durations as Go writes them (`1m30s`), which is how the docker resources take and report them."""

from __future__ import annotations

import re
from decimal import Decimal

_UNITS_NS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_WHOLE = re.compile(rf"(?:{_PART.pattern})+")


def parse_ns(text: str) -> int:
    """Nanoseconds of a Go duration; an empty text is 0. Raises ValueError for anything else.

    https://pkg.go.dev/time#ParseDuration
    """
    if text in ("", "0"):
        return 0
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"{text!r} is not a duration such as 500ms, 10s or 1m30s")
    return sum(int(Decimal(number) * _UNITS_NS[unit]) for number, unit in _PART.findall(text))


def format_ns(nanoseconds: int) -> str:
    """A Go duration without zero units at its ends: 5s, 1m, 1m30s, 1h0m5s, 500ms."""
    if nanoseconds == 0:
        return "0s"
    if nanoseconds < _UNITS_NS["s"]:
        unit = next(u for u in ("ms", "us", "ns") if nanoseconds >= _UNITS_NS[u])
        return f"{_plain(Decimal(nanoseconds) / _UNITS_NS[unit])}{'µs' if unit == 'us' else unit}"
    hours, rest = divmod(nanoseconds, _UNITS_NS["h"])
    minutes, rest = divmod(rest, _UNITS_NS["m"])
    parts = [(str(hours), "h"), (str(minutes), "m"), (_plain(Decimal(rest) / _UNITS_NS["s"]), "s")]
    while parts[0][0] == "0":
        parts.pop(0)
    while parts[-1][0] == "0":
        parts.pop()
    return "".join(f"{number}{unit}" for number, unit in parts)


def _plain(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
