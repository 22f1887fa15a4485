"""How nodes differ from what is declared, in words, by the name of the resource that mends it. Pure.

Only what was observed counts: an unknown fact is no difference.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from components.host_files import daemon_json, sysctl_file
from components.lifecycle import manager_view
from components.observe import Facts, NodeFacts, SwarmMember
from components.settings import Engine, Node, Settings
from components.topology import Plan

SYSCTL_FILE = "/etc/sysctl.d/90-platform-beta.conf"


def drift(plan: Plan, facts: Facts) -> dict[str, str]:
    """Logical resource name to difference; nothing for what is as declared or could not be seen."""
    found = {name: "; ".join(differences) for name, differences in _differences(plan.settings, facts)}
    return {name: words for name, words in found.items() if words}


def _differences(settings: Settings, facts: Facts) -> Iterator[tuple[str, list[str]]]:
    view = manager_view(settings, facts)
    for node in settings.nodes:
        seen = facts.get(node.name)
        if isinstance(seen, NodeFacts):
            yield f"{node.name}-engine", list(_engine(settings.engine, seen))
            yield f"{node.name}-sysctls", list(_sysctls(settings.engine, seen))
            yield f"{node.name}-firewall", list(_firewall(settings, seen))
            yield f"{node.name}-join", list(_join(seen))
        if view is not None and view.members is not None:
            entries = [member for member in view.members if member.name == node.name]
            if entries or isinstance(seen, NodeFacts):
                yield f"{node.name}-labels", list(_labels(node, entries))
    limit, wanted = view.task_history_limit if view else None, settings.swarm.task_history_limit
    if limit is not None and limit != wanted:
        yield "swarm-settings", [f"the task history limit is {limit}, not {wanted}"]


def _engine(engine: Engine, seen: NodeFacts) -> Iterator[str]:
    if seen.engine == "absent":
        yield "Docker Engine is absent"
        return
    if seen.engine == "stopped":
        yield "Docker Engine is stopped"
    if seen.engine_enabled is False:
        yield "Docker Engine does not start at boot"
    if seen.daemon_json is not None:
        yield from _daemon_json(daemon_json(engine), seen.daemon_json)
    if seen.daemon_json_newer and seen.engine == "running":
        yield "daemon.json is younger than the running engine, so not in force"
    if seen.docker_group is not None:
        for user in engine.operators:
            if user not in seen.docker_group and user not in (seen.missing_users or ()):
                yield f"{user} is not in the group docker"


def _daemon_json(declared: Mapping[str, Any], text: str) -> Iterator[str]:
    if not text.strip():
        yield "daemon.json is absent"
        return
    try:
        present = json.loads(text)
    except (ValueError, RecursionError):
        present = None
    if not isinstance(present, dict):
        yield "daemon.json is no JSON object"
        return
    yield from _keys("daemon.json: ", declared, present)


def _keys(path: str, declared: Mapping[str, Any], present: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted({*declared, *present}):
        if key not in present:
            yield f"{path}{key} is missing"
        elif key not in declared:
            yield f"{path}{key} is not declared"
        elif isinstance(declared[key], dict) and isinstance(present[key], dict):
            yield from _keys(f"{path}{key}.", declared[key], present[key])
        elif declared[key] != present[key]:
            yield f"{path}{key} is {_shown(present[key])}, not {_shown(declared[key])}"


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _sysctls(engine: Engine, seen: NodeFacts) -> Iterator[str]:
    declared = sysctl_file(engine)
    if seen.sysctl_file is not None and seen.sysctl_file.strip() != declared.strip():
        yield f"{SYSCTL_FILE} {'is not as declared' if seen.sysctl_file else 'is absent'}"
    for key, value in sorted(engine.sysctls.items()):
        wanted, live = " ".join(value.split()), seen.sysctls.get(key)
        if live is not None and live != wanted:
            yield f"{key} is {live}, not {wanted}" if live else f"{key} is unknown to the kernel"


def _firewall(settings: Settings, seen: NodeFacts) -> Iterator[str]:
    words = {
        "absent": "the firewall is absent",
        "inactive": "the firewall is not loaded",
        "disabled": "the firewall does not start at boot",
        "changed": f"the firewall was changed: {seen.firewall_detail}",
    }
    if settings.firewall.enabled and seen.firewall in words:
        yield words[seen.firewall]
    if settings.firewall.enabled and (kept_out := shut_out(settings, seen)):
        yield f"the firewall does not let in {', '.join(kept_out)}"


def keeping_out(settings: Settings, facts: Facts) -> list[str]:
    """Nodes whose firewall is in force and keeps declared nodes out."""
    if not settings.firewall.enabled:
        return []
    seen = {node.name: facts.get(node.name) for node in settings.nodes}
    return [name for name, fact in seen.items() if isinstance(fact, NodeFacts) and shut_out(settings, fact)]


def shut_out(settings: Settings, seen: NodeFacts) -> list[str]:
    """Declared nodes that a firewall in force does not let in; none where it isn't known."""
    if seen.firewall != "in-force" or not seen.firewall_detail:
        return []
    let_in = frozenset(seen.firewall_detail.split())
    return [node.name for node in settings.nodes if str(node.address) not in let_in]


def _join(seen: NodeFacts) -> Iterator[str]:
    if seen.engine == "absent":
        yield "has no Docker Engine, so it is in no swarm"
    elif seen.swarm_state == "inactive":
        yield "is in no swarm"
    elif seen.swarm_state in ("pending", "error"):
        yield f"its swarm is in state {seen.swarm_state}" + (
            f": {seen.swarm_error}" if seen.swarm_error else ""
        )


def _labels(node: Node, entries: list[SwarmMember]) -> Iterator[str]:
    if not entries:
        yield "the swarm does not know it"
        return
    if len(entries) > 1:
        states = ", ".join(sorted(entry.state for entry in entries))
        yield f"the swarm knows {len(entries)} nodes of this name ({states})"
    entry = min(entries, key=lambda entry: entry.state != "ready")
    if entry.role != node.role:
        yield f"role is {entry.role}, not {node.role}"
    elif entry.role == "worker" and entry.reachability:
        # A demoted manager that went down before it had its new certificate comes back as a manager.
        yield "is a worker that still has a manager's vote"
    if entry.availability != node.availability:
        yield f"availability is {entry.availability}, not {node.availability}"
    for key in sorted({*node.labels, *entry.labels}):
        declared, present = node.labels.get(key), entry.labels.get(key)
        if present is None:
            yield f"label {key}={declared} is missing"
        elif declared is None:
            yield f"label {key}={present} is not declared"
        elif declared != present:
            yield f"label {key} is {present}, not {declared}"
