"""Nodes come, go and change roles by edits of the stack file; the managers keep their quorum throughout."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from components.settings import Node
from components.topology import Plan
from ops import status
from tests.lab.measure import measured
from tests.lab.nodes import lab, on_node
from tests.lab.quorum_watch import QuorumWatch
from tests.lab.runner import Tree, until
from tests.lab.test_drift import steps, words
from tests.lab.test_interruption import ops

SEED = 20261125
#: Random sequences of edits; twenty are some eight minutes.
SEQUENCES = int(os.environ.get("LIFECYCLE_SEQUENCES", "4"))
#: Raft needs about a second to choose another leader, and the watch asks twice a second.
LEADERLESS_S = 8.0


class StackFile:
    """The nodes of a tree's stack file, to edit."""

    def __init__(self, tree: Tree) -> None:
        self.file = tree.root / "Pulumi.lab.yaml"
        self.document = yaml.safe_load(self.file.read_text())
        self.config: dict[str, Any] = self.document["config"]

    @property
    def nodes(self) -> list[dict[str, Any]]:
        return list(self.config["platform-beta:nodes"])

    def node(self, number: int) -> dict[str, Any]:
        return next(node for node in self.nodes if node["name"] == f"node-{number}")

    def write(self, nodes: list[dict[str, Any]] | None = None) -> None:
        if nodes is not None:
            self.config["platform-beta:nodes"] = nodes
        self.file.write_text(yaml.safe_dump(self.document, sort_keys=False))


def roles(plan: Plan) -> dict[str, str]:
    """As the swarm has them: node to manager, worker or gone."""
    rows = status.read(plan.settings).nodes
    return {row["Hostname"]: "manager" if row["ManagerStatus"] else "worker" for row in rows}


def converges(tree: Tree) -> float:
    """By `ops up`: where a node leaves, a second pass closes the firewalls to it."""
    done = ops(tree, "up")
    assert done.code == 0, done.said
    assert steps(tree) == {}
    return done.seconds


def await_certificates(plan: Plan) -> None:
    """A demoted manager that dies before it has a worker's certificate comes back as a voter."""
    command = "openssl x509 -noout -subject -in /var/lib/docker/swarm/certificates/swarm-node.crt"

    def has_its_own(node: Node) -> bool:
        return f"swarm-{node.role}," in on_node(plan.settings, node.name, f"{command} || true")

    until(lambda: all(map(has_its_own, plan.settings.nodes)), 60, "certificates of every role")


@pytest.fixture
def nodes(variant: Tree) -> Iterator[StackFile]:
    """The stack file to edit; in the end the nodes are as the checkout declares them."""
    file = StackFile(variant).file
    own = file.read_text()
    yield StackFile(variant)
    if file.read_text() != own:
        file.write_text(own)
        done = variant.up()
        assert done.code == 0, done.said


def test_a_worker_is_taken_out_and_in_again(variant: Tree, nodes: StackFile, plan: Plan) -> None:
    all_of_them = nodes.nodes
    nodes.write([node for node in all_of_them if node["name"] != "node-5"])
    out = converges(variant)
    assert roles(plan) == {f"node-{n}": "manager" if n < 4 else "worker" for n in range(1, 5)}
    state = "docker info --format '{{.Swarm.LocalNodeState}}'; docker ps -q"
    assert on_node(plan.settings, "node-5", state).strip() == "inactive"
    nodes.write(all_of_them)
    back = converges(variant)
    assert roles(plan)["node-5"] == "worker"
    measured("a worker", out_s=out, in_again_s=back)


def test_a_dead_worker_is_removed_without_it(variant: Tree, nodes: StackFile, plan: Plan) -> None:
    all_of_them = nodes.nodes
    lab("stop-node", "--kill", "node-5")
    try:
        preview = variant.preview()
        assert preview.code == 0, preview.said
        assert preview.seconds < 30
        assert "node-5" in preview.text
        nodes.write([node for node in all_of_them if node["name"] != "node-5"])
        done = ops(variant, "up")
        assert done.code == 0, done.said
        assert "node-5: is no longer declared and is dead" in done.text
        assert "node-5" not in roles(plan)
        assert steps(variant) == {}
    finally:
        lab("start-node", "node-5")
    nodes.write(all_of_them)
    converges(variant)
    assert roles(plan)["node-5"] == "worker"


