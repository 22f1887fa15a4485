"""What could not be seen of the machines, as sentences: unknown is not sound."""

from __future__ import annotations

from collections.abc import Iterator

from components.lifecycle import manager_view
from components.observe import Facts, NodeFacts
from components.preflight.machine import version_known
from components.preflight.network import GOSSIP, is_member
from components.settings import Node, Settings
from components.topology import Plan


def unseen(plan: Plan, facts: Facts) -> list[str]:
    """One sentence for each node that is away or has unknown facts that matter; none when all was seen.

    UDP (4789, 7946) is never seen: no port of it answers but to its peers. That is not said each time.
    """
    settings = plan.settings
    return [*_nodes(settings, facts), *_swarm(settings, facts), *_fresh_ports(settings, facts)]


def _nodes(settings: Settings, facts: Facts) -> Iterator[str]:
    for node in settings.nodes:
        seen = facts.get(node.name)
        if not isinstance(seen, NodeFacts):
            reason = "was not asked" if seen is None else f"does not answer ({seen.reason})"
            yield f"{node.name} {reason}: nothing is known of it"
        elif unknown := [name for name, known in _matters(settings, seen).items() if not known]:
            yield f"{node.name}: could not tell {', '.join(unknown)}"


def _matters(settings: Settings, seen: NodeFacts) -> dict[str, bool]:
    """Facts that a check or a difference rests on: name to whether it is known."""
    rules, skip = settings.preflight, settings.preflight.skip
    running = seen.engine == "running"
    return {
        "its name": seen.hostname is not None,
        "its operating system": not rules.operating_systems or version_known(seen),
        "its cores": not rules.cores or seen.cores is not None,
        "its memory": not rules.memory_mib or seen.memory_mib is not None,
        "its disk": not rules.disk_gib or seen.disk_free_mib is not None,
        "its clock": not rules.clock_skew_s or seen.clock_skew_s is not None,
        "whether its engine runs": seen.engine != "unknown",
        "whether its engine starts at boot": seen.engine == "absent" or seen.engine_enabled is not None,
        "its swarm": not running or seen.swarm_state is not None,
        "daemon.json": seen.daemon_json is not None,
        "the group docker": not settings.engine.operators or seen.docker_group is not None,
        "its sysctls": seen.sysctl_file is not None and settings.engine.sysctls.keys() <= seen.sysctls.keys(),
        "its firewall": not settings.firewall.enabled or seen.firewall is not None,
        "its routes": "routes" in skip or seen.routes is not None,
        "the MTU of its interface": "mtu" in skip or seen.mtu is not None,
        "whether its kernel has ESP, which the encrypted network needs": (
            "kernel" in skip or not settings.network.encrypted or "esp4" in seen.features
        ),
    }


def _swarm(settings: Settings, facts: Facts) -> Iterator[str]:
    view = manager_view(settings, facts)
    if view is not None and view.members is None:
        yield "no manager could list the swarm's nodes: roles, availability and labels were not compared"
    if view is not None and (view.overlays is None or view.services is None):
        yield "no manager could list the swarm's networks and services: a change of the network was not seen"


def _fresh_ports(settings: Settings, facts: Facts) -> Iterator[str]:
    """Before a node is in the swarm its own firewall may well be closed: the run opens it."""
    seen = {name: fact for name, fact in facts.items() if isinstance(fact, NodeFacts)}
    for other in settings.nodes:
        silent = [node.name for node in settings.nodes if _silent(seen, node, other)]
        if silent and not is_member(seen, other):
            names = ", ".join(silent)
            yield f"{names}: could not tell whether {other.name} lets {GOSSIP}/tcp in, it is silent"


def _silent(seen: dict[str, NodeFacts], node: Node, other: Node) -> bool:
    if node.name not in seen or other.name not in seen:
        return False
    probe = seen[node.name].peers.get((str(other.address), GOSSIP))
    return probe is not None and not probe.answers
