from __future__ import annotations

import io
import json
from typing import Any

import pytest
from rich.console import Console

from components.topology import Plan
from ops import status
from ops.status import Status, last_failure, parse, show, whole
from tests.unit.examples import settings


def task(name: str, node: str, state: str, error: str = "") -> dict[str, Any]:
    return {"Name": name, "Node": node, "CurrentState": state, "Error": error}


NODE = {
    "Hostname": "node-1",
    "ManagerStatus": "Leader",
    "Status": "Ready",
    "Availability": "Active",
    "EngineVersion": "28",
}
API = {"Name": "api", "Replicas": "2/3 (max 1 per node)", "Image": "registry/api:1@sha256:abc"}
TASKS = [
    task("api.1", "node-4", "Running 2 minutes ago"),
    task("api.2", "node-5", "Rejected 5 seconds ago", "no such image"),
    task("api-other.1", "node-5", "Failed 1 second ago", "not ours"),
]


def lines(*rows: tuple[str, dict[str, Any]]) -> str:
    return "".join(f"{kind} {json.dumps(row)}\n" for kind, row in rows)


def test_a_service_is_whole_when_all_its_tasks_run() -> None:
    assert whole({"Replicas": "3/3"})
    assert whole({"Replicas": "2/2 (max 1 per node)"})
    assert not whole(API)


def test_the_newest_failure_of_that_service_names_its_node() -> None:
    assert last_failure(TASKS, "api") == "node-5: no such image"
    assert last_failure(TASKS, "nginx") is None


def test_what_is_not_whole_is_said_with_its_reason_and_fails() -> None:
    cluster = parse(lines(("node", NODE), ("service", API), *(("task", row) for row in TASKS)))
    console = Console(file=io.StringIO(), width=200)
    assert not show(Status(cluster, {}), ["https://192.0.2.11"], console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "api is not whole: node-5: no such image" in text
    assert "open https://192.0.2.11" in text


def test_all_whole_is_success() -> None:
    healthy = {**API, "Replicas": "1/1"}
    cluster = parse(lines(("node", NODE), ("service", healthy), ("task", TASKS[0])))
    assert show(Status(cluster, {}), [], Console(file=io.StringIO()))


def test_a_member_that_must_not_stop_is_told_and_is_no_fault() -> None:
    cluster = parse(lines(("node", NODE), ("service", {**API, "Replicas": "1/1"}), ("task", TASKS[0])))
    console = Console(file=io.StringIO(), width=200)
    assert show(Status(cluster, {}, stay={"queue-2": "too few in sync of 3 partitions"}), [], console)
    told = "queue-2 must not stop now: too few in sync of 3 partitions"
    assert told in console.file.getvalue()  # type: ignore[attr-defined]


def test_what_still_starts_is_waited_for_and_no_longer_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    short = Status(parse(lines(("service", {**API, "Replicas": "0/1"}))), {})
    whole = Status(parse(lines(("service", {**API, "Replicas": "1/1"}))), {})
    monkeypatch.setattr("ops.status.time.sleep", lambda seconds: None)
    seen, told = iter([short, short, whole]), list[str]()
    monkeypatch.setattr(status, "read_status", lambda plan: next(seen))
    assert status.settled(Plan(settings(), ()), told.append) == whole
    assert told == ["waits until everything runs: api 0/1"]
    monkeypatch.setattr(status, "read_status", lambda plan: short)
    assert status.settled(Plan(settings(), ()), told.append, limit_s=0) == short