def test_a_manager_and_a_worker_change_places(variant: Tree, nodes: StackFile, plan: Plan) -> None:
    nodes.node(3)["role"], nodes.node(4)["role"] = "worker", "manager"
    nodes.write()
    with QuorumWatch(plan.settings) as watch:
        took_s = converges(variant)
    measured("a manager and a worker change places", up_s=took_s, silence_s=watch.longest_gap_s)
    assert (roles(plan)["node-3"], roles(plan)["node-4"]) == ("worker", "manager")
    assert watch.longest_gap_s < LEADERLESS_S


def test_with_two_nodes_away_a_preview_says_so_in_time_and_an_up_does_what_is_safe(
    variant: Tree, nodes: StackFile, plan: Plan
) -> None:
    await_certificates(plan)
    for name in ("node-1", "node-4"):
        lab("stop-node", "--kill", name)
    try:
        leader = "timeout 5 docker node ls 2>&1 || true"
        # If it was the leader, the others choose another first: no manager answers anybody in those seconds.
        until(lambda: "Leader" in on_node(plan.settings, "node-2", leader), 60, "a leader")
        preview = variant.preview()
        assert preview.code == 0, preview.said
        assert preview.seconds < 30
        assert all(f"{name}" in preview.text for name in ("node-1", "node-4"))
        nodes.node(5)["labels"]["extra"] = "1"
        nodes.write()
        assert variant.up().code == 0
        labels = "docker node inspect node-5 --format '{{json .Spec.Labels}}'"
        assert '"extra":"1"' in on_node(plan.settings, "node-2", labels)
        nodes.node(3)["role"] = "worker"
        nodes.config["platform-beta:swarm"]["even_managers"] = True
        nodes.write()
        refused = variant.up()
        assert refused.code != 0
        assert "dismissing manager node-3 would leave 2 managers, of whom 1 surely answer" in refused.text
    finally:
        for name in ("node-1", "node-4"):
            lab("start-node", name)


def test_managers_whose_engines_are_all_stopped_are_started(checkout: Tree, plan: Plan) -> None:
    for node in plan.settings.managers:
        on_node(plan.settings, node.name, "systemctl stop docker.socket docker")
    done = ops(checkout, "up")
    assert done.code == 0, done.said
    assert "no manager answers, engines are stopped on node-1, node-2, node-3" in done.text
    assert steps(checkout) == {}
    measured("three stopped engines", up_s=done.seconds)


def test_a_manager_that_comes_back_empty_is_taken_in_again(checkout: Tree, plan: Plan) -> None:
    with QuorumWatch(plan.settings) as watch:
        empty = "systemctl stop docker.socket docker; rm -rf /var/lib/docker/swarm; systemctl start docker"
        on_node(plan.settings, "node-3", empty)
        done = checkout.up()
    assert done.code == 0, done.said
    assert steps(checkout) == {}
    assert roles(plan) == {f"node-{n}": "manager" if n < 4 else "worker" for n in range(1, 6)}
    assert watch.longest_gap_s < LEADERLESS_S
    measured("an empty manager", up_s=done.seconds, asked=watch.asked, silence_s=watch.longest_gap_s)


@pytest.mark.drill
def test_a_worker_that_still_votes_is_named_and_loses_its_vote(checkout: Tree, plan: Plan) -> None:
    """Down before its demotion gave it another certificate, it comes back as a manager."""
    await_certificates(plan)

    def vote() -> str:
        listed = "docker node ls --filter name=node-4 --format '{{.ManagerStatus}}'"
        return on_node(plan.settings, "node-1", f"{listed} || true").strip()

    folder = "/var/lib/docker/swarm/certificates"
    on_node(plan.settings, "node-1", "docker node promote node-4")
    until(lambda: vote() == "Reachable", 60, "the vote")
    on_node(plan.settings, "node-4", f"cp -a {folder} /root/manager")
    on_node(plan.settings, "node-1", "docker node demote node-4")
    until(lambda: vote() == "", 60, "the end of the vote")
    await_certificates(plan)
    # As if it had been killed before it had the new one: without luck, which the kill would need.
    again = f"systemctl stop docker.socket docker; cp -a /root/manager/. {folder}; rm -r /root/manager"
    on_node(plan.settings, "node-4", again)
    on_node(plan.settings, "node-4", "systemctl start docker")
    until(lambda: vote() != "", 60, "the vote, again")
    seen = steps(checkout)
    assert "still has a manager's vote" in words(seen["node-4-labels"])
    done = checkout.up()
    assert done.code == 0, done.said
    assert vote() == ""
    assert steps(checkout) == {}
    measured("a worker that still voted", up_s=done.seconds)


