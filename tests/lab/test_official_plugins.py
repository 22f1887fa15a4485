"""The whole environment on the official plugins, which every machine with internet gets.

They are no part of this project: where they can't be had, these tests are skipped and say so.
"""

from __future__ import annotations

import os
import re
import subprocess
import time

import pytest

from components.topology import Plan
from tests.lab.measure import measured
from tests.lab.nodes import on_node
from tests.lab.runner import ROOT, Tree, copy_of_the_checkout, environment
from tests.lab.stores import Store, wait_whole
from tests.lab.test_interruption import kill_when, ops, repeated

pytestmark = [pytest.mark.data_tier, pytest.mark.timeout(1800)]
TASKS = "docker ps --quiet --filter label=com.docker.swarm.task.id"


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory, last: Tree) -> Tree:
    """A copy of what runs now, whose `pulumi` runs on the official plugins."""
    wanted = {**os.environ, "PLUGINS": "official"}
    made = subprocess.run(["lab/toolchain.sh", "tools"], cwd=ROOT, env=wanted, capture_output=True, text=True)
    if made.returncode:
        pytest.skip(made.stderr.strip().splitlines()[-1])
    folder = tmp_path_factory.mktemp("official")
    return copy_of_the_checkout(folder, environment(PLUGINS="official"), source=last.root)


def clean(tree: Tree, when: str) -> None:
    done = tree.preview("--expect-no-changes")
    measured(f"official plugins: preview {when}", took_s=done.seconds)
    assert done.code == 0, done.said
    assert "offline plugin" not in done.text


def test_a_state_that_the_offline_plugins_made_is_read_without_a_change(official: Tree) -> None:
    clean(official, "of a state that the offline plugins made")


def test_all_is_destroyed_with_its_containers_and_made_again(
    official: Tree, plan: Plan, stores: list[Store]
) -> None:
    down = ops(official, "destroy")
    assert down.code == 0, down.said
    left = {node.name: on_node(plan.settings, node.name, TASKS) for node in plan.settings.nodes}
    assert set(left.values()) == {""}, f"containers outlived it: {left}"
    up = ops(official, "up", timeout_s=900)
    assert up.code == 0, up.said
    measured("official plugins", destroy_s=down.seconds, up_s=up.seconds)
    wait_whole(stores, plan.settings)
    clean(official, "after it")
    clean(official, "once more")
    assert Tree(official.root, environment()).changes() == {}, "read by the offline plugins"


def test_a_drift_is_named_and_a_killed_change_repeated(official: Tree, plan: Plan) -> None:
    manager = plan.settings.managers[0].name
    on_node(plan.settings, manager, "docker service update --quiet --detach --replicas 3 platform-web")
    assert official.changes() == {"platform-web": "update"}
    official.edit(
        "configs/services/nginx/server/nginx.conf.j2", "worker_connections 4096", "worker_connections 2050"
    )
    began = re.compile(r"docker:index:Service nginx updating")
    said = kill_when(official, lambda text, _: bool(began.search(text)))
    assert said is not None, "nobody saw nginx being updated"
    time.sleep(1)
    repeated(official, "official plugins: killed while nginx was updated")
    web = on_node(
        plan.settings, manager, "docker service ls --filter name=platform-web --format '{{.Replicas}}'"
    )
    assert web.strip() == "2/2"
