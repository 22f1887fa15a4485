"""The lines that `facts.sh` prints, as NodeFacts: one parser per fact. Pure; never raises.

A fact whose text makes no sense is unknown, like one that was not printed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from ipaddress import IPv4Network
from math import isfinite
from typing import Any, TypeVar

from components.observe.facts import EngineState, NodeFacts, Overlay, Probe, Route, SwarmMember

Fact = TypeVar("Fact")
Lines = Mapping[str, list[str]]

DOCKER_INTERFACE = re.compile(r"(docker0|docker_gwbridge|br-[0-9a-f]{12}|veth.*|lo)")
NOT_NETWORKS = ("broadcast", "multicast", "default", "anycast")
#: What a text that makes no sense can raise in the parsers below.
NONSENSE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)


def parse_facts(text: str, asked_s: float | None = None) -> NodeFacts:
    """`key value` lines to facts; unknown keys are passed over.

    asked_s: this machine's clock (Unix time) at the middle of the round trip, for the clocks' difference.
    """
    lines: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        lines.setdefault(key, []).append(value)

    def fact(key: str, parse: Callable[[list[str]], Fact]) -> Fact | None:
        try:
            return parse(lines[key])
        except NONSENSE:
            return None

    def words(values: list[str]) -> tuple[str, ...]:
        return tuple(values[0].split())

    state = _engine(lines.get("engine"))
    firewall = (fact("firewall", _one) or "").partition(" ")
    return NodeFacts(
        hostname=fact("hostname", _one),
        kernel=fact("kernel", _one),
        engine=state,
        engine_version=fact("engine", _one) if state == "running" else None,
        swarm_state=fact("swarm_state", _one),
        swarm_node_id=fact("swarm_node_id", _one),
        swarm_manager=fact("swarm_manager", _truth),
        swarm_cluster_id=fact("swarm_cluster_id", _one),
        swarm_address=fact("swarm_address", _one),
        swarm_error=fact("swarm_error", _quoted),
        swarm_managers=fact("swarm_managers", words),
        task_history_limit=fact("task_history_limit", _number),
        members=fact("members", _members),
        overlays=fact("overlays", _overlays),
        services=fact("services", _number),
        os_id=fact("os_id", _one),
        os_version=fact("os_version", _one),
        os_name=fact("os_name", _one),
        cores=fact("cores", _number),
        memory_mib=fact("memory_kib", _mib),
        disk_total_mib=fact("disk_total_kib", _mib),
        disk_free_mib=fact("disk_free_kib", _mib),
        clock_skew_s=fact("clock", lambda values: _skew(values, asked_s)),
        systemd=fact("systemd", _truth),
        engine_enabled=fact("engine_enabled", _truth),
        daemon_json=fact("daemon_json", _text),
        daemon_json_newer=fact("daemon_json_newer", _truth),
        docker_group=fact("docker_group", lambda values: frozenset(words(values))),
        missing_users=fact("missing_users", lambda values: frozenset(words(values))),
        sysctls=fact("sysctl", _sysctls) or {},
        sysctl_file=fact("sysctl_file", _text),
        firewall=firewall[0] or None,
        firewall_detail=firewall[2],
        routes=fact("routes", _routes),
        interface=fact("interface", lambda values: values[0].strip()),
        mtu=fact("mtu", _number),
        features=fact("feature", _features) or {},
        tools=fact("tools", lambda values: frozenset(words(values))),
        peers=fact("peer", _peers) or {},
        run_lock=fact("run_lock", _text),
    )


def _one(values: list[str]) -> str | None:
    return values[0].strip() or None


def _quoted(values: list[str]) -> str | None:
    return str(json.loads(values[0])) or None


def _number(values: list[str]) -> int:
    return int(values[0])


def _mib(values: list[str]) -> int:
    return int(values[0]) // 1024


def _truth(values: list[str]) -> bool:
    return {"true": True, "false": False}[values[0].strip()]


def _text(values: list[str]) -> str:
    """The first line is the key alone; a file that isn't there has no others."""
    return "".join(f"{value}\n" for value in values[1:])


def _engine(values: list[str] | None) -> EngineState:
    if not values or not values[0].strip():
        return "unknown"
    said = values[0].strip()
    return "stopped" if said == "stopped" else "absent" if said == "absent" else "running"


def _skew(values: list[str], asked_s: float | None) -> float | None:
    """Printed at the start and at the end: their mean is the middle of the round trip."""
    clocks = [float(value) for value in values]
    skew = sum(clocks) / len(clocks) - (asked_s if asked_s is not None else float("nan"))
    return skew if isfinite(skew) and len(clocks) > 1 else None


def _members(values: list[str]) -> tuple[SwarmMember, ...]:
    return tuple(_member(json.loads(value)) for value in values[1:])


def _member(row: Mapping[str, Any]) -> SwarmMember:
    """A manager's address is the one it is known by to managers: its status may say 0.0.0.0."""
    known_as = str(row.get("manager_address") or "").rpartition(":")[0]
    return SwarmMember(
        id=str(row["id"]),
        name=str(row["name"]),
        role=str(row["role"]),
        availability=str(row["availability"]),
        state=str(row["state"]),
        address=known_as or str(row["address"]),
        labels={str(key): str(value) for key, value in (row["labels"] or {}).items()},
        reachability=None if row["reachability"] is None else str(row["reachability"]),
    )


def _overlays(values: list[str]) -> tuple[Overlay, ...]:
    return tuple(_overlay(json.loads(value)) for value in values[1:])


def _overlay(row: Mapping[str, Any]) -> Overlay:
    return Overlay(
        name=str(row["name"]),
        subnets=tuple(IPv4Network(part["Subnet"]) for part in row["ipam"] or () if ":" not in part["Subnet"]),
        options={str(key): str(value) for key, value in (row["options"] or {}).items()},
        labels={str(key): str(value) for key, value in (row["labels"] or {}).items()},
        attachable=bool(row["attachable"]),
    )


def _sysctls(values: list[str]) -> dict[str, str]:
    """Values with single spaces, as set-sysctls.sh compares them."""
    pairs = (value.partition(" ") for value in values)
    return {key: " ".join(value.split()) for key, _, value in pairs}


def _routes(values: list[str]) -> tuple[Route, ...]:
    """Lines of `ip -4 -o route show table all`, each network once."""
    routes: dict[Route, None] = {}
    for words in (value.split() for value in values[1:]):
        interface = words[words.index("dev") + 1] if "dev" in words else words[0]
        network = words[0] if "/" in words[0] or words[0][0].isdigit() else words[1]
        if words[0] in NOT_NETWORKS or DOCKER_INTERFACE.fullmatch(interface):
            continue
        routes[Route(IPv4Network(network), interface)] = None
    return tuple(routes)


def _features(values: list[str]) -> dict[str, str]:
    pairs = (value.split() for value in values)
    return {feature: state for feature, state in pairs}  # noqa: C416 (two words, or nonsense)


def _peers(values: list[str]) -> dict[tuple[str, int], Probe]:
    """The best answer of several tries: one lost packet closes no port, one slow answer no network."""
    best: dict[tuple[str, int], Probe] = {}
    for address, port, state, *took in (value.split() for value in values):
        key, probe = (address, int(port)), Probe(state, int(took[0]) if took else None)
        best[key] = min(best.get(key, probe), probe, key=_rank)
    return best


def _rank(probe: Probe) -> tuple[bool, int]:
    return (not probe.answers, -1 if probe.latency_ms is None else probe.latency_ms)
