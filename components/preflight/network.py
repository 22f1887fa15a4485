"""Whether the machines reach each other as a swarm needs it, and no subnet is taken."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from ipaddress import IPv4Network
from itertools import combinations

from components.drift import shut_out
from components.errors import Fault
from components.observe import NodeFacts, Probe, Route
from components.settings import Node, Settings

Seen = Mapping[str, NodeFacts]
#: Probes of any port, by the node that heard and the address that it asked.
Heard = Mapping[tuple[str, str], list[Probe]]
#: Swarm's management (on managers) and gossip.
#: https://docs.docker.com/engine/swarm/swarm-tutorial/#open-protocols-and-ports-between-the-hosts
MANAGEMENT, GOSSIP = 2377, 7946
#: What an overlay network takes the machines' network for when it isn't told: `maxMTU` in libnetwork's
#: drivers/overlay/encryption.go, which deducts VXLAN's 50 bytes, and ESP's, from this by itself.
DEFAULT_MTU = 1500


def network_faults(settings: Settings, seen: Seen) -> Iterator[Fault]:
    """Faults between machines, and between their networks and the declared ones."""
    skip, heard = settings.preflight.skip, heard_by(seen)
    yield from _clocks(settings, seen)
    yield from _latency(settings, heard)
    if "routes" not in skip:
        yield from _overlaps(settings, seen)
    if "mtu" not in skip:
        yield from _mtu(settings, seen)
    if "ports" not in skip:
        mended = {node.name for node in settings.nodes if mends_firewall(settings, seen, node)}
        for node in settings.nodes:
            yield from _ports(settings, seen, heard, mended, node)


def _clocks(settings: Settings, seen: Seen) -> Iterator[Fault]:
    skews = sorted((fact.clock_skew_s, name) for name, fact in seen.items() if fact.clock_skew_s is not None)
    limit = settings.preflight.clock_skew_s
    if limit and skews and (gap := skews[-1][0] - skews[0][0]) > limit:
        fault = f"{skews[-1][1]}'s clock is {gap:.1f} s ahead of {skews[0][1]}'s, more than {limit:g} s"
        remedy = "run a time service (chrony) on every node, or raise preflight.clock_skew_s"
        yield Fault("nodes", fault, remedy)


def _latency(settings: Settings, heard: Heard) -> Iterator[Fault]:
    """The fastest answer of either to the other: a slow moment is no slow network."""
    limit = settings.preflight.latency_ms
    for one, two in combinations(settings.nodes, 2):
        probes = [*probes_of(heard, one, two), *probes_of(heard, two, one)]
        took = [probe.latency_ms for probe in probes if probe.answers and probe.latency_ms is not None]
        if limit and took and min(took) > limit:
            fault = f"{min(took)} ms away from {two.name}, more than {limit} ms"
            yield Fault(f"nodes/{one.name}", fault, "put them nearer, or raise preflight.latency_ms")


def heard_by(seen: Seen) -> Heard:
    """Every probe. Once for all pairs: searched for each, a hundred nodes would take seconds."""
    heard: dict[tuple[str, str], list[Probe]] = defaultdict(list)
    for name, fact in seen.items():
        for (address, _), probe in fact.peers.items():
            heard[name, address].append(probe)
    return heard


def probes_of(heard: Heard, node: Node, other: Node) -> list[Probe]:
    """What `node` heard from `other`, of any port."""
    return heard.get((node.name, str(other.address)), [])


def _overlaps(settings: Settings, seen: Seen) -> Iterator[Fault]:
    declared = [("network.subnet", settings.network.subnet)]
    for index, pool in enumerate(settings.engine.address_pools):
        declared.append((f"engine.address_pools[{index}].base", pool.base))
    for place, network in declared:
        taken: dict[Route, list[str]] = defaultdict(list)
        for name, fact in seen.items():
            clash = [route for route in fact.routes or () if _clashes(route.network, network)]
            if clash:
                taken[min(clash, key=lambda route: route.network.prefixlen)].append(name)
        for route, names in taken.items():
            fault = f"{network} overlaps {route.network}, which {', '.join(names)} reach by {route.interface}"
            yield Fault(place, fault, "choose another range, or add routes to preflight.skip")


def _clashes(route: IPv4Network, network: IPv4Network) -> bool:
    """Halves of everything are a default route in disguise, as VPNs set it."""
    return route.prefixlen > 1 and route.overlaps(network)


def _mtu(settings: Settings, seen: Seen) -> Iterator[Fault]:
    asked = settings.network.mtu or DEFAULT_MTU
    for name, fact in seen.items():
        if fact.mtu is not None and fact.mtu < asked:
            said = "" if settings.network.mtu else ", Docker's default"
            fault = f"takes {asked} bytes{said}, but {fact.interface} of {name} only {fact.mtu}"
            yield Fault("network.mtu", fault, f"set it to {fact.mtu} or less, or raise the MTU of {name}")


def _ports(
    settings: Settings, seen: Seen, heard: Heard, mended: Collection[str], node: Node
) -> Iterator[Fault]:
    """Ports that a member of the swarm must hear from another; a firewall that the run mends is no fault."""
    for other in settings.nodes:
        if other is node or node.name not in seen or other.name not in seen:
            continue
        probes = probes_of(heard, node, other)
        if probes and not any(probe.answers for probe in probes):
            remedy = "see the routes and firewalls between them, or add ports to preflight.skip"
            fault = f"hears nothing from {other.name} ({other.address})"
            yield Fault(f"nodes/{node.name}", fault, remedy)
        elif is_member(seen, node) and is_member(seen, other) and other.name not in mended:
            for port in _needed(seen[other.name]):
                probe = seen[node.name].peers.get((str(other.address), port))
                if probe is not None and probe.state != "open":
                    fault = f"{other.name} ({other.address}) is {probe.state} at {port}/tcp"
                    yield Fault(
                        f"nodes/{node.name}", fault, f"open {port}/tcp on {other.name} and between them"
                    )


def is_member(seen: Seen, node: Node) -> bool:
    """Whether the node is in a swarm."""
    return seen[node.name].swarm_state == "active"


def mends_firewall(settings: Settings, seen: Seen, node: Node) -> bool:
    """Whether this run puts the node's firewall right, which may open its ports."""
    fact = seen.get(node.name)
    if fact is None or not settings.firewall.enabled:
        return False
    return fact.firewall not in ("in-force", None) or bool(shut_out(settings, fact))


def _needed(other: NodeFacts) -> tuple[int, ...]:
    return (MANAGEMENT, GOSSIP) if other.swarm_manager else (GOSSIP,)
