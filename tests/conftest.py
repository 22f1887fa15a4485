"""Declarations with the same text are parsed once for all tests: hundreds of them read the same files."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components import declaration, secret_recipes, stack
from components.errors import Fault
from components.yaml_file import read_mapping

Parsed = dict[Any, Any] | None


class Once:
    """`read_mapping`, which parses a sound text once; every caller gets a copy of its own."""

    def __init__(self) -> None:
        self.parsed: dict[bytes, Parsed] = {}

    def __call__(self, path: Path, place: str, faults: list[Fault]) -> Parsed:
        try:
            text = path.read_bytes()
        except (OSError, ValueError):
            return read_mapping(path, place, faults)
        if text not in self.parsed:
            found: list[Fault] = []
            value = read_mapping(path, place, found)
            if found:
                faults += found
                return value
            self.parsed[text] = value
        return copy.deepcopy(self.parsed[text])


@pytest.fixture(scope="session", autouse=True)
def _parsed_once() -> Iterator[None]:
    once = Once()
    with pytest.MonkeyPatch.context() as patch:
        for module in (declaration, secret_recipes, stack):
            patch.setattr(module, "read_mapping", once)
        yield
