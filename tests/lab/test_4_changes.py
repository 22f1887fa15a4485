"""Changes roll with health gates under a steady stream of requests, and are readable before they happen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import yaml

from components.topology import Plan
from lab.images import push_variant
from ops import status
from tests.lab.load import Edge, Load
from tests.lab.runner import Run, Tree

PATHS = ("/api/version", "/", "/health", "/api/health")


def override(tree: Tree, service: str, **changes: object) -> None:
    """Change what the stack file says of a service."""
    file = tree.root / "Pulumi.lab.yaml"
    stack = yaml.safe_load(file.read_text())
    stack["config"]["platform-beta:services"][service].update(changes)
    file.write_text(yaml.safe_dump(stack, sort_keys=False))


def new_token(tree: Tree, plan: Plan) -> None:
    tree.give("api_token", "another-token-of-the-same-length-0")


def nginx_setting(tree: Tree, plan: Plan) -> None:
    tree.edit("configs/services/nginx/nginx.conf.j2", "worker_connections 4096", "worker_connections 2048")


def api_image(tree: Tree, plan: Plan) -> None:
    override(tree, "platform-api", image=push_variant("platform-api", "1.2.0", {"VERSION": "1.2.0"}))


def api_replicas(tree: Tree, plan: Plan) -> None:
    override(tree, "platform-api", replicas=4)


CASES: dict[str, tuple[Callable[[Tree, Plan], None], set[str], set[str]]] = {
    "a secret": (new_token, {"platform-api"}, {"api_token"}),
    "an nginx setting": (nginx_setting, {"nginx"}, {"nginx-nginx-conf"}),
    "the API's image": (api_image, {"platform-api"}, set()),
    "the API's replicas": (api_replicas, {"platform-api"}, set()),
}


@pytest.mark.parametrize("name", CASES)
def test_a_change_is_readable_rolls_without_a_failed_request_and_settles(
    name: str, variant: Tree, plan: Plan, edge: Edge
) -> None:
    change, updated, renewed = CASES[name]
    change(variant, plan)
    expected = dict.fromkeys(updated, "update")
    seen = variant.changes()
    renewals = {key: op for key, op in seen.items() if key not in expected}
    assert {key: op for key, op in seen.items() if key in expected} == expected
    assert {key.rpartition("-")[0] for key in renewals} == renewed
    assert sorted(renewals.values()) == ["create", "delete"] * len(renewed)
    with Load(edge, PATHS) as load:
        done = variant.up()
    print(f"{name}: {done.seconds:.1f} s, {load.answered} requests, slowest {load.slowest_s * 1000:.0f} ms")
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
    print(f"a bad image: {done.seconds:.1f} s, {load.answered} requests, {len(load.failures)} failed")
    assert done.code != 0
    assert "platform-api" in done.text
    assert "rollback" in done.text
    assert load.failures == []
    cluster = status.read(plan.settings)
    (api,) = [row for row in cluster.services if row["Name"] == "platform-api"]
    assert status.whole(api)
    assert ":bad" not in api["Image"]
