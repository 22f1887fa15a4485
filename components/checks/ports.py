"""Published ports: each can be bound once on a node, and some are taken already. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from components.declaration import Declaration, ServicePort
from components.errors import Fault

if TYPE_CHECKING:
    from components.topology import Plan

#: https://docs.docker.com/engine/swarm/swarm-tutorial/#open-protocols-and-ports-between-the-hosts
SWARM_PORTS = {
    (2377, "tcp"): "the managers' port of Swarm",
    (7946, "tcp"): "the gossip port of Swarm",
    (7946, "udp"): "the gossip port of Swarm",
    (4789, "udp"): "the overlay networks' port (VXLAN)",
}


def port_faults(plan: Plan) -> Iterator[Fault]:
    """Ports that two would bind on one node, or that the node itself needs."""
    taken: dict[tuple[int, str], list[Declaration]] = {}
    for service in plan.services:
        yield from _names(service)
        for port in service.ports:
            if port.published is not None:
                others = taken.setdefault((port.published, port.protocol), [])
                yield from _reserved(plan, service, port)
                for other in others:
                    yield from _clash(plan, service, port, other)
                others.append(service)


def _names(service: Declaration) -> Iterator[Fault]:
    for name, count in Counter(port.name for port in service.ports).items():
        if count > 1:
            fault = f"{count} ports are named {name}"
            yield Fault(f"{service.place}.ports", fault, "give each its own name")


def _reserved(plan: Plan, service: Declaration, port: ServicePort) -> Iterator[Fault]:
    reserved = {**SWARM_PORTS, (plan.settings.ssh.port, "tcp"): "the nodes' SSH port"}
    owner = reserved.get((port.published or 0, port.protocol))
    if owner:
        fault = f"{port.published}/{port.protocol} is {owner}"
        yield Fault(_place(service, port), fault, "publish another port")


def _clash(plan: Plan, service: Declaration, port: ServicePort, other: Declaration) -> Iterator[Fault]:
    """Services whose nodes are disjoint may share a port."""
    shown = f"{port.published}/{port.protocol}"
    if other is service:
        yield Fault(_place(service, port), f"{shown} is published twice", "publish another port")
        return
    shared = [node for node in plan.nodes_of(service) if node in plan.nodes_of(other)]
    if shared:
        names = ", ".join(node.name for node in shared)
        remedy = "publish another port, or place one of the two elsewhere"
        yield Fault(_place(service, port), f"{shown} is {other.name}'s on {names}", remedy)


def _place(service: Declaration, port: ServicePort) -> str:
    return f"{service.place}.ports.{port.name}"
