"""Every service with a `role` hook: its members belong together, and nobody gets in without a password.

Under faults: tests/lab/data/test_failover.py. What differs is in the services' folders: tests/lab/kit.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from components.topology import Plan
from tests.lab.kit import load_kits
from tests.lab.nodes import on_node
from tests.lab.stores import Store, whole_store

pytestmark = pytest.mark.data_tier
KITS = load_kits()
NAMES = [kit.service for kit in KITS]
REFUSED = [
    pytest.param(kit.service, case, id=f"{kit.service}, {case}") for kit in KITS for case in kit.file.refused
]


def by_every_member(store: Store, script: str) -> dict[str, str]:
    """Member to what bash prints in its container, whether the script fails or not."""
    with ThreadPoolExecutor(len(store.homes)) as pool:
        said = pool.map(
            lambda member: store.inside(member, f"{{ {script}\n}} </dev/null 2>&1 || true"), store.homes
        )
        return dict(zip(store.homes, said, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_every_member_is_in_on_a_node_of_its_own_and_the_first_leads(name: str, stores: list[Store]) -> None:
    store = whole_store(stores, name)
    assert len(set(store.homes.values())) == len(store.homes)
    assert not store.kit.file.prefers_first or store.leader() == store.preferred
    if store.kit.file.members:
        seen = by_every_member(store, store.kit.file.members)
        assert {member: sorted(said.split()) for member, said in seen.items()} == dict.fromkeys(
            store.homes, sorted(store.homes)
        )


@pytest.mark.parametrize(("name", "case"), REFUSED)
def test_a_stranger_is_refused_by_every_member(name: str, case: str, stores: list[Store]) -> None:
    store = whole_store(stores, name)
    refusal = store.kit.file.refused[case]
    said = by_every_member(store, refusal.command)
    assert {member: text for member, text in said.items() if not re.search(refusal.answer, text)} == {}


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_it_listens_on_a_node(name: str, plan: Plan, stores: list[Store]) -> None:
    """Neither what the product's services declare, nor what else its members have open."""
    store = whole_store(stores, name)
    ports = [port for service in plan.services if service.product == name for port in service.ports]
    inner = {port.port for port in ports} | set(open_ports(store))
    inner -= {port.published for port in ports}
    for node in plan.settings.nodes:
        listening = on_node(plan.settings, node.name, "ss -Hltn | awk '{print $4}'")
        assert not {int(line.rpartition(":")[2]) for line in listening.splitlines()} & inner, node.name


def open_ports(store: Store) -> Iterator[int]:
    """On which ports members listen, those of the loopback (Docker's resolver has one) aside."""
    for text in by_every_member(store, "cat /proc/net/tcp").values():
        rows = [line.split() for line in text.splitlines()[1:]]
        found = [address.split(":") for _, address, _, state, *_ in rows if state == "0A"]
        yield from (int(port, 16) for address, port in found if not address.endswith("7F"))
