"""Address ranges: none may hide another, and the overlay network holds every task. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from itertools import combinations
from typing import TYPE_CHECKING

from components.errors import Fault
from components.settings import Settings

if TYPE_CHECKING:
    from components.topology import Plan

#: Where docker0 and docker_gwbridge come to lie when no pool is declared.
#: https://github.com/moby/moby/blob/v24.0.9/libnetwork/ipamutils/utils.go (localScopeDefaultNetworks)
DEFAULT_BRIDGES = (IPv4Network("172.17.0.0/16"), IPv4Network("172.18.0.0/16"))
#: The first network of Swarm's default pool 10.0.0.0/8; made with the swarm, whether used or not.
#: https://docs.docker.com/engine/swarm/networking/#configure-subnet-pools
INGRESS = IPv4Network("10.0.0.0/24")
ANOTHER = "choose another range"


def address_faults(settings: Settings) -> Iterator[Fault]:
    """Overlaps of the overlay's subnet, the engines' pools, what Docker takes by itself, and the nodes."""
    subnet, pools = settings.network.subnet, settings.engine.address_pools
    ranges = [("network.subnet", subnet)]
    ranges += [(f"engine.address_pools[{index}].base", pool.base) for index, pool in enumerate(pools)]
    for (place, one), (other, two) in combinations(ranges, 2):
        if one.overlaps(two):
            yield Fault(place, f"{one} overlaps {other} ({two})", ANOTHER)
    for place, network in ranges:
        yield from _holding_nodes(settings, place, network, ANOTHER)
    if subnet.overlaps(INGRESS):
        yield Fault("network.subnet", f"{subnet} overlaps Swarm's ingress network ({INGRESS})", ANOTHER)
    for index, pool in enumerate(pools):
        if pool.size < pool.base.prefixlen:
            where = f"engine.address_pools[{index}].size"
            yield Fault(where, f"/{pool.size} does not fit into {pool.base}", "use a longer prefix")
    if not pools:
        yield from _default_faults(settings)
    elif [pool.size - pool.base.prefixlen for pool in pools] == [0]:
        fault = "hold one subnet, and Docker's bridges docker0 and docker_gwbridge take one each"
        yield Fault("engine.address_pools", fault, "use a longer size, a shorter prefix, or a second pool")


def _default_faults(settings: Settings) -> Iterator[Fault]:
    remedy = "choose another range, or declare engine.address_pools"
    for network in DEFAULT_BRIDGES:
        if settings.network.subnet.overlaps(network):
            fault = f"{settings.network.subnet} overlaps {network}, which Docker takes for its bridges"
            yield Fault("network.subnet", fault, remedy)
        place = "engine.address_pools"
        yield from _holding_nodes(
            settings, place, network, "declare pools that hold no node", "Docker's own "
        )


def _holding_nodes(
    settings: Settings, place: str, network: IPv4Network, remedy: str, whose: str = ""
) -> Iterator[Fault]:
    for index, node in enumerate(settings.nodes):
        if node.address in network:
            fault = f"{whose}{network} holds nodes[{index}].address {node.address}"
            yield Fault(place, fault, remedy)


def subnet_faults(plan: Plan) -> Iterator[Fault]:
    """Too few addresses for every task with an update under way.

    One address each: the gateway, every node (Swarm's own endpoint in the network), every task, and
    what a start-first update starts before it stops. With dnsrr a service itself needs none.
    """
    subnet, nodes = plan.settings.network.subnet, len(plan.settings.nodes)
    tasks, spares = 0, 0
    for service in plan.services:
        running = sum(plan.tasks(unit) for unit in plan.units(service))
        tasks += running
        if service.update.order == "start-first":
            at_once = service.update.parallelism or running
            spares += len(service.members) or min(at_once, running)
    needed, room = 1 + nodes + tasks + spares, max(subnet.num_addresses - 2, 0)
    if needed > room:
        fault = f"{subnet} has {room} addresses, and {needed} are needed"
        parts = f"1 for the gateway, {nodes} for nodes, {tasks} for tasks, {spares} for updates"
        yield Fault("network.subnet", f"{fault} ({parts})", "use a shorter prefix")
