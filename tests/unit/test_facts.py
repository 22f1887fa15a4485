from __future__ import annotations

from components.observe import parse_facts

MANAGER = """\
hostname node-1
kernel 6.18.44
engine 20.10.24+dfsg1
swarm_state active
swarm_node_id abc
swarm_manager true
swarm_cluster_id xyz
"""


def test_a_manager_that_answers_manages() -> None:
    facts = parse_facts(MANAGER)
    assert facts.manages
    assert (facts.engine, facts.engine_version) == ("running", "20.10.24+dfsg1")


def test_a_fresh_host_has_no_engine() -> None:
    facts = parse_facts("hostname node-1\nkernel 6.1\nengine absent\n")
    assert (facts.engine, facts.engine_version, facts.manages) == ("absent", None, False)


def test_a_manager_without_leader_does_not_manage() -> None:
    assert not parse_facts(MANAGER.replace("swarm_cluster_id xyz", "swarm_cluster_id ")).manages


def test_what_was_not_said_is_unknown_and_not_absent() -> None:
    facts = parse_facts("hostname node-1\n")
    assert (facts.engine, facts.kernel, facts.swarm_manager) == ("unknown", None, None)
