"""Rules across fields: what is wrong with an environment before any node is asked. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import TYPE_CHECKING

from components.declaration import Declaration
from components.errors import Fault
from components.settings import Node, Settings

#: The secret that keys the hashes in the names of all others; it isn't given to the swarm.
NAMING_KEY = "naming_key"

if TYPE_CHECKING:
    from components.topology import Plan


def settings_faults(settings: Settings, declared: set[str]) -> Iterator[Fault]:
    """Faults between the fields of the stack file."""
    nodes = settings.nodes
    yield from _duplicates("name", [node.name for node in nodes])
    yield from _duplicates("address", [str(node.address) for node in nodes])
    yield from _duplicates("host_key", [node.host_key for node in nodes])
    if len(settings.managers) % 2 == 0:
        count = len(settings.managers)
        yield Fault("nodes", f"{count} managers survive no more than {count - 1} do", "make their number odd")
    if settings.managers[0].availability == "drain" and len(settings.managers) == 1 and len(nodes) == 1:
        yield Fault("nodes[0].availability", "the only node is drained", "set it to active")
    if settings.engine.source == "docker" and settings.engine.repository is None:
        yield Fault(
            "engine.repository", "is needed for source docker", "give the base URL of Docker's packages"
        )
    yield from _overlaps(settings)
    for name in sorted(set(settings.services) - declared):
        yield Fault(f"services.{name}", "is not a declared service", "correct the name, or add its folder")


def declaration_faults(plan: Plan, secret_names: frozenset[str]) -> Iterator[Fault]:
    """Faults of the services, alone and among each other."""
    if NAMING_KEY not in secret_names:
        yield Fault(f"secrets.{NAMING_KEY}", "is not set", "run: make secrets")
    names = [unit.name for service in plan.services for unit in plan.units(service)]
    names += [alias for service in plan.services for alias in service.aliases]
    for name, count in Counter(names).items():
        if count > 1:
            yield Fault(f"services/{name}", f"{count} services bear this name", "rename all but one")
    yield from _published_clashes(plan)
    yield from _cycles(plan.services)
    for service in plan.services:
        yield from _service_faults(plan, service, secret_names)


def _duplicates(field: str, values: list[str]) -> Iterator[Fault]:
    for value, count in Counter(values).items():
        if count > 1:
            indexes = [index for index, other in enumerate(values) if other == value]
            paths = ", ".join(f"nodes[{index}].{field}" for index in indexes)
            shown = "the same key" if field == "host_key" else value
            yield Fault(paths, f"{count} nodes have {shown}", f"give every node its own {field}")


def _overlaps(settings: Settings) -> Iterator[Fault]:
    networks = [("network.subnet", settings.network.subnet)]
    networks += [
        (f"engine.address_pools[{i}].base", pool.base) for i, pool in enumerate(settings.engine.address_pools)
    ]
    for (place, one), (other, two) in combinations(networks, 2):
        if one.overlaps(two):
            yield Fault(place, f"{one} overlaps {other} ({two})", "choose another range")
    for index, node in enumerate(settings.nodes):
        for place, network in networks:
            if node.address in network:
                yield Fault(
                    place, f"{network} holds nodes[{index}].address {node.address}", "choose another range"
                )
    for index, pool in enumerate(settings.engine.address_pools):
        if pool.size < pool.base.prefixlen:
            where = f"engine.address_pools[{index}].size"
            yield Fault(where, f"/{pool.size} does not fit into {pool.base}", "use a longer prefix")


def _published_clashes(plan: Plan) -> Iterator[Fault]:
    taken: dict[tuple[int, str], str] = {}
    for service in plan.services:
        for port in service.ports:
            if port.published is None:
                continue
            other = taken.setdefault((port.published, port.protocol), service.name)
            if other != service.name:
                where = f"services/{service.name}.ports.{port.name}"
                yield Fault(where, f"{port.published}/{port.protocol} is {other}'s", "publish another port")


def _cycles(services: tuple[Declaration, ...]) -> Iterator[Fault]:
    needs = {service.name: set(service.needs) for service in services}
    while ready := [name for name, needed in needs.items() if not needed & needs.keys()]:
        for name in ready:
            del needs[name]
    if needs:
        circle = ", ".join(sorted(needs))
        yield Fault(
            f"services/{sorted(needs)[0]}.needs", f"a circle among {circle}", "remove one of the needs"
        )


def _service_faults(plan: Plan, service: Declaration, secret_names: frozenset[str]) -> Iterator[Fault]:
    where = f"services/{service.name}"
    known = {other.name for other in plan.services}
    for need in service.needs:
        if need not in known:
            yield Fault(f"{where}.needs", f"{need} is not an enabled service", "enable it, or drop the need")
    for config in service.configs:
        if not (service.folder / config.file).is_file():
            yield Fault(f"{where}.configs", f"{config.file} is not beside service.yaml", "add the file")
    for secret in service.secrets:
        if secret.name not in secret_names:
            yield Fault(
                f"secrets.{secret.name}", f"is needed by {service.name} and not set", "run: make secrets"
            )
    if service.stateful and not service.volumes:
        yield Fault(
            f"{where}.volumes", "a stateful service without a volume loses its data", "declare a volume"
        )
    yield from _resource_faults(where, service)
    yield from _placement_faults(plan, service)


def _resource_faults(where: str, service: Declaration) -> Iterator[Fault]:
    limits = service.resources
    if limits.reserve_cpus > limits.cpus:
        yield Fault(f"{where}.resources", "reserves more CPU than its limit", "lower reserve_cpus")
    if limits.reserve_memory_mib > limits.memory_mib:
        yield Fault(f"{where}.resources", "reserves more memory than its limit", "lower reserve_memory_mib")


def _placement_faults(plan: Plan, service: Declaration) -> Iterator[Fault]:
    yield from _home_faults(plan, service)
    for unit in plan.units(service):
        homes = [node for node in plan.settings.nodes if unit.fits(node)]
        rules = " and ".join(unit.constraints) or "any node"
        if not homes:
            yield Fault(
                f"services/{unit.name}.placement", f"no node satisfies {rules}", "label a node, or relax it"
            )
        elif service.mode == "replicated" and _too_few(service, homes):
            room = len(homes) * _per_node(service)
            fault = f"{service.replicas} replicas, and {rules} has room for {room}"
            yield Fault(f"services/{unit.name}.replicas", fault, "lower replicas, or label more nodes")


def _home_faults(plan: Plan, service: Declaration) -> Iterator[Fault]:
    """A member that no node is left for, and homes that name what doesn't exist."""
    override = plan.settings.services.get(service.name)
    members, nodes = {unit.name: unit for unit in plan.units(service)}, {n.name for n in plan.settings.nodes}
    for member, node in (override.homes if override else {}).items():
        where = f"services.{service.name}.homes.{member}"
        if member not in members or not service.members:
            yield Fault(where, f"{service.name} has no member {member}", "correct the name")
        elif node not in nodes:
            yield Fault(where, f"{node} is not a declared node", "name one of nodes")
    for unit in members.values():
        fits = any(unit.fits(node) for node in plan.settings.nodes)
        if unit.member and unit.home is None and fits:
            rules = " and ".join(unit.constraints) or "any node"
            fault = f"every node with {rules} is another member's home"
            yield Fault(f"services/{unit.name}.placement", fault, "label another node for it")


def _per_node(service: Declaration) -> int:
    """How many tasks one node can hold, 0 for no limit: a published port can be bound once."""
    return 1 if any(port.published for port in service.ports) else service.placement.max_per_node


def _too_few(service: Declaration, homes: Iterable[Node]) -> bool:
    limit = _per_node(service)
    return bool(limit) and not service.members and service.replicas > limit * len(tuple(homes))
