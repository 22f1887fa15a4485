"""How the work of planning grows with the environment, counted instead of timed: docs/benchmarks.md."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any

from components.reading import read
from tests.bench.growth import row
from tests.bench.synthetic import Size, environment, facts_of
from tests.bench.trial import Trial, judge


def steps(size: Size, folder: Path) -> tuple[int, int]:
    """How many lines of components/ run to plan an environment of that size, and to judge its facts."""
    folder.mkdir()
    raw, facts = environment(size, folder), facts_of(size)
    with Steps() as reading_steps:
        reading = read(raw, folder / "services", folder / "secrets.yaml")
    with Steps() as judging_steps:
        judge(reading, facts)
    return reading_steps.count, judging_steps.count


class Steps:
    """Counts lines of components/ as they run, every turn of a loop anew: the same in every run."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> Steps:
        sys.settrace(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _note(self, frame: FrameType, event: str, _: object) -> Any:
        self.count += event == "line"
        return self._note if "/components/" in frame.f_code.co_filename else None


def test_planning_grows_with_the_services_and_not_with_their_square(tmp_path: Path) -> None:
    (one, _), (twice, _) = (steps(Size(5, services), tmp_path / str(services)) for services in (40, 80))
    assert twice < 2.1 * one


def test_judging_grows_with_the_pairs_of_nodes_and_no_faster(tmp_path: Path) -> None:
    (_, one), (_, twice) = (steps(Size(nodes, 1), tmp_path / str(nodes)) for nodes in (20, 40))
    assert twice < 4 * one


def test_a_trial_is_a_row() -> None:
    trial = Trial(100, 1000, 8706, 16.1, 0.28, 46.9, 60.5, 493.5)
    assert row(trial) == (
        *("100", "1,000", "8,706", "16.10", "0.28", "46.90", "63.28", "60.50"),
        *("6.9", "494"),
    )
