"""What drills have done and measured: a line of JSON for each event, in a file for each commit."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".lab" / "drill"
#: Names the file that a drill under way writes; unset outside of drills.
VARIABLE = "DRILL_RECORD"
Figure = float | int | str


@dataclass(frozen=True)
class Measurement:
    """Figures under one name; a figure's unit is the end of its key, as in `recovered_s`."""

    name: str
    figures: Mapping[str, Figure]


@dataclass(frozen=True)
class Case:
    """The newest run of a case, by its pytest id. `seconds` with its fixtures; `date` as 2026-11-27."""

    id: str
    outcome: str = "not ended"
    seconds: float = 0.0
    date: str = ""
    measured: tuple[Measurement, ...] = field(default=())

    @property
    def is_done(self) -> bool:
        return self.outcome in ("passed", "skipped")


def append(**event: Any) -> None:
    """Add an event to the record of the drill under way; outside of drills do nothing."""
    if path := os.environ.get(VARIABLE):
        with Path(path).open("a") as file:
            file.write(json.dumps(event) + "\n")


def read(path: Path) -> dict[str, Case]:
    """Return the cases of a record by id, in the order of their first run; empty when there is no file."""
    return fold(map(json.loads, path.read_text().splitlines())) if path.exists() else {}


def fold(events: Iterable[Mapping[str, Any]]) -> dict[str, Case]:
    """Return what the events amount to: a case that begins again loses what it had measured."""
    cases: dict[str, Case] = {}
    for event in events:
        key = event["case"]
        case = cases.get(key, Case(key))
        if event["event"] == "begin":
            case = Case(key)
        elif event["event"] == "measured":
            measurement = Measurement(event["name"], event["figures"])
            case = replace(case, measured=(*case.measured, measurement))
        else:
            ended = {name: event[name] for name in ("outcome", "seconds", "date")}
            case = replace(case, **ended)
        cases[key] = case
    return cases


def known_seconds(folder: Path = FOLDER) -> dict[str, float]:
    """Return how long each case took when it last passed, at whichever commit."""
    found: dict[str, float] = {}
    for path in sorted(folder.glob("*.jsonl"), key=lambda path: path.stat().st_mtime):
        found |= {case.id: case.seconds for case in read(path).values() if case.outcome == "passed"}
    return found
