"""Nothing is lost from the state for good: what exists and is ours is taken back by the next `make up`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from components.identity import STACK_LABEL
from components.topology import Plan
from tests.lab.nodes import on_node
from tests.lab.runner import STACK, Run, Tree, copy_of_the_checkout

KINDS = ("network:Network", "service:Service", "serviceConfig:ServiceConfig", "secret:Secret")
STARTS = "docker ps --filter label=com.docker.swarm.task.id --format '{{.Names}} {{.ID}}' | sort"
UPDATE = "docker service update --quiet"

State = dict[str, Any]


def exported(tree: Tree) -> State:
    done = tree.pulumi("stack", "export")
    assert done.code == 0, done.text
    return dict(json.loads(done.text))


def imported(tree: Tree, state: State) -> None:
    command = ["pulumi", "--non-interactive", "stack", "import", "--stack", STACK]
    text = json.dumps(state)
    done = subprocess.run(
        command, cwd=tree.root, env=dict(tree.environment), input=text, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def without(state: State, kinds: tuple[str, ...]) -> State:
    """A state that lost all objects of the kinds."""
    gone = {f"docker:index/{kind}" for kind in kinds}
    deployment = state["deployment"]
    left = [each for each in deployment["resources"] if each["type"] not in gone]
    return {**state, "deployment": {**deployment, "resources": left}}


def containers(plan: Plan) -> list[str]:
    """Every container of a task, on all nodes."""
    return [on_node(plan.settings, node.name, STARTS) for node in plan.settings.nodes]


def taken_back(tree: Tree, plan: Plan, lose: Callable[[], object]) -> Run:
    """`ops up` after a loss: it succeeds, no container was replaced, and nothing is left to do."""
    before = containers(plan)
    lose()
    done = tree.ops("up")
    assert done.code == 0, done.said
    assert containers(plan) == before
    assert tree.changes() == {}
    return done


@pytest.mark.drill  # a lost state goes the same way, and farther
def test_objects_that_left_the_state_are_adopted(checkout: Tree, plan: Plan) -> None:
    state = exported(checkout)
    done = taken_back(checkout, plan, lambda: imported(checkout, without(state, KINDS)))
    assert "network platform-beta: exists as" in done.text
    assert "service platform-api: exists as" in done.text
    assert len([line for line in done.text.splitlines() if "adopted into the state" in line]) > 10


@pytest.fixture
def tree(tmp_path_factory: pytest.TempPathFactory, checkout: Tree) -> Iterator[Tree]:
    yield copy_of_the_checkout(tmp_path_factory.mktemp("adoption"), checkout.environment)
    done = checkout.ops("up")
    assert done.code == 0, done.said


def test_a_state_of_yesterday_is_no_hindrance(tree: Tree, plan: Plan) -> None:
    yesterday = exported(tree)
    file = "configs/services/nginx/server/nginx.conf.j2"
    tree.edit(file, "worker_connections 4096", "worker_connections 2049")
    assert tree.ops("up").code == 0
    done = taken_back(tree, plan, lambda: imported(tree, yesterday))
    assert "config nginx.nginx-conf-" in done.text


def test_a_lost_state_is_written_anew_around_what_runs(checkout: Tree, plan: Plan) -> None:
    def lose() -> None:
        done = checkout.pulumi("stack", "rm", "--yes", "--force", "--preserve-config")
        assert done.code == 0, done.text

    taken_back(checkout, plan, lose)


def test_what_is_not_ours_is_told_and_left_alone(tree: Tree, plan: Plan) -> None:
    """A service of our name without our label, as somebody could have made it by hand."""
    manager = plan.settings.managers[0].name
    imported(tree, without(exported(tree), ("service:Service",)))
    on_node(plan.settings, manager, f"{UPDATE} --label-rm {STACK_LABEL} platform-web >/dev/null")
    for command in ("preview", "up"):
        done = tree.ops(command)
        assert done.code == 1
        assert "swarm/service/platform-web: exists, is not in the state, and has no label" in done.text
        assert f"docker service update --label-add {STACK_LABEL}=lab platform-web" in done.text
    on_node(plan.settings, manager, f"{UPDATE} --label-add {STACK_LABEL}=lab platform-web >/dev/null")
