"""The sample API on its stores: one list for all replicas, each store's health, the death of a primary."""

from __future__ import annotations

import http.client
import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from components.topology import Plan
from tests.lab.data.test_mysql import sql
from tests.lab.load import Edge
from tests.lab.measure import measured
from tests.lab.nodes import on_node
from tests.lab.runner import fast_enough, until
from tests.lab.stores import Store, found, in_container, needed, wait_whole, whole_store

SERVES_AGAIN_S = 10.0
BROKERS = {"kafka": "kafka", "rabbitmq": "rabbitmq", "rocketmq": "rocketmq-broker"}
#: As /api/health names them, and the service that each is.
STORES = {
    "mysql": "mysql",
    "mysql-read": "mysql",
    "redis": "redis",
    "mongodb": "mongodb",
    "nacos": "nacos",
    **BROKERS,
}
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
    declared = {service.name for service in plan.services}
    there = {name for name, service in STORES.items() if service in declared}
    up = dict.fromkeys(there, "up")
    until(lambda: all(states(edge, n) == up for n in range(9)), 60, "every store up")
    return there


def test_health_shows_each_store_up_and_who_leads_it(edge: Edge, whole: set[str]) -> None:
    health = asked(edge, "/api/health")
    assert health["status"] == "ok"
    assert {each["name"] for each in health["backings"]} == whole
    for each in health["backings"]:
        assert each["member"].startswith((each["kind"], "broker-")), each  # RocketMQ tells its set


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


@pytest.mark.parametrize("broker", BROKERS)
def test_each_note_is_announced_on_each_broker(
    broker: str, edge: Edge, plan: Plan, secrets: dict[str, str], whole: set[str]
) -> None:
    needed(plan, BROKERS[broker])
    _, body = edge.post("/api/notes", {"text": "an announcement"}, secrets["api_token"])
    own = json.loads(body)["note"]["id"]

    def consumed() -> set[str]:
        answers = [asked(edge, "/api/announcements", start)["announcements"] for start in range(9)]
        return {each["id"] for answer in answers for each in answer[broker]}

    until(lambda: own in consumed(), 30, f"{broker} carries the announcement of {own}")


def test_every_replica_is_registered_and_a_setting_changes_while_they_run(
    edge: Edge, plan: Plan, whole: set[str]
) -> None:
    needed(plan, "nacos")
    told = [asked(edge, "/api/settings", start) for start in range(9)]
    assert {each["replicas"] for each in told} == {3}
    before, now = told[0]["settings"]["greeting"], f"Hello {uuid.uuid4().hex}"
    for wanted in (now, before):
        publish(plan, f"greeting={wanted}")
        until(partial(all_greet, edge, wanted), 20, f"every replica says {wanted}")


def all_greet(edge: Edge, greeting: str) -> bool:
    said = {asked(edge, "/api/settings", start)["settings"]["greeting"] for start in range(9)}
    return said == {greeting}


def publish(plan: Plan, content: str) -> None:
    """The new content of a configuration, by the script that Nacos' members ask each other by."""
    script = f"""
      cd /usr/local/lib/nacos
      . ./member.sh
      . ./api.sh
      api 127.0.0.1 /v3/admin/cs/config -d namespaceId=public -d groupName=DEFAULT_GROUP \
        -d dataId=platform-api -d type=properties --data-urlencode 'content={content}'
    """
    service = next(each for each in plan.services if each.name == "nacos")
    unit = plan.units(service)[0]
    in_container(plan.settings, unit.home or "", unit.name, script)


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
