"""The sample API on its stores: one list for all replicas, each store's health, the death of a primary."""

from __future__ import annotations

import http.client
import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from components.topology import Plan
from tests.lab.data.test_mysql import sql
from tests.lab.load import Edge
from tests.lab.measure import measured
from tests.lab.nodes import on_node
from tests.lab.runner import fast_enough, until
from tests.lab.stores import Store, found, needed, wait_whole, whole_store

SERVES_AGAIN_S = 10.0
STORES = {"mysql", "mysql-read", "redis", "mongodb"}
pytestmark = pytest.mark.data_tier


def asked(edge: Edge, path: str, start: int = 0) -> dict[str, Any]:
    code, body = edge.get(path, start)
    assert code == 200, body
    answer: dict[str, Any] = json.loads(body)
    return answer


def states(edge: Edge, start: int) -> dict[str, str]:
    """Store to state, as one replica sees it."""
    return {each["name"]: each["state"] for each in asked(edge, "/api/health", start)["backings"]}


@pytest.fixture(scope="module")
def mysql(plan: Plan, stores: list[Store]) -> Store:
    needed(plan, "mysql-router")
    return whole_store(stores, "mysql")


@pytest.fixture
def whole(plan: Plan, edge: Edge, mysql: Store) -> set[str]:
    """The stores that this lab has; every replica sees each of them up."""
    there = STORES - plan.off.keys()
    up = dict.fromkeys(there, "up")
    until(lambda: all(states(edge, n) == up for n in range(9)), 60, "every store up")
    return there


def test_health_shows_each_store_up_and_who_leads_it(edge: Edge, whole: set[str]) -> None:
    health = asked(edge, "/api/health")
    assert health["status"] == "ok"
    assert {each["name"] for each in health["backings"]} == whole
    for each in health["backings"]:
        assert each["member"].startswith(each["kind"]), each
        assert each["latency_ms"] > 0


def test_a_note_posted_at_one_replica_is_read_from_every_replica_at_once(
    edge: Edge, secrets: dict[str, str], whole: set[str]
) -> None:
    hosts: set[str] = set()
    for number in range(20):
        text = f"for all {uuid.uuid4().hex}"
        code, body = edge.post("/api/notes", {"text": text}, secrets["api_token"], number)
        assert code == 201, body
        for start in range(6):
            answer = asked(edge, "/api/notes", start)
            assert (answer["store"], answer["lagging"]) == ("MySQL", False)
            assert text in [note["text"] for note in answer["notes"]], answer["host"]
            hosts.add(answer["host"])
    assert len(hosts) == 3


def test_each_note_is_an_event_in_mongodb(
    edge: Edge, plan: Plan, secrets: dict[str, str], whole: set[str]
) -> None:
    needed(plan, "mongodb")
    _, body = edge.post("/api/notes", {"text": "an event"}, secrets["api_token"])
    own = json.loads(body)["note"]["id"]
    until(
        lambda: own in [each["id"] for each in asked(edge, "/api/events")["events"]],
        15,
        f"an event of note {own}",
    )


@dataclass
class Stream:
    """Notes posted, or the list read, one after the other from `with` until its end; times in seconds."""

    ask: Callable[[int], tuple[int, bytes]]
    answers: list[dict[str, Any]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    longest_gap_s: float = 0.0

    def __enter__(self) -> Stream:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        last, number = time.monotonic(), 0
        while not self._stop.wait(0.05):
            number += 1
            try:
                code, body = self.ask(number)
            except (OSError, http.client.HTTPException) as error:
                code, body = 0, repr(error).encode()
            if code in (200, 201):
                self.answers.append(json.loads(body))
                last, before = time.monotonic(), last
                self.longest_gap_s = max(self.longest_gap_s, last - before)
            else:
                self.refused.append(f"{time.strftime('%X')} {code} {body[:120]!r}")
        self.longest_gap_s = max(self.longest_gap_s, time.monotonic() - last)


def test_the_death_of_the_primary_is_bridged_and_no_acknowledged_note_is_lost(
    edge: Edge, secrets: dict[str, str], mysql: Store, whole: set[str]
) -> None:
    run, primary = uuid.uuid4().hex, mysql.leader()
    writes = Stream(lambda n: edge.post("/api/notes", {"text": f"{run} {n}"}, secrets["api_token"], n))
    reads = Stream(lambda n: edge.get("/api/notes", n))
    looks = Stream(lambda n: edge.get("/api/health", n))
    with writes, reads, looks:
        time.sleep(5)
        on_node(mysql.settings, mysql.homes[primary], f"docker kill {found(primary)}")
        time.sleep(30)
    wait_whole([mysql], mysql.settings)
    there = sql(mysql, f"SELECT id, text FROM app.notes WHERE text LIKE '{run} %'").splitlines()
    acknowledged = {answer["note"]["id"] for answer in writes.answers}
    lost = acknowledged - {line.split("\t")[0] for line in there}
    notes = {"acknowledged": len(acknowledged), "lost": len(lost), "refused": len(writes.refused)}
    measured(f"api, {primary} killed: notes", **notes, gap_s=writes.longest_gap_s)
    lagging = sum(each["lagging"] for each in reads.answers)
    lists = {"read": len(reads.answers), "refused": len(reads.refused), "lagging": lagging}
    measured(f"api, {primary} killed: lists", **lists, gap_s=reads.longest_gap_s)
    assert lost == set()
    assert len({line.split("\t")[1] for line in there}) == len(there), "a repeated write made a second note"
    assert len(acknowledged) > 50
    fast_enough("the API without an answer to writes", [writes.longest_gap_s], SERVES_AGAIN_S)
    fast_enough("the API without an answer to reads", [reads.longest_gap_s], SERVES_AGAIN_S)
    assert looks.refused == []
    assert looks.longest_gap_s < 5, "a store that is down slows /health"
