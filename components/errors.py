"""Faults: what a user did wrong, said as place, fault and remedy, all of them at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

#: A key of a megabyte is no place that a person can find.
LONGEST = 300


@dataclass(frozen=True, order=True)
class Fault:
    """One thing that is wrong.

    place: path of the setting, file or node (`nodes[2].address`, `services/api`).
    fault: what is the matter there, without any secret value.
    remedy: what the reader can do about it.
    """

    place: str
    fault: str
    remedy: str

    def __str__(self) -> str:
        return f"{printable(self.place)}: {printable(self.fault)}; {printable(self.remedy)}"


class ConfigurationError(Exception):
    """Every fault of one configuration; its text is meant for the operator as it is."""

    subject = "in the configuration"

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        noun = "fault" if len(self.faults) == 1 else "faults"
        lines = "\n".join(f"  - {fault}" for fault in self.faults)
        super().__init__(f"{len(self.faults)} {noun} {self.subject}, nothing was touched:\n{lines}")


def printable(text: str) -> str:
    """One line that every terminal and log can take, whatever a key or a file's name holds."""
    shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text[:LONGEST])
    return f"{shown}…" if len(text) > LONGEST else shown
