"""Changes roll with health gates under a steady stream of requests, and are readable before they happen."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import pytest
import yaml

from components.topology import Plan
from lab.images import push_variant
from ops import status
from tests.lab.load import Edge, Load
from tests.lab.measure import measured
from tests.lab.runner import Run, Tree
from tests.lab.topics import cases

PATHS = ("/api/version", "/", "/health", "/api/health")


def override(tree: Tree, service: str, **changes: object) -> None:
    """Change what the stack file says of a service."""
    file = tree.root / "Pulumi.lab.yaml"
    stack = yaml.safe_load(file.read_text())
    stack["config"]["platform-beta:services"][service].update(changes)
    file.write_text(yaml.safe_dump(stack, sort_keys=False))


# The cases follow each other in one copy, so each change starts from what is there.
def new_token(tree: Tree) -> None:
    tree.give("api_token", uuid.uuid4().hex)


def nginx_setting(tree: Tree) -> None:
    file = tree.root / "configs/services/nginx/server/nginx.conf.j2"
    (setting,) = re.findall(r"worker_connections \d+", file.read_text())
    number = int(setting.rpartition(" ")[2]) - 1
    tree.edit("configs/services/nginx/server/nginx.conf.j2", setting, f"worker_connections {number}")


def api_image(tree: Tree) -> None:
    override(tree, "platform-api", image=push_variant("platform-api", "1.2.0", {"VERSION": "1.2.0"}))


def api_replicas(tree: Tree) -> None:
    stack = yaml.safe_load((tree.root / "Pulumi.lab.yaml").read_text())
    replicas = stack["config"]["platform-beta:services"]["platform-api"].get("replicas", 3)
    override(tree, "platform-api", replicas=4 if replicas == 3 else 3)


def token_setting_and_replicas(tree: Tree) -> None:
    new_token(tree)
    nginx_setting(tree)
    api_replicas(tree)


AT_ONCE = "a secret, an nginx setting and the API's replicas"
#: What is changed, the services that it updates, and the secrets and configs that are made anew.
CASES: dict[str, tuple[Callable[[Tree], None], set[str], set[str]]] = {
    AT_ONCE: (token_setting_and_replicas, {"platform-api", "nginx"}, {"api_token", "nginx.nginx-conf"}),
    "a secret": (new_token, {"platform-api"}, {"api_token"}),
    "an nginx setting": (nginx_setting, {"nginx"}, {"nginx.nginx-conf"}),
    "the API's image": (api_image, {"platform-api"}, set()),
    "the API's replicas": (api_replicas, {"platform-api"}, set()),
}


def tell(name: str, done: Run, load: Load) -> None:
    slowest_ms, failed = round(load.slowest_s * 1000), len(load.failures)
    measured(name, up_s=done.seconds, requests=load.answered, failed=failed, slowest_ms=slowest_ms)


@pytest.mark.parametrize("name", cases(CASES, tested=[AT_ONCE]))
def test_a_change_is_readable_rolls_without_a_failed_request_and_settles(
    name: str, variant: Tree, edge: Edge
) -> None:
    change, updated, renewed = CASES[name]
    change(variant)
    expected = dict.fromkeys(updated, "update")
    seen = variant.changes()
    renewals = {key: op for key, op in seen.items() if key not in expected}
    assert {key: op for key, op in seen.items() if key in expected} == expected
    assert {key.rpartition("-")[0] for key in renewals} == renewed
    assert sorted(renewals.values()) == sorted(["create", "delete"] * len(renewed))
    with Load(edge, PATHS) as load:
        done = variant.up()
    tell(name, done, load)
    assert done.code == 0, done.text
    assert load.failures == []
    assert load.answered > 100
    assert variant.changes() == {}


def test_a_bad_image_is_rolled_back_and_the_old_version_serves_all_along(
    variant: Tree, plan: Plan, edge: Edge
) -> None:
    override(variant, "platform-api", image=push_variant("platform-api", "bad", {"BROKEN": "never-healthy"}))
    with Load(edge, PATHS) as load:
        done: Run = variant.up()
    tell("a bad image", done, load)
    assert done.code != 0
    assert "platform-api" in done.text
    assert "rollback" in done.text
    assert load.failures == []
    cluster = status.read(plan.settings)
    (api,) = [row for row in cluster.services if row["Name"] == "platform-api"]
    assert status.whole(api)
    assert ":bad" not in api["Image"]
