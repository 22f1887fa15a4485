"""What a run may do to nodes, by what was seen of them."""

from __future__ import annotations

from dataclasses import replace

from components.host_files import firewall_variables
from components.lifecycle import former_selves, hindrances, leaderless_managers, leaving, refusals
from components.observe import Facts, NodeFacts, Unreachable
from tests.unit.examples import raw
from tests.unit.machines import a_plan, machines, spoilt

PLAN = a_plan()
SOUND = machines(PLAN)
FRESH = machines(PLAN, joined=False)


def refused(facts: Facts) -> list[str]:
    return [str(fault) for fault in refusals(PLAN.settings, facts)]


def hindered(facts: Facts) -> list[str]:
    return [str(fault) for fault in hindrances(PLAN.settings, facts)]


def test_sound_and_fresh_machines_are_refused_nothing() -> None:
    for facts in (SOUND, FRESH):
        assert refused(facts) == []
        assert hindered(facts) == []


def test_a_foreign_swarm_is_not_taken_for_ours_when_ours_has_lost_its_leader() -> None:
    stranger = SOUND["node-3"]
    assert isinstance(stranger, NodeFacts)
    assert stranger.members
    own = (replace(stranger.members[2], id="new"),)
    facts = spoilt(SOUND, "node-3", swarm_cluster_id="other", swarm_node_id="new", members=own)
    for name in ("node-1", "node-2"):
        facts = spoilt(facts, name, swarm_cluster_id=None, members=None)
    assert refused(facts)[0] == (
        "nodes/node-1: is in a swarm, and the one that node-3 manages does not know it; "
        "run 'docker swarm leave --force' on the one whose swarm is not to stay, then run again"
    )
    assert [line.partition(":")[0] for line in refused(facts)[:4]] == [
        "nodes/node-1",
        "nodes/node-2",
        "nodes/node-4",
        "nodes/node-5",
    ]


def test_a_swarm_without_a_leader_is_said_to_be_one() -> None:
    facts = SOUND
    for name in ("node-1", "node-2", "node-3"):
        facts = spoilt(facts, name, swarm_cluster_id=None, members=None)
    facts = {**facts, "node-2": Unreachable("no route"), "node-3": Unreachable("no route")}
    assert refused(facts)[0].startswith("swarm: has no leader; of 3 managers node-1 answered, 2 are needed; ")


def test_a_swarm_goes_on_with_one_manager_at_its_declared_address() -> None:
    facts = {**SOUND, "node-2": Unreachable("no route"), "node-3": Unreachable("no route")}
    (said,) = refused(spoilt(facts, "node-1", swarm_cluster_id=None, members=None))
    assert "run 'docker swarm init --force-new-cluster --advertise-addr 192.0.2.11 && " in said


def test_only_a_node_that_lost_its_swarm_has_a_former_self() -> None:
    node = PLAN.settings.nodes[2]
    assert former_selves(PLAN.settings, SOUND, node) == ()
    for state in ("pending", "error"):  # it may come back as who it is, with its vote
        facts = spoilt(SOUND, node.name, swarm_state=state, swarm_manager=None)
        assert former_selves(PLAN.settings, facts, node) == ()
    for changes in ({"swarm_state": "inactive"}, {"engine": "absent", "swarm_state": None}):
        assert former_selves(PLAN.settings, spoilt(SOUND, node.name, **changes), node) == ("id-of-node-3",)


def test_managers_without_a_leader_are_named_only_where_no_manager_has_one() -> None:
    facts = SOUND
    for name in ("node-1", "node-2"):
        facts = spoilt(facts, name, swarm_cluster_id=None, members=None)
    assert leaderless_managers(PLAN.settings, facts) == []
    facts = {**facts, "node-3": Unreachable("no route")}
    assert leaderless_managers(PLAN.settings, facts) == ["node-1", "node-2"]


def test_stopped_engines_that_would_make_a_majority_are_not_a_lost_quorum() -> None:
    facts = SOUND
    for name in ("node-1", "node-2", "node-3"):
        facts = spoilt(facts, name, swarm_cluster_id=None, members=None)
    facts = spoilt(facts, "node-2", engine="stopped", swarm_manager=None, swarm_state=None)
    assert refused(facts) == []


def test_a_manager_that_is_away_makes_a_first_run_impossible() -> None:
    facts: Facts = {**FRESH, "node-2": Unreachable("no route")}
    assert hindered(facts) == [
        "nodes/node-2: does not answer (no route), so whether there is a swarm already can't be told; "
        "bring it back, or take it out of nodes if it is lost"
    ]


def test_a_known_node_that_is_away_hinders_nothing() -> None:
    assert hindered({**SOUND, "node-2": Unreachable("no route")}) == []


def test_a_node_that_is_declared_no_more_belongs_to_the_swarm_until_it_has_left() -> None:
    fewer = a_plan(nodes=raw()["nodes"][:4])
    assert leaving(PLAN.settings, SOUND) == ()
    assert leaving(fewer.settings, SOUND) == (str(PLAN.settings.nodes[4].address),)
    variables = firewall_variables(fewer, fewer.settings.nodes[0], leaving(fewer.settings, SOUND))
    assert variables["NODE_ADDRESSES"].split() == [str(node.address) for node in PLAN.settings.nodes]


def test_an_address_that_the_swarm_was_not_told_opens_nothing() -> None:
    fewer = a_plan(nodes=raw()["nodes"][:4])
    view = SOUND["node-1"]
    assert isinstance(view, NodeFacts)
    assert view.members
    for address in ("0.0.0.0", ""):
        rows = (*view.members[:4], replace(view.members[4], address=address))
        assert leaving(fewer.settings, spoilt(SOUND, "node-1", members=rows)) == ()
