"""A declared change of the overlay network while services are on it is refused before anything is touched."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

import pytest

from components.identity import STACK_LABEL
from components.observe import Facts, NodeFacts, Overlay
from components.overlay_options import MTU
from components.preflight.overlay import overlay_faults
from tests.unit.machines import a_plan, machines

WANTED = {
    "name": "platform-beta",
    "subnet": "10.20.0.0/20",
    "mtu": 1400,
    "encrypted": True,
    "attachable": True,
}
THERE = Overlay(
    name="platform-beta",
    subnets=(IPv4Network("10.20.0.0/20"),),
    options={MTU: "1400", "encrypted": "", "com.docker.network.driver.overlay.vxlanid_list": "4097"},
    labels={STACK_LABEL: "lab"},
    attachable=True,
)


def faults(there: Overlay | None = THERE, services: int | None = 19, **wanted: Any) -> list[str]:
    plan = a_plan(network={**WANTED, **wanted})
    facts: Facts = {
        name: replace(fact, overlays=(there,) if there else (), services=services)
        if isinstance(fact, NodeFacts)
        else fact
        for name, fact in machines(plan).items()
    }
    return [str(fault) for fault in overlay_faults(plan.settings, facts)]


def test_the_network_as_it_is_declared_is_no_fault() -> None:
    assert faults() == []


@pytest.mark.parametrize(
    ("field", "value", "there"),
    [
        ("subnet", "10.21.0.0/20", "10.20.0.0/20"),
        ("mtu", 1300, "1400"),
        ("mtu", None, "1400"),
        ("encrypted", False, "true"),
        ("attachable", False, "true"),
    ],
)
def test_each_change_names_field_cost_and_ways(field: str, value: Any, there: str) -> None:
    (fault,) = faults(**{field: value})
    assert fault.startswith(f"network.{field}: is {there} in the swarm, ")
    assert "all 19 services would have to leave it" in fault
    assert f"write {there}; or plan an outage" in fault


def test_another_name_is_a_change_as_well() -> None:
    (fault,) = faults(name="other")
    assert fault.startswith("network.name: is platform-beta in the swarm, other here")
    assert faults(replace(THERE, labels={}), name="other") == [], "a network that may be somebody else's"


def test_without_services_or_knowledge_nothing_is_refused() -> None:
    assert faults(services=0, mtu=1300) == []
    assert faults(services=None, mtu=1300) == []
    assert faults(there=None, mtu=1300) == []
