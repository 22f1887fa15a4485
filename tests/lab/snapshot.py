"""All of a host that a run could write, to compare before and after."""

from __future__ import annotations

from pathlib import Path

from components.topology import Plan
from tests.lab.test_5_secrets import on_node

SCRIPT = Path(__file__).with_suffix(".sh")


def snapshot(plan: Plan) -> dict[str, str]:
    """By node; equal when nothing was written in between."""
    return {
        node.name: on_node(plan, index, SCRIPT.read_text()) for index, node in enumerate(plan.settings.nodes)
    }
