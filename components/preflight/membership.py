"""Whether the nodes are in one swarm, this one, as who they are declared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from components.errors import Fault
from components.observe import NodeFacts
from components.settings import Node, Settings

Seen = Mapping[str, NodeFacts]


def membership_faults(settings: Settings, seen: Seen) -> Iterator[Fault]:
    """Faults that only a person can mend: the program takes no machine out of a swarm that isn't its own."""
    ours = our_cluster(settings, seen)
    for node in settings.nodes:
        if node.name in seen:
            yield from _foreign(settings, seen, node, ours)
            yield from _own_state(node, seen[node.name])
    yield from _twins(settings, seen)


def our_cluster(settings: Settings, seen: Seen) -> str | None:
    """Id of the swarm that most declared nodes manage, of the first declared one among equals."""
    clusters = Counter(
        seen[node.name].swarm_cluster_id
        for node in (*settings.managers, *settings.nodes)
        if node.name in seen and seen[node.name].swarm_cluster_id
    )
    return clusters.most_common(1)[0][0] if clusters else None


def _foreign(settings: Settings, seen: Seen, node: Node, ours: str | None) -> Iterator[Fault]:
    fact = seen[node.name]
    if fact.swarm_state != "active":
        return
    place = f"nodes/{node.name}"
    leave = f"take it out with 'docker swarm leave{' --force' if fact.swarm_manager else ''}' on {node.name}"
    if fact.swarm_cluster_id and fact.swarm_cluster_id != ours:
        others = [name for name, other in seen.items() if other.swarm_cluster_id == ours]
        fault = f"manages the swarm {fact.swarm_cluster_id}, while {', '.join(others)} manage {ours}"
        yield Fault(place, fault, f"{leave}, or correct the list of nodes")
    elif fact.swarm_cluster_id and not any(_in(seen, manager, ours) for manager in settings.managers):
        fault = f"is declared a worker and manages the swarm {ours}, of which no declared manager is a node"
        yield Fault(place, fault, f"{leave}, or declare it a manager")
    elif not fact.swarm_cluster_id and fact.swarm_managers:
        known = {address.rpartition(":")[0] for address in fact.swarm_managers}
        if not known & {str(other.address) for other in settings.nodes}:
            fault = f"is a node of another swarm, whose managers are {', '.join(fact.swarm_managers)}"
            yield Fault(place, fault, f"{leave}, or correct the list of nodes")


def _in(seen: Seen, manager: Node, cluster: str | None) -> bool:
    """Not surely outside: a manager that wasn't seen, or has no leader now, may well be in."""
    fact = seen.get(manager.name)
    if fact is None or fact.swarm_cluster_id:
        return fact is None or fact.swarm_cluster_id == cluster
    return fact.engine != "absent" and fact.swarm_state != "inactive"


def _own_state(node: Node, fact: NodeFacts) -> Iterator[Fault]:
    place = f"nodes/{node.name}"
    if fact.swarm_state == "locked":
        yield Fault(place, "its swarm is locked", "run 'docker swarm unlock' on it")
    if fact.swarm_state == "active" and fact.swarm_address not in (None, str(node.address)):
        remedy = f"correct its address, or take it out with 'docker swarm leave' on {node.name} and run again"
        yield Fault(place, f"is in the swarm as {fact.swarm_address}, not as {node.address}", remedy)


def _twins(settings: Settings, seen: Seen) -> Iterator[Fault]:
    """Machines cloned after one of them had joined, or one machine declared twice."""
    first: dict[str, str] = {}
    for node in settings.nodes:
        identity = seen[node.name].swarm_node_id if node.name in seen else None
        other = first.setdefault(identity, node.name) if identity else node.name
        if other != node.name:
            fault = f"is the same node of the swarm as {other} ({identity})"
            remedy = f"correct its address, or run 'docker swarm leave' on it if it is a clone of {other}"
            yield Fault(f"nodes/{node.name}", fault, remedy)
