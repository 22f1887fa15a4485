"""Down in order and up again: what is destroyed is only what can be made again."""

from __future__ import annotations

import pytest

from components.topology import Plan
from ops import status
from tests.lab.load import Edge
from tests.lab.measure import measured
from tests.lab.nodes import on_node
from tests.lab.runner import Tree

VOLUME = "platform-beta-survivor"


@pytest.mark.timeout(1200)
def test_destroy_takes_all_but_data_and_up_makes_it_again(checkout: Tree, plan: Plan, edge: Edge) -> None:
    write = (
        f"docker volume create {VOLUME} >/dev/null && echo kept > /var/lib/docker/volumes/{VOLUME}/_data/f"
    )
    on_node(plan.settings, "node-4", write)
    down = checkout.pulumi("destroy", "--yes", "--skip-preview")
    if down.code:
        down = checkout.pulumi("destroy", "--yes", "--skip-preview")
    assert down.code == 0, down.text
    for node in plan.settings.nodes:
        left = on_node(
            plan.settings, node.name, "docker info --format '{{.Swarm.LocalNodeState}}'; docker ps -q"
        )
        assert left.strip() == "inactive", node.name
    assert on_node(plan.settings, "node-4", f"cat /var/lib/docker/volumes/{VOLUME}/_data/f").strip() == "kept"
    up = checkout.up()
    measured("destroy and up again", destroyed_s=down.seconds, up_s=up.seconds)
    assert up.code == 0, up.text
    cluster = status.read(plan.settings)
    assert all(status.whole(row) for row in cluster.services)
    assert edge.get("/health")[0] == 200
    assert on_node(plan.settings, "node-4", f"cat /var/lib/docker/volumes/{VOLUME}/_data/f").strip() == "kept"
    on_node(plan.settings, "node-4", f"docker volume rm {VOLUME}")
    assert checkout.changes() == {}
