from __future__ import annotations

import json
from typing import Any

import pytest

from components.drift import drift
from components.host_files import daemon_json
from components.observe import NodeFacts, Unreachable, parse_facts
from tests.unit.machines import Machines, a_plan, machines, member, spoilt

PLAN = a_plan()
SOUND = machines(PLAN)
DAEMON = daemon_json(PLAN.settings.engine)
NODES = {node.name: node for node in PLAN.settings.nodes}


def daemon(**changes: Any) -> str:
    return json.dumps({**DAEMON, **changes})


def listed(which: str, /, **changes: Any) -> Machines:
    """Every manager lists that node otherwise."""
    rows = tuple(member(node, **(changes if node.name == which else {})) for node in PLAN.settings.nodes)
    return with_members(rows)


def with_members(rows: Any) -> Machines:
    facts = SOUND
    for node in PLAN.settings.managers:
        facts = spoilt(facts, node.name, members=rows)
    return facts


def test_a_sound_environment_differs_in_nothing() -> None:
    assert drift(PLAN, SOUND) == {}


ENGINE: list[tuple[dict[str, Any], str]] = [
    ({"engine": "stopped"}, "Docker Engine is stopped"),
    ({"engine_enabled": False}, "Docker Engine does not start at boot"),
    ({"daemon_json": ""}, "daemon.json is absent"),
    ({"daemon_json": "{"}, "daemon.json is no JSON object"),
    ({"daemon_json": "[]"}, "daemon.json is no JSON object"),
    (
        {"daemon_json": daemon(**{"log-opts": {"max-size": "20m", "max-file": "3"}})},
        "daemon.json: log-opts.max-size is 20m, not 10m",
    ),
    ({"daemon_json": daemon(**{"log-opts": {"max-file": "3"}})}, "daemon.json: log-opts.max-size is missing"),
    ({"daemon_json": daemon(**{"userland-proxy": True})}, "daemon.json: userland-proxy is true, not false"),
    ({"daemon_json": daemon(debug=True)}, "daemon.json: debug is not declared"),
    (
        {"daemon_json": daemon(**{"default-address-pools": []})},
        'daemon.json: default-address-pools is [], not [{"base": "172.30.0.0/16", "size": 24}]',
    ),
    ({"daemon_json_newer": True}, "daemon.json is younger than the running engine, so not in force"),
    ({"docker_group": frozenset({"li"})}, "deploy is not in the group docker"),
    (
        {"engine": "stopped", "engine_enabled": False, "docker_group": frozenset()},
        "Docker Engine is stopped; Docker Engine does not start at boot; deploy is not in the group docker",
    ),
]
FILE = "/etc/sysctl.d/90-platform-beta.conf"
SYSCTLS: list[tuple[dict[str, Any], str]] = [
    ({"sysctl_file": ""}, f"{FILE} is absent"),
    ({"sysctl_file": "net.core.somaxconn = 1\n"}, f"{FILE} is not as declared"),
    (
        {"sysctls": {"net.core.somaxconn": "128", "net.ipv4.ip_local_port_range": "10240 65535"}},
        "net.core.somaxconn is 128, not 4096",
    ),
    ({"sysctls": {"net.core.somaxconn": ""}}, "net.core.somaxconn is unknown to the kernel"),
]
FIREWALL: list[tuple[dict[str, Any], str]] = [
    ({"firewall": "absent"}, "the firewall is absent"),
    ({"firewall": "inactive"}, "the firewall is not loaded"),
    ({"firewall": "disabled"}, "the firewall does not start at boot"),
    (
        {"firewall": "changed", "firewall_detail": "its rules are gone"},
        "the firewall was changed: its rules are gone",
    ),
]
JOIN: list[tuple[dict[str, Any], str]] = [
    ({"swarm_state": "inactive"}, "is in no swarm"),
    ({"swarm_state": "pending"}, "its swarm is in state pending"),
    ({"swarm_state": "error", "swarm_error": "no CA"}, "its swarm is in state error: no CA"),
]
CASES: dict[str, list[tuple[dict[str, Any], str]]] = {
    "engine": ENGINE,
    "sysctls": SYSCTLS,
    "firewall": FIREWALL,
    "join": JOIN,
}
HOSTS = [(part, changes, words) for part, cases in CASES.items() for changes, words in cases]


@pytest.mark.parametrize(("part", "changes", "words"), HOSTS, ids=[words for *_, words in HOSTS])
def test_a_difference_of_a_host_is_named(part: str, changes: dict[str, Any], words: str) -> None:
    assert drift(PLAN, spoilt(SOUND, "node-4", **changes)) == {f"node-4-{part}": words}


