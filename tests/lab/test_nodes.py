"""The lab's machines have the limits of real ones: sshd's, and those of newer engines."""

from __future__ import annotations

import pytest

from components.topology import Plan
from lab.model import NODES, Node
from tests.lab.nodes import on_node

ASK_OLD = "curl -sS --unix-socket /var/run/docker.sock http://docker/v{}/info"
LIMITED = [node for node in NODES if node.min_api_version]


@pytest.mark.parametrize("node", LIMITED, ids=lambda node: node.name)
def test_an_old_version_of_the_api_is_refused(node: Node, plan: Plan) -> None:
    said = on_node(plan.settings, node.name, ASK_OLD.format("1.41"))
    assert f"Minimum supported API version is {node.min_api_version}" in said
    assert "OSType" in on_node(plan.settings, node.name, ASK_OLD.format(node.min_api_version))


@pytest.mark.parametrize("node", NODES, ids=lambda node: node.name)
def test_sshd_has_the_limits_of_its_distribution(node: Node, plan: Plan) -> None:
    limits = on_node(plan.settings, node.name, "/usr/sbin/sshd -T | grep -E '^max(startups|sessions)' | sort")
    assert limits.split("\n")[:2] == ["maxsessions 10", "maxstartups 10:30:100"]
