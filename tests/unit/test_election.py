"""Which manager the Docker provider is led to."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from unittest.mock import Mock

import pytest

from components.settings import Node, Settings
from components.ssh.election import NoSwarmManagerError, Vote, elect, vote
from tests.unit.machines import a_plan

SETTINGS = a_plan().settings
MANAGERS = [node.name for node in SETTINGS.managers]
NO_SWARM = {"Swarm": {"ControlAvailable": False, "Nodes": 0}}
NO_LEADER = {"Swarm": {"ControlAvailable": True, "Nodes": 0, "Cluster": None}}
ALONE = {"Swarm": {"ControlAvailable": True, "Nodes": 1, "Cluster": {"ID": "foreign"}}}
DEAD = None

Answer = tuple[float, dict[str, Any] | None]


def of(swarm: str) -> dict[str, Any]:
    return {"Swarm": {"ControlAvailable": True, "Nodes": 5, "Cluster": {"ID": swarm}}}


def chosen(*answers: Answer) -> tuple[str, list[Mock], float]:
    """The manager that is chosen, all connections, and the seconds, given each manager's delay and answer."""
    given, connections = dict(zip(MANAGERS, answers, strict=True)), []

    async def ask(_: Settings, node: Node) -> Vote:
        delay_s, info = given[node.name]
        await asyncio.sleep(delay_s)
        if info is None:
            return Vote(node.name, None, "no answer within 10 s")
        found = vote(node.name, info, len(MANAGERS))
        connections.append(connection := Mock(name=node.name))
        return Vote(found.node, found.swarm, found.reason, found.leaderless, connection)

    began = time.monotonic()
    name, _ = asyncio.run(elect(SETTINGS, ask))
    return name, connections, time.monotonic() - began


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([(0, of("ours")), (0.2, DEAD), (0.2, DEAD)], {MANAGERS[0]}),
        ([(0.1, of("ours")), (0.1, of("ours")), (0, of("foreign"))], {*MANAGERS[:2]}),
        ([(0, of("foreign")), (0, of("ours")), (0.1, of("ours"))], {*MANAGERS[1:]}),
        ([(0, NO_SWARM), (0, NO_LEADER), (0, of("ours"))], {MANAGERS[2]}),
        ([(0.1, of("ours")), (0, NO_SWARM), (0, ALONE)], {MANAGERS[0]}),
    ],
    ids=[
        "the only one alive",
        "a quick one of another swarm",
        "the first is of another swarm",
        "the only one that manages",
        "one alone in a swarm, and ours",
    ],
)
def test_it_leads_to_the_swarm_that_most_managers_are_in(answers: list[Answer], expected: set[str]) -> None:
    name, connections, _ = chosen(*answers)
    assert name in expected
    kept = [each for each in connections if not each.close.called]
    assert len(kept) == 1, "the other connections are closed"


def test_a_manager_that_answers_too_late_to_be_counted_keeps_no_connection() -> None:
    _, connections, _ = chosen(*[(0, of("ours"))] * 3)
    assert len(connections) == 3
    assert [each.close.called for each in connections].count(False) == 1


def test_a_dead_manager_is_not_waited_for() -> None:
    name, _, seconds = chosen((5, DEAD), (0, of("ours")), (0, of("ours")))
    assert name in MANAGERS[1:]
    assert seconds < 1


@pytest.mark.parametrize(
    ("answers", "reason", "electing"),
    [
        ([(0, of("one")), (0, of("another")), (0, NO_SWARM)], "managers are in different swarms: ", False),
        ([(0, DEAD), (0, DEAD), (0, ALONE)], f"{MANAGERS[2]}: is alone in a swarm", False),
        ([(0, DEAD), (0, NO_LEADER), (0, NO_LEADER)], "is a manager of a swarm that has no leader", True),
        ([(0, NO_SWARM), (0, NO_SWARM), (0, NO_SWARM)], f"{MANAGERS[1]}: manages no swarm", False),
    ],
    ids=["two swarms", "one alone in a swarm", "no leader", "no swarm"],
)
def test_where_none_can_be_chosen_each_manager_and_its_reason_are_named(
    answers: list[Answer], reason: str, electing: bool
) -> None:
    with pytest.raises(NoSwarmManagerError, match=reason) as caught:
        chosen(*answers)
    assert caught.value.electing is electing


def test_a_single_declared_manager_may_be_alone() -> None:
    assert vote("node-1", ALONE, 1).swarm == "foreign"