def swap(stack: StackFile, chance: random.Random) -> str:
    """Another manager in the place of one; nodes 1 and 2 stay where the edge is."""
    manager = chance.choice([node for node in stack.nodes[2:] if node["role"] == "manager"] or [{}])
    worker = chance.choice([node for node in stack.nodes[2:] if node["role"] == "worker"])
    if manager:
        manager["role"], worker["role"] = "worker", "manager"
    return f"{worker['name']} manager instead of {manager.get('name')}"


def drain(stack: StackFile, chance: random.Random) -> str:
    node = chance.choice(stack.nodes[2:])
    node["availability"] = chance.choice(["drain", "pause", "active"])
    return f"{node['name']} {node['availability']}"


def relabel(stack: StackFile, chance: random.Random) -> str:
    node = chance.choice(stack.nodes)
    node["labels"] = {**node["labels"], "round": str(chance.randrange(99))}
    return f"{node['name']} labelled"


def remove(stack: StackFile, chance: random.Random) -> str:
    """A worker goes, if two stay."""
    workers = [node for node in stack.nodes[2:] if node["role"] == "worker"]
    if len(workers) < 2:
        return "nobody goes"
    gone = chance.choice(workers)
    stack.config["platform-beta:nodes"] = [node for node in stack.nodes if node is not gone]
    return f"{gone['name']} goes"


def fewer_managers(stack: StackFile, chance: random.Random) -> str:
    """One manager or three."""
    managers = [node for node in stack.nodes if node["role"] == "manager"]
    if len(managers) == 3:
        for node in managers[1:]:
            node["role"] = "worker"
        return "one manager"
    for node in stack.nodes[1:3]:
        node["role"] = "manager"
    return "three managers"


def keep_a_worker(stack: StackFile) -> None:
    """The API runs on workers: without an active one the declaration is refused."""
    if all(node["role"] == "manager" for node in stack.nodes):
        fewer_managers(stack, random.Random())
    workers = [node for node in stack.nodes if node["role"] == "worker"]
    if not any(node["availability"] == "active" for node in workers):
        workers[0]["availability"] = "active"


EDITS: tuple[Callable[[StackFile, random.Random], str], ...] = (swap, drain, relabel, remove, fewer_managers)


@pytest.mark.drill
@pytest.mark.timeout(1800)
def test_random_sequences_of_edits_keep_the_quorum(variant: Tree, nodes: StackFile, plan: Plan) -> None:
    chance = random.Random(SEED)
    original = nodes.nodes
    with QuorumWatch(plan.settings) as watch:
        for number in range(SEQUENCES):
            stack = StackFile(variant)
            if len(stack.nodes) < 4:
                stack.config["platform-beta:nodes"] = [dict(node) for node in original]
            said = [edit(stack, chance) for edit in chance.sample(EDITS, 2)]
            keep_a_worker(stack)
            stack.write()
            done = ops(variant, "up")
            assert done.code == 0, f"{said}: {done.said}"
            declared = {node["name"]: node["role"] for node in stack.nodes}
            assert roles(plan) == declared, said
            print(f"{number + 1}: {', '.join(said)}: {done.seconds:.1f} s")
        assert steps(variant) == {}
    silences = len(watch.gaps)
    measured(
        "sequences", edits=SEQUENCES, asked=watch.asked, silences=silences, longest_s=watch.longest_gap_s
    )
    assert watch.longest_gap_s < LEADERLESS_S
