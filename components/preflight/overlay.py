"""Whether the overlay network in the swarm is the one that is declared: Docker can't change a network."""

from __future__ import annotations

from collections.abc import Iterator

from components.errors import Fault
from components.identity import STACK_LABEL
from components.lifecycle import manager_view
from components.observe import Facts, Overlay
from components.overlay_options import MTU
from components.settings import Network, Settings


def overlay_faults(settings: Settings, facts: Facts) -> Iterator[Fault]:
    """A declared change of the network while services are on it: they would all lose it at once.

    Rolled onto another network one by one, members of a store would not see each other and lose quorum.
    """
    view = manager_view(settings, facts)
    if view is None or not view.overlays or not view.services:
        return
    cost = f"and Docker can't change a network: all {view.services} services would have to leave it"
    remedy = "; or plan an outage of some minutes: make destroy, then make up (data volumes stay)"
    wanted = settings.network
    existing = next((each for each in view.overlays if each.name == wanted.name), None)
    if existing is None:
        for other in view.overlays:
            if STACK_LABEL in other.labels:
                fault = f"is {other.name} in the swarm, {wanted.name} here, {cost}"
                yield Fault("network.name", fault, f"write {other.name}{remedy}")
        return
    for field, there, here in differences(existing, wanted):
        fault = f"is {there} in the swarm, {here} here, {cost}"
        yield Fault(f"network.{field}", fault, f"write {there}{remedy}")


def differences(existing: Overlay, wanted: Network) -> Iterator[tuple[str, str, str]]:
    """Field of the settings, its value in the swarm, and the declared one, as a stack file has them."""
    pairs = {
        "subnet": (", ".join(map(str, existing.subnets)), str(wanted.subnet)),
        "mtu": (existing.options.get(MTU, "null"), str(wanted.mtu or "null")),
        "encrypted": (_flag("encrypted" in existing.options), _flag(wanted.encrypted)),
        "attachable": (_flag(existing.attachable), _flag(wanted.attachable)),
    }
    for field, (there, here) in pairs.items():
        if there != here:
            yield field, there, here


def _flag(value: bool) -> str:
    return "true" if value else "false"
