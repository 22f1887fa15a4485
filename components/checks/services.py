"""One service by itself, and the names of all: rules that need no node. Only files are looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from components.checks.files import file_faults
from components.declaration import Declaration, place_of
from components.errors import Fault

if TYPE_CHECKING:
    from components.topology import Plan


def name_faults(plan: Plan) -> Iterator[Fault]:
    """Every Swarm service, of a service or of a member, and every alias has a name of its own."""
    owners: dict[str, list[str]] = {}
    for service in plan.services:
        for unit in plan.units(service):
            owners.setdefault(unit.name, []).append(service.name)
        for alias in service.aliases:
            owners.setdefault(alias, []).append(service.name)
    for name, services in owners.items():
        if len(services) > 1 and len(set(services)) == 1:
            where = f"{place_of(services[0])}.members"
            yield Fault(where, f"{len(services)} members are named {name}", "give each its own name")
        elif len(services) > 1:
            fault = f"{', '.join(sorted(set(services)))} all make a Swarm service of this name"
            yield Fault(place_of(services[0]), f"{name}: {fault}", "rename all but one")


def service_faults(service: Declaration) -> Iterator[Fault]:
    """What is wrong with a declaration whatever the environment is."""
    where = service.place
    yield from _resource_faults(where, service)
    yield from _mode_faults(where, service)
    yield from _volume_faults(where, service)
    yield from _process_faults(where, service)
    yield from _edge_faults(where, service)
    yield from file_faults(service)


def _resource_faults(where: str, service: Declaration) -> Iterator[Fault]:
    limits = service.resources
    place = f"{where}.resources"
    if limits.reserve_cpus > limits.cpus:
        fault = f"reserves {limits.reserve_cpus:g} CPUs, its limit is {limits.cpus:g}"
        yield Fault(place, fault, "lower reserve_cpus, or raise cpus")
    if limits.reserve_memory_mib > limits.memory_mib:
        fault = f"reserves {limits.reserve_memory_mib} MiB, its limit is {limits.memory_mib}"
        yield Fault(place, fault, "lower reserve_memory_mib, or raise memory_mib")
    in_memory = sum(tmpfs.size_mib for tmpfs in service.tmpfs)
    if in_memory > limits.memory_mib:
        fault = f"{in_memory} MiB in memory, the limit of the whole task is {limits.memory_mib}"
        yield Fault(f"{where}.tmpfs", fault, "lower size_mib, or raise memory_mib")


def _mode_faults(where: str, service: Declaration) -> Iterator[Fault]:
    """Replicas, members and global are three ways to say how many; each leaves no room for another."""
    has_replicas = "replicas" in service.model_fields_set
    if service.members and has_replicas:
        yield Fault(f"{where}.replicas", "each member is one task already", "remove replicas or members")
    if service.mode == "global":
        if service.members:
            yield Fault(f"{where}.members", "a global service has no members", "remove members or mode")
        if has_replicas:
            fault = "a global service has one task on every node"
            yield Fault(f"{where}.replicas", fault, "remove replicas or mode")
        if service.placement.max_per_node:
            fault = "a global service has one task on every node"
            yield Fault(f"{where}.placement.max_per_node", fault, "remove it, or mode")


def _volume_faults(where: str, service: Declaration) -> Iterator[Fault]:
    if service.stateful and not service.volumes:
        fault = "a stateful service without a volume loses its data"
        yield Fault(f"{where}.volumes", fault, "declare a volume, or set stateful: false")
    if not service.volumes:
        return
    alone = service.placement.max_per_node == 1 or any(port.published for port in service.ports)
    if service.mode == "replicated" and not service.members and service.replicas > 1 and not alone:
        fault = f"several of {service.replicas} replicas on one node would share it"
        yield Fault(f"{where}.volumes", fault, "set placement.max_per_node: 1, or use members")
    if service.update.order == "start-first":
        fault = "start-first runs the old and the new task on one volume, or the new one on an empty one"
        yield Fault(f"{where}.update.order", fault, "use stop-first")


def _edge_faults(where: str, service: Declaration) -> Iterator[Fault]:
    if service.edge and not any(port.published for port in service.ports):
        yield Fault(
            f"{where}.edge", "publishes no port, so nobody outside reaches it", "publish one, or remove edge"
        )


def _process_faults(where: str, service: Declaration) -> Iterator[Fault]:
    if service.update.parallelism == 0:
        fault = "0 changes all tasks at once, so that a bad update takes all down before it is rolled back"
        yield Fault(f"{where}.update.parallelism", fault, "use 1 or more")
    if service.health:
        first = service.health.command[0]
        if not first.strip():
            yield Fault(f"{where}.health.command", "begins with an empty word", "name the program first")
        if first in ("CMD", "CMD-SHELL", "NONE"):
            fault = f"begins with {first}, which is added by itself"
            yield Fault(f"{where}.health.command", fault, "name the program first; a shell as sh, -c, …")
    for port, count in Counter((port.port, port.published) for port in service.ports).items():
        if count > 1 and port[1] is None:
            yield Fault(f"{where}.ports", f"{port[0]} is declared {count} times", "remove all but one")
