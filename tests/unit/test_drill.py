"""What `make drill` leaves out, records and writes down, without a lab."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer

from tests.drill import __main__ as drill
from tests.drill import record
from tests.drill.plugin import Drill, estimate_s
from tests.drill.record import Case, Measurement
from tests.drill.report import Origin, merged, name_of, parse, render, tables_of, topic_of
from tests.lab import topics
from tests.lab.measure import measured

KILL = "tests/lab/data/test_failover.py::test_leaders_go[kill -9 | of all]"
ORIGIN = Origin("abc1234", 0.31)


def begin(case: str) -> dict[str, Any]:
    return {"event": "begin", "case": case}


def end(case: str, outcome: str = "passed", seconds: float = 61.2) -> dict[str, Any]:
    return {"event": "end", "case": case, "outcome": outcome, "seconds": seconds, "date": "2026-11-27"}


def figures(case: str, name: str, **values: float) -> dict[str, Any]:
    return {"event": "measured", "case": case, "name": name, "figures": values}


def write(path: Path, *events: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    return path


def test_a_case_that_ran_again_has_only_its_newest_figures() -> None:
    events = [begin(KILL), figures(KILL, "gap", mysql_s=9.0), end(KILL, "failed")]
    events += [begin(KILL), figures(KILL, "gap", mysql_s=7.3), end(KILL)]
    case = record.fold(events)[KILL]
    assert case.measured == (Measurement("gap", {"mysql_s": 7.3}),)
    assert case.is_done


@pytest.mark.parametrize(
    ("events", "done"),
    [
        ([begin(KILL)], False),
        ([begin(KILL), end(KILL, "failed")], False),
        ([begin(KILL), end(KILL), begin(KILL)], False),
        ([begin(KILL), end(KILL, "skipped")], True),
    ],
    ids=["killed amid it", "failed", "begun again", "skipped"],
)
def test_what_did_not_end_well_is_not_done(events: list[dict[str, Any]], done: bool) -> None:
    assert record.fold(events)[KILL].is_done == done


def test_figures_are_kept_with_the_test_that_measured_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(record.VARIABLE, str(tmp_path / "record"))
    measured("ledger of redis", acknowledged=812, lost=0, gap_s=4.44444)
    assert capsys.readouterr().out == "ledger of redis: acknowledged 812, lost 0, gap 4.4 s\n"
    (case,) = record.read(tmp_path / "record").values()
    assert case.id.endswith("test_figures_are_kept_with_the_test_that_measured_them")
    assert case.measured[0].figures == {"acknowledged": 812, "lost": 0, "gap_s": 4.44}


def test_outside_of_a_drill_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(record.VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    measured("redis", gap_s=1.0)
    assert list(tmp_path.iterdir()) == []


def plugin(path: Path, lines: list[str]) -> Drill:
    """A drill's plugin in a pytest that only takes its lines."""
    reporter = SimpleNamespace(write_line=lines.append)
    config = SimpleNamespace(
        pluginmanager=SimpleNamespace(get_plugin=lambda name: reporter),
        hook=SimpleNamespace(pytest_deselected=lambda items: lines.append(f"{len(items)} left out")),
    )
    return Drill(config, path)  # type: ignore[arg-type]


def test_a_drill_goes_on_where_it_stopped_and_says_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "abc.jsonl", begin("a"), end("a"), begin("b"), end("b", "failed"))
    monkeypatch.setenv(record.VARIABLE, str(path))
    lines: list[str] = []
    running = plugin(path, lines)
    items: list[Any] = [SimpleNamespace(nodeid=name) for name in ("a", "b", "c")]
    running.pytest_collection_modifyitems(items)
    assert [item.nodeid for item in items] == ["b", "c"]
    running.pytest_runtest_logstart("b")
    for when, outcome in (("setup", "passed"), ("call", "failed"), ("teardown", "passed")):
        report = SimpleNamespace(nodeid="b", when=when, outcome=outcome, duration=30.0)
        running.pytest_runtest_logreport(report)  # type: ignore[arg-type]
    running.pytest_runtest_logstart("c")
    assert lines[0] == "1 left out"
    assert lines[1].strip().startswith("== case 1 of 2, 0 min gone, about 2 min to go")
    assert lines[2].strip().startswith("== case 2 of 2, 0 min gone, about 1 min to go")
    b, c = (record.read(path)[name] for name in ("b", "c"))
    assert (b.outcome, b.seconds, c.outcome) == ("failed", 90.0, "not ended")


def test_a_case_takes_as_long_as_the_last_time_and_a_new_one_as_long_as_one_takes() -> None:
    assert estimate_s(["a", "b", "new"], {"a": 10, "b": 50}) == 10 + 50 + 30
    assert estimate_s(["new"], {}) == 60


def test_tables_are_written_by_topic_and_read_again() -> None:
    cases = [
        Case(KILL, "passed", 61.2, "2026-11-27", (Measurement("gap", {"mysql_s": 7.34, "lost": 0}),)),
        Case("tests/lab/test_drift.py::test_a_drift[engines]", "failed", 12.0, "2026-11-27"),
    ]
    tables = tables_of(cases, ORIGIN)
    text = render(tables, ["drift", "failover"])
    assert text.index("## drift") < text.index("## failover")
    assert (
        "| `leaders go[kill -9 / of all]` | passed | 61 s | gap: mysql 7.3 s, lost 0 "
        "| 2026-11-27 | abc1234 | 0.31 s |"
    ) in text
    assert parse(text) == tables


def test_a_drill_of_one_topic_leaves_the_rows_of_others() -> None:
    old = {"redis": {"x": "old", "y": "old"}, "drift": {"z": "old"}}
    found = merged(old, {"redis": {"x": "new"}, "edge": {"v": "new"}})
    assert found == {"redis": {"x": "new", "y": "old"}, "drift": {"z": "old"}, "edge": {"v": "new"}}


def test_names_of_cases_are_words() -> None:
    assert (topic_of(KILL), name_of(KILL)) == ("failover", "leaders go[kill -9 / of all]")


def test_topics_are_named_and_an_unknown_one_is_a_fault() -> None:
    assert [path.name for path in drill.chosen("redis, drift")] == ["test_redis.py", "test_drift.py"]
    assert len(drill.chosen("")) == len(topics.files())
    with pytest.raises(typer.BadParameter, match="no topic reddis; there are converged, "):
        drill.chosen("reddis")


def test_every_topic_has_its_place_in_the_order() -> None:
    assert set(topics.files()) <= set(topics.ORDER)
    assert list(topics.files()) == [name for name in topics.ORDER if name in topics.files()]


def test_what_make_test_runs_must_be_a_case() -> None:
    only_drilled = [bool(case.marks) for case in topics.cases(["a", "b"], tested=["b"])]
    assert only_drilled == [True, False]
    with pytest.raises(ValueError, match="no case c"):
        topics.cases(["a"], tested=["c"])


def test_a_checkout_is_dirty_when_more_than_the_report_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "ROOT", tmp_path)
    for name in ("report.md", "code.py"):
        (tmp_path / name).write_text("before")
    who = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
    for command in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "first"]):
        drill.git(*command)
    (tmp_path / "report.md").write_text("after")
    assert not drill.commit_name(tmp_path / "report.md").endswith("-dirty")
    (tmp_path / "code.py").write_text("after")
    assert drill.commit_name(tmp_path / "report.md").endswith("-dirty")
