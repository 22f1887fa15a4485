"""Pytest plugin of a drill: leaves out what is done, says how far it is, and records every case.

Loaded by `-p tests.drill.plugin`; the record's path is in the environment (tests/drill/record.py).
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.drill import record


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Drill(config, Path(os.environ[record.VARIABLE])), "drill")


class Drill:
    """One run of pytest within a drill."""

    def __init__(self, config: pytest.Config, path: Path) -> None:
        self.config = config
        self.done = {case.id for case in record.read(path).values() if case.is_done}
        self.known_s = record.known_seconds(path.parent)
        self.began_s = time.monotonic()
        self.left: list[str] = []
        self.count = 0
        self.ended: dict[str, tuple[str, float]] = {}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        gone = [item for item in items if item.nodeid in self.done]
        items[:] = [item for item in items if item.nodeid not in self.done]
        self.config.hook.pytest_deselected(items=gone)
        self.left = [item.nodeid for item in items]
        self.count = len(items)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        record.append(event="begin", case=nodeid)
        passed_s = time.monotonic() - self.began_s
        rest_s = estimate_s(self.left, self.known_s)
        number = self.count - len(self.left) + 1
        self.left.remove(nodeid)
        line = f"== case {number} of {self.count}, {minutes(passed_s)} gone, about {minutes(rest_s)} to go"
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        assert reporter, "a drill says how far it is"
        reporter.write_line(f"\n{line}: {nodeid.partition('::')[2]}")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        outcome, seconds = self.ended.get(report.nodeid, ("passed", 0.0))
        if report.outcome != "passed" and outcome != "failed":
            outcome = report.outcome
        seconds += report.duration
        self.ended[report.nodeid] = outcome, seconds
        if report.when == "teardown":
            self.known_s[report.nodeid] = seconds
            today = f"{datetime.now(UTC):%Y-%m-%d}"
            record.append(
                event="end", case=report.nodeid, outcome=outcome, seconds=round(seconds, 1), date=today
            )


def estimate_s(left: list[str], known_s: Mapping[str, float]) -> float:
    """The time of the cases left: as long as each last took, a new one as long as one takes on average."""
    average = sum(known_s.values()) / len(known_s) if known_s else 60.0
    return sum(known_s.get(case, average) for case in left)


def minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min"
