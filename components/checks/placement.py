"""Whether every task has a node that may take it, as far as labels, roles and ports go. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from components.declaration import Declaration
from components.errors import Fault
from components.settings import Node
from components.validation import suggestion

if TYPE_CHECKING:
    from components.topology import Plan, Unit


def placement_faults(plan: Plan, service: Declaration) -> Iterator[Fault]:
    """Labels and nodes that don't exist, no node left, or too few of them."""
    unknown = list(_unknown(plan.settings.nodes, service))
    yield from unknown
    if not unknown and (service.members or service.mode == "global" or service.replicas):
        for unit in plan.units(service):
            yield from _home_faults(plan, unit)
        yield from _pin_faults(plan, service)
        yield from _crowd_faults(plan, service)


def _unknown(nodes: Iterable[Node], service: Declaration) -> Iterator[Fault]:
    where = service.place
    wanted = service.placement
    yield from _label_faults(nodes, f"{where}.placement.labels", wanted.labels)
    for member in service.members:
        yield from _label_faults(nodes, f"{where}.members[{member.name}].labels", member.labels)
    names = [node.name for node in nodes]
    if wanted.node is not None and wanted.node not in names:
        remedy = suggestion(wanted.node, names, "name a node of the stack file")
        yield Fault(f"{where}.placement.node", f"{wanted.node} is not a node", remedy)


def _label_faults(nodes: Iterable[Node], where: str, labels: Mapping[str, str]) -> Iterator[Fault]:
    known = sorted({key for node in nodes for key in node.labels})
    for key, value in labels.items():
        values = sorted({node.labels[key] for node in nodes if key in node.labels})
        if not values:
            remedy = suggestion(key, known, "give the label to a node under platform-beta:nodes")
            yield Fault(f"{where}.{key}", f"no node bears the label {key}", remedy)
        elif value not in values:
            fault = f"no node has {key}={value}, only {', '.join(values)}"
            yield Fault(f"{where}.{key}", fault, "correct the value, or label a node")


def _home_faults(plan: Plan, unit: Unit) -> Iterator[Fault]:
    service, homes = unit.service, plan.homes(unit)
    rules = " and ".join(unit.constraints)
    fitting = [node for node in plan.settings.nodes if unit.fits(node)]
    if not fitting:
        yield Fault(f"{place(unit)}.placement", f"no node satisfies {rules}", "label a node, or relax it")
    elif not homes and rules and not unit.home:
        names = ", ".join(node.name for node in fitting)
        fault = f"every node that satisfies {rules} is drained ({names})"
        yield Fault(f"{place(unit)}.placement", fault, "set one to active, or disable the service")
    elif homes and per_node(service):
        yield from _room_faults(plan, unit, len(homes) * per_node(service))


def _pin_faults(plan: Plan, service: Declaration) -> Iterator[Fault]:
    """A member with a volume that no node is left for, and homes that name what doesn't exist.

    A drained home is no fault: the member waits there with its data, its group goes on without it.
    """
    override = plan.settings.services.get(service.name)
    names = [node.name for node in plan.settings.nodes]
    members = [member.name for member in service.members]
    for member, node in (override.homes if override else {}).items():
        where = f"services.{service.name}.homes.{member}"
        if member not in members:
            remedy = suggestion(member, members, "remove it")
            yield Fault(where, f"{service.name} has no member {member}", remedy)
        elif node not in names:
            remedy = suggestion(node, names, "name a node of the stack file")
            yield Fault(where, f"{node} is not a node", remedy)
        elif list(override.homes.values() if override else ()).count(node) > 1:
            yield Fault(where, f"{node} is another member's home, too", "give each member its own node")
    for unit in plan.units(service) if service.volumes and not service.lenders else ():
        fitting = [node for node in plan.settings.nodes if unit.fits(node)]
        if unit.member and not unit.home and fitting:
            rules = " and ".join(unit.constraints) or "any node"
            fault = f"every node that satisfies {rules} is another member's home"
            yield Fault(f"{place(unit)}.placement", fault, "label another node for it")


def _room_faults(plan: Plan, unit: Unit, room: int) -> Iterator[Fault]:
    service, tasks = unit.service, plan.tasks(unit)
    rules = " and ".join(unit.constraints) or "any node"
    if tasks > room:
        fault = f"{tasks} replicas, and {rules} has room for {room}"
        yield Fault(f"{place(unit)}.replicas", fault, "lower replicas, or label more nodes")
    elif service.update.order == "start-first" and tasks == room:
        fault = f"start-first needs room for one task more, and {rules} has room for {room}"
        yield Fault(f"{place(unit)}.update.order", fault, "use stop-first, or label more nodes")


def _crowd_faults(plan: Plan, service: Declaration) -> Iterator[Fault]:
    """Members that bind the same port and outnumber the nodes that only they can go to."""
    homes = [frozenset(node.name for node in plan.homes(unit)) for unit in plan.units(service)]
    if not service.members or not per_node(service, members=True):
        return
    for nodes in sorted(set(homes), key=sorted):
        count = sum(other <= nodes for other in homes)
        if nodes and count > len(nodes):
            shown = ", ".join(sorted(nodes))
            fault = f"{count} members publish a port, and only {shown} can take them"
            yield Fault(f"{service.place}.members", fault, "label more nodes")


def per_node(service: Declaration, members: bool = False) -> int:
    """How many tasks one node can hold, 0 for no limit: a published port can be bound once.

    max_per_node counts per Swarm service, so it says nothing of `members` together.
    """
    if any(port.published for port in service.ports):
        return 1
    return 0 if members else service.placement.max_per_node


def place(unit: Unit) -> str:
    """Where the declaration of a unit is found."""
    if unit.member is None:
        return unit.service.place
    return f"{unit.service.place}.members[{unit.name}]"
