"""What the tests of the real environment stand on: the lab that `make up` made."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.topology import Plan
from lab.images import push_variant
from ops.__main__ import read_plan
from tests.lab import topics
from tests.lab.kit import LEDGER_IMAGE, load_kits
from tests.lab.load import Edge
from tests.lab.runner import ROOT, Tree, copy_of_the_checkout, environment
from tests.lab.stores import Store, wait_whole
from tests.lab.writer import Place


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Topics in their order (tests/lab/topics.py), whatever pytest was asked for."""
    ours = [item for item in items if topics.FOLDER in item.path.parents]
    for item in ours:
        item.add_marker("lab")
    others = [item for item in items if topics.FOLDER not in item.path.parents]
    items[:] = [*others, *sorted(ours, key=lambda item: topics.rank(topics.topic(item.path)))]


@pytest.fixture(scope="session")
def artifacts() -> Path:
    folder = ROOT / "artifacts"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def plan() -> Plan:
    return read_plan("lab")


@pytest.fixture(scope="session")
def checkout() -> Tree:
    return Tree(ROOT, environment())


@pytest.fixture(scope="module", autouse=True)
def converged(plan: Plan) -> None:
    """What the topic before left under way is no part of this one: nodes are ready, and every task runs."""
    wait_whole([], plan.settings, limit_s=120)


@pytest.fixture(scope="module")
def variant(tmp_path_factory: pytest.TempPathFactory, checkout: Tree) -> Iterator[Tree]:
    """A copy that a module's tests edit one after the other; in the end the checkout's state is put back."""
    yield copy_of_the_checkout(tmp_path_factory.mktemp("variant"), checkout.environment)
    done = checkout.up()
    assert done.code == 0, done.text


@pytest.fixture(scope="session")
def last(tmp_path_factory: pytest.TempPathFactory, checkout: Tree) -> Tree:
    """A copy that the last tests edit: nobody puts the checkout's state back, which takes minutes."""
    return copy_of_the_checkout(tmp_path_factory.mktemp("last"), checkout.environment)


@pytest.fixture(scope="session")
def secrets(checkout: Tree) -> dict[str, str]:
    done = checkout.pulumi("config", "--show-secrets", "--json")
    assert done.code == 0
    return dict(json.loads(json.loads(done.text)["platform-beta:secrets"]["value"]))


@pytest.fixture(scope="session")
def edge(plan: Plan, secrets: dict[str, str]) -> Edge:
    trust = ssl.create_default_context(cadata=secrets["edge_ca_certificate"])
    return Edge(tuple(str(node.address) for node in plan.edge_nodes), plan.settings.edge.domain, trust)


@pytest.fixture(scope="session")
def stores(plan: Plan) -> list[Store]:
    """The services with a `role` hook that this environment has."""
    found = [Store(plan, kit) for kit in load_kits() if kit.service not in plan.off]
    if not found:
        pytest.skip(f"no service with a role hook is on: {dict(plan.off)}")
    return found


@pytest.fixture(scope="session")
def place(plan: Plan, stores: list[Store], secrets: dict[str, str]) -> Place:
    """Where clients of the stores run: on a node where nobody leads, and which no test takes down alone."""
    names = {LEDGER_IMAGE, *(store.kit.file.image for store in stores)}
    return Place(plan.settings, "node-5", {name: push_variant(name, "1", {}) for name in names}, secrets)
