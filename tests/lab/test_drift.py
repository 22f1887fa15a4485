"""Whatever differs from what is declared is named by a preview and repaired by an up; nothing is invented."""

from __future__ import annotations

import json
import os
import time
from typing import Any

import pytest

from components.observe import NodeFacts
from components.observe.over_ssh import observe
from components.topology import Plan
from tests.lab.drifts import CONSEQUENCES, ROUNDS, Drift
from tests.lab.measure import measured
from tests.lab.nodes import on_node
from tests.lab.runner import QUIET, Tree, fast_enough
from tests.lab.snapshot import at_rest, written
from tests.lab.topics import cases

#: The round that is under way, or failed.
UNREPAIRED: list[str] = []
#: A round that moves no task, so that a preview of it can be shown to write nothing on any host.
STILL = "labels, limits and kernel"
#: One of each kind; the others differ from these in the property, or in the node.
TESTED = (
    *(STILL, "engines and drain", "engines down", "services: size", "things removed", "the network removed"),
    "a worker left, a manager demoted",
)
PREVIEWS = int(os.environ.get("PREVIEWS", "5"))


def steps(tree: Tree) -> dict[str, dict[str, Any]]:
    """What a preview would change: name without its content's hash to the whole step."""
    done = tree.preview("--json")
    document = json.loads(done.text[done.text.index("{") :])
    assert done.code == 0, [item["message"] for item in document.get("diagnostics", [])]
    found = document["steps"]
    changed = [step for step in found if step["op"] not in QUIET]
    return {plain(step["urn"]): step for step in changed}


def plain(urn: str) -> str:
    """The logical name; secrets and configs without the eight digits of their content."""
    kind, name = urn.split("::")[-2:]
    return name.rpartition("-")[0] if kind.endswith(("Secret", "ServiceConfig")) else name


def words(step: dict[str, Any]) -> str:
    """How a step says what differs."""
    inputs = (step.get("newState") or {}).get("inputs") or {}
    return " ".join([step["op"], str(inputs.get("update")), *(step.get("detailedDiff") or {})])


def act(plan: Plan, drift: Drift) -> None:
    """Do it, for sure."""
    on_node(plan.settings, f"node-{drift.on}", f"{{ {drift.done}; }} >/dev/null")


def settled(plan: Plan, drift: Drift) -> str:
    return on_node(plan.settings, f"node-{drift.on}", f"{drift.check}\ntrue").strip()


def test_there_are_forty() -> None:
    assert sum(map(len, ROUNDS.values())) >= 40


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", cases(ROUNDS, tested=TESTED))
def test_a_drift_is_named_repaired_and_then_gone(name: str, checkout: Tree, plan: Plan) -> None:
    """Gone by its own check; what a repair left behind would be invented by the next preview."""
    drifts = ROUNDS[name]
    assert not UNREPAIRED, f"{UNREPAIRED[0]} was not repaired: what is seen from here on would prove nothing"
    UNREPAIRED.append(name)
    for drift in drifts:
        act(plan, drift)
    before = at_rest(plan) if name == STILL else {}
    seen = steps(checkout)
    assert not before or written(plan, before) == []
    for drift in drifts:
        assert drift.resource in seen, f"{drift.done}: not in {sorted(seen)}"
        assert drift.says in words(seen[drift.resource]), words(seen[drift.resource])
    allowed = {drift.resource for drift in drifts}
    allowed |= {other for resource in allowed for other in CONSEQUENCES.get(resource, ())}
    assert set(seen) <= allowed, f"invented: {sorted(set(seen) - allowed)}"
    done = checkout.up()
    assert done.code == 0, done.said
    assert {drift.done: settled(plan, drift) for drift in drifts} == {
        drift.done: drift.right for drift in drifts
    }
    UNREPAIRED.clear()
    measured(name, drifts=len(drifts), repaired_s=done.seconds)


def test_previews_invent_nothing_and_write_nothing(checkout: Tree, plan: Plan) -> None:
    before = at_rest(plan)
    runs = [checkout.preview("--expect-no-changes") for _ in range(PREVIEWS)]
    assert all(run.code == 0 for run in runs), next(run.said for run in runs if run.code)
    assert written(plan, before) == []
    fast_enough("previews", (run.seconds for run in runs), 6)


def test_five_nodes_are_observed_within_a_second_and_a_half(plan: Plan) -> None:
    times = []
    for _ in range(6):
        began = time.monotonic()
        facts = observe(plan.settings)
        times.append(time.monotonic() - began)
        assert all(isinstance(seen, NodeFacts) for seen in facts.values())
    fast_enough("observe", times, 1.5)
