"""What `make up` leaves behind: five nodes, every service whole, and nothing left to change."""

from __future__ import annotations

from components.topology import Plan
from ops import status
from tests.lab.runner import Tree, fast_enough, summary


def test_five_nodes_are_ready_in_their_roles(plan: Plan) -> None:
    cluster = status.read(plan.settings)
    seen = {row["Hostname"]: (row["Status"], bool(row["ManagerStatus"])) for row in cluster.nodes}
    assert seen == {node.name: ("Ready", node.role == "manager") for node in plan.settings.nodes}


def test_every_service_is_whole_where_it_belongs(plan: Plan) -> None:
    cluster = status.read(plan.settings)
    assert {row["Name"] for row in cluster.services} == {u.name for s in plan.services for u in plan.units(s)}
    assert all(status.whole(row) for row in cluster.services), cluster.services
    homes = {node.name: node for node in plan.settings.nodes}
    for service in plan.services:
        for unit in plan.units(service):
            running = [
                task["Node"]
                for task in cluster.tasks
                if task["Name"].startswith(f"{unit.name}.") and task["CurrentState"].startswith("Running")
            ]
            assert running
            assert all(unit.fits(homes[name]) for name in running), (unit.name, running)


def test_a_second_up_changes_nothing_within_ten_seconds(checkout: Tree) -> None:
    run = checkout.up()
    assert run.code == 0, run.text
    assert set(summary(run.text)) == {"unchanged"}, run.text
    fast_enough("second up", [run.seconds], 10)


def test_a_preview_finds_nothing_and_warns_of_nothing_within_six_seconds(checkout: Tree) -> None:
    runs = [checkout.preview("--expect-no-changes") for _ in range(2)]
    for run in runs:
        assert run.code == 0, run.text
        assert "warning" not in run.text.lower()
    fast_enough("preview", (run.seconds for run in runs), 6)
