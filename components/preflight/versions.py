"""Versions compared by their numbers."""

from __future__ import annotations

import re


def numbers(version: str) -> tuple[int, ...]:
    """`20.10.24+dfsg1` to (20, 10, 24); empty without leading digits."""
    leading = re.match(r"[0-9]+(\.[0-9]+)*", version)
    return tuple(int(part) for part in leading[0].split(".")) if leading else ()


def older(version: str, oldest: str) -> bool:
    """Whether `version` is surely older: 20.10.24 is as old as 20.10, and 8 may be 8.4."""
    wanted = numbers(oldest)
    present = numbers(version)[: len(wanted)]
    return bool(present) and present < wanted[: len(present)]