MEMBERS: list[tuple[str, dict[str, Any], str]] = [
    ("node-1", {"labels": {"mysql-master": "true", "kafka": "true"}}, "label edge=true is missing"),
    (
        "node-1",
        {"labels": {"edge": "no", "mysql-master": "true", "kafka": "true"}},
        "label edge is no, not true",
    ),
    ("node-4", {"labels": {**NODES["node-4"].labels, "disk": "ssd"}}, "label disk=ssd is not declared"),
    ("node-4", {"role": "manager"}, "role is manager, not worker"),
    ("node-4", {"reachability": "reachable"}, "is a worker that still has a manager's vote"),
    ("node-3", {"role": "worker", "reachability": None}, "role is worker, not manager"),
    ("node-5", {"availability": "drain"}, "availability is drain, not active"),
    ("node-5", {"availability": "pause"}, "availability is pause, not active"),
    ("node-5", {"name": "other"}, "the swarm does not know it"),
    (
        "node-1",
        {"availability": "pause", "labels": {"a": "b", "mysql-master": "true", "kafka": "true"}},
        "availability is pause, not active; label a=b is not declared; label edge=true is missing",
    ),
]


@pytest.mark.parametrize(("name", "changes", "words"), MEMBERS, ids=[words for *_, words in MEMBERS])
def test_a_difference_in_the_swarms_list_is_named(name: str, changes: dict[str, Any], words: str) -> None:
    assert drift(PLAN, listed(name, **changes)) == {f"{name}-labels": words}


def test_a_former_self_is_a_difference_and_the_living_one_is_compared() -> None:
    rows = [member(node) for node in PLAN.settings.nodes]
    rows.insert(0, member(NODES["node-4"], id="former", state="down", labels={"old": "1"}))
    words = "the swarm knows 2 nodes of this name (down, ready)"
    assert drift(PLAN, with_members(tuple(rows))) == {"node-4-labels": words}


def test_the_history_limit_is_the_swarms() -> None:
    facts = SOUND
    for node in PLAN.settings.managers:
        facts = spoilt(facts, node.name, task_history_limit=5)
    assert drift(PLAN, facts) == {"swarm-settings": "the task history limit is 5, not 3"}


def test_a_wiped_node_lacks_everything_and_no_engine_setting_is_named() -> None:
    wiped = parse_facts(
        "hostname node-4\nengine absent\ndaemon_json\nsysctl_file\nfirewall absent\ndocker_group \n"
    )
    assert drift(PLAN, {**SOUND, "node-4": wiped}) == {
        "node-4-engine": "Docker Engine is absent",
        "node-4-sysctls": f"{FILE} is absent",
        "node-4-firewall": "the firewall is absent",
        "node-4-join": "has no Docker Engine, so it is in no swarm",
    }


def test_of_what_is_unknown_nothing_differs() -> None:
    assert drift(PLAN, dict.fromkeys(SOUND, parse_facts(""))) == {}
    assert drift(PLAN, dict.fromkeys(SOUND, Unreachable("no route"))) == {}
    assert drift(PLAN, {}) == {}


def test_a_manager_without_leader_is_no_witness() -> None:
    facts = listed("node-5", availability="drain")
    for node in PLAN.settings.managers:
        facts = spoilt(facts, node.name, swarm_cluster_id=None)
    assert drift(PLAN, facts) == {}


def test_a_manager_that_could_list_is_asked_before_one_that_could_not() -> None:
    facts = spoilt(listed("node-5", availability="drain"), "node-1", members=None)
    assert drift(PLAN, facts) == {"node-5-labels": "availability is drain, not active"}


def test_a_node_that_is_away_is_compared_by_what_the_managers_list() -> None:
    away: Machines = {**listed("node-5", availability="drain"), "node-5": Unreachable("no route")}
    assert drift(PLAN, away) == {"node-5-labels": "availability is drain, not active"}
    gone: Machines = {**listed("node-5", name="other"), "node-5": Unreachable("no route")}
    assert drift(PLAN, gone) == {}


def test_the_order_of_keys_and_blanks_is_no_difference() -> None:
    text = json.dumps(dict(reversed(DAEMON.items())), indent=7)
    seen = SOUND["node-2"]
    assert isinstance(seen, NodeFacts)
    facts = spoilt(SOUND, "node-2", daemon_json=text, sysctl_file=f"{seen.sysctl_file}\n\n")
    assert drift(PLAN, facts) == {}


def test_a_firewall_that_is_not_declared_is_not_missed() -> None:
    plan = a_plan(firewall={"enabled": False})
    assert drift(plan, spoilt(machines(plan), "node-2", firewall="absent")) == {}


def test_a_firewall_that_keeps_a_node_out_is_named_and_an_unknown_one_is_not() -> None:
    only = " ".join(str(node.address) for node in PLAN.settings.nodes[:3])
    words = {"node-2-firewall": "the firewall does not let in node-4, node-5"}
    assert drift(PLAN, spoilt(SOUND, "node-2", firewall_detail=only)) == words
    assert drift(PLAN, spoilt(SOUND, "node-2", firewall_detail="")) == {}
