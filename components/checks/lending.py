"""Volumes that services share: with whom, and on the node of who mounts them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from components.declaration import Declaration, Volume
from components.errors import Fault
from components.validation import suggestion

if TYPE_CHECKING:
    from components.topology import Plan


def lending_faults(plan: Plan, service: Declaration, declared: frozenset[str]) -> Iterator[Fault]:
    """Faults of every volume with `shared_with`, then of where those lie that the service mounts itself.

    declared: names of all service folders.
    """
    where = service.place
    for index, volume in enumerate(service.volumes):
        for said in _faults(plan, service, volume, declared):
            yield Fault(f"{where}.volumes[{index}].shared_with", *said)
    if service.shared_below:
        faults = list(_sharer_faults(plan, service, f"{where}.shared_below", declared))
        yield from faults
        if not faults:
            yield from _node_faults(plan, service, f"{where}.shared_below")


def _faults(
    plan: Plan, service: Declaration, volume: Volume, declared: frozenset[str]
) -> Iterator[tuple[str, str]]:
    name = volume.shared_with
    if name is None or name in plan.off:
        return
    by_name = {other.name: other for other in plan.services}
    if name not in declared:
        yield f"{name} is not a service", suggestion(name, declared, "remove it")
    elif name == service.name:
        yield "names the service itself", "remove it: the volume is its own"
    elif name in by_name and by_name[name].shared_below is None:
        yield f"{name} mounts no volumes of others", f"declare shared_below in {name}, or remove it"
    elif service.shared_below:
        yield f"{service.name} mounts volumes of others itself", "remove it, or shared_below"
    elif len(service.members) != 1:
        yield f"{service.name} has not one member, so it lies on no certain node", "declare one member"


def _sharer_faults(plan: Plan, service: Declaration, where: str, declared: frozenset[str]) -> Iterator[Fault]:
    sharers = [other for other in plan.services for _ in other.shares_with(service.name)]
    unread = declared - {other.name for other in plan.services} - set(plan.off)
    if not sharers and not unread:
        fault = "no service that is enabled shares a volume with it"
        yield Fault(where, fault, f"enable one that does, or disable {service.name}")
    products = [other.product for other in sharers]
    for product in sorted({each for each in products if products.count(each) > 1}):
        names = " and ".join(other.name for other in sharers if other.product == product)
        fault = f"{product} shares several volumes with it ({names})"
        yield Fault(where, fault, "share one volume of each product")


def _node_faults(plan: Plan, service: Declaration, where: str) -> Iterator[Fault]:
    """Volumes that lie apart, or where the service may not run. A lender without a home is a fault there."""
    homes = {unit.name: unit.home for unit in plan.lenders(service) if unit.home}
    nodes = sorted(set(homes.values()))
    if len(service.members) != 1:
        fault = "it has volumes of others, and could start where they aren't"
        yield Fault(f"{service.place}.members", fault, "declare one member")
    elif len(nodes) > 1:
        lying = ", ".join(f"{name}'s on {node}" for name, node in sorted(homes.items()))
        remedy = "give their members one home: services.<name>.homes"
        yield Fault(where, f"they lie on several nodes ({lying})", remedy)
    elif nodes and not plan.units(service)[0].home:
        fault = f"they lie on {nodes[0]}, where {service.name} may not run"
        yield Fault(where, fault, "relax its placement, or remove its home")
