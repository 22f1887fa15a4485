"""Volumes of another service: declared there, and on the node of who mounts them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from components.declaration import Declaration, Volume
from components.errors import Fault
from components.validation import suggestion

if TYPE_CHECKING:
    from components.topology import Plan


def lending_faults(plan: Plan, service: Declaration) -> Iterator[Fault]:
    """Faults of every volume with `of`, then of where all of them lie."""
    where = f"services/{service.name}.volumes"
    faults = [
        Fault(f"{where}[{index}].of", *said)
        for index, volume in enumerate(service.volumes)
        for said in _faults(plan, service, volume)
    ]
    yield from faults
    if service.lenders and not faults:
        yield from _node_faults(plan, service, where)


def _faults(plan: Plan, service: Declaration, volume: Volume) -> Iterator[tuple[str, str]]:
    if volume.of is None:
        return
    owners = {unit: other for other in plan.services for unit in other.unit_names}
    owner = owners.get(volume.of)
    if volume.of in plan.off:
        yield f"{volume.of} is disabled in this environment", f"enable it, or disable {service.name}"
    elif owner is None:
        yield f"{volume.of} is not a service", suggestion(volume.of, owners, "remove the volume")
    elif owner.name == service.name:
        yield "names the service itself", "remove it: the volume is its own"
    elif owner.lenders:
        yield f"{volume.of} mounts volumes of others itself", "mount only volumes of a service that doesn't"
    elif not owner.members:
        yield f"{volume.of} is no member, so its volume lies on no certain node", "give it members"
    elif volume.name not in (names := [own.name for own in owner.volumes]):
        fault = f"{volume.of} has no volume {volume.name}"
        yield fault, suggestion(volume.name, names, "declare it there")


def _node_faults(plan: Plan, service: Declaration, where: str) -> Iterator[Fault]:
    """A lender without a home is a fault of its own, said there."""
    homes = {unit.name: unit.home for unit in plan.lenders(service) if unit.home}
    nodes = sorted(set(homes.values()))
    if len(service.members) != 1:
        fault = "it has volumes of others, and could start where they aren't"
        yield Fault(f"services/{service.name}.members", fault, "declare one member")
    elif len(nodes) > 1:
        lying = ", ".join(f"{name}'s on {node}" for name, node in sorted(homes.items()))
        remedy = "give their members one home: services.<name>.homes"
        yield Fault(where, f"they lie on several nodes ({lying})", remedy)
    elif nodes and not plan.units(service)[0].home:
        fault = f"they lie on {nodes[0]}, where {service.name} may not run"
        yield Fault(where, fault, "relax its placement, or remove its home")
