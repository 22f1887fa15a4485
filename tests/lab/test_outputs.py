"""The outputs' contract (docs/outputs.md), read by another project through a StackReference."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from components.topology import Plan
from tests.lab.runner import Tree

CONSUMER = Path(__file__).parent / "consumer"


def test_another_project_builds_on_the_outputs(checkout: Tree, plan: Plan, tmp_path: Path) -> None:
    shutil.copytree(CONSUMER, tmp_path / "consumer")
    consumer = Tree(tmp_path / "consumer", checkout.environment)
    assert consumer.pulumi("stack", "init").code == 0
    try:
        set_ = consumer.pulumi("config", "set", "environment", "organization/platform-beta/lab")
        assert set_.code == 0, set_.text
        done = consumer.up()
        assert done.code == 0, done.text
        read = json.loads(consumer.pulumi("stack", "output", "--json").text)
    finally:
        consumer.pulumi("stack", "rm", "--yes", "--force")
    assert read["api"] == "platform-api:8080"
    assert read["edge"] == f"https://{plan.edge_nodes[0].address}"
    assert read["workers"] == ["node-4", "node-5"]
    assert read["secrets"] == list(plan.secret_names)
    assert len(read["network"]) == 25


def test_outputs_hold_no_secrets(checkout: Tree, secrets: dict[str, str]) -> None:
    shown = checkout.pulumi("stack", "output", "--json", "--show-secrets").text
    assert shown.startswith("{")
    assert not [name for name, value in secrets.items() if value in shown]
