"""Every rule, over every node: all faults together, before the first write."""

from __future__ import annotations

from components.errors import Fault
from components.observe import Facts, NodeFacts, Unreachable
from components.preflight.machine import machine_faults
from components.preflight.membership import membership_faults
from components.preflight.network import network_faults
from components.preflight.overlay import overlay_faults
from components.settings import Node, Settings
from components.topology import Plan


def preflight(plan: Plan, facts: Facts) -> list[Fault]:
    """Faults of the machines as they were seen; what is unknown is none (see `unseen`)."""
    settings = plan.settings
    seen = {name: fact for name, fact in facts.items() if isinstance(fact, NodeFacts)}
    faults: list[Fault] = []
    for node in settings.nodes:
        faults += _login_faults(settings, node, facts.get(node.name))
        if node.name in seen:
            faults += machine_faults(settings, node, seen[node.name])
    faults += membership_faults(settings, seen)
    faults += overlay_faults(settings, facts)
    return [*faults, *network_faults(settings, seen)]


def _login_faults(settings: Settings, node: Node, fact: NodeFacts | Unreachable | None) -> list[Fault]:
    """A node that answers, but not with root's rights, is no outage that passes."""
    if not isinstance(fact, Unreachable) or "sudo:" not in fact.reason:
        return []
    user = settings.ssh.user
    remedy = f"give {user} passwordless sudo there (NOPASSWD: ALL), or set ssh.user to root"
    return [Fault(f"nodes/{node.name}", f"{user} can't become root: {fact.reason}", remedy)]
