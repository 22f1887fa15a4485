"""Sound facts of the environment in examples.py, for tests to spoil."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

from components.host_files import daemon_json, sysctl_file
from components.observe import NodeFacts, Probe, Route, SwarmMember, Unreachable
from components.settings import Node, Settings
from components.topology import Plan
from tests.unit.examples import settings

ENGINE = {
    "operators": ["deploy"],
    "sysctls": {"net.core.somaxconn": "4096", "net.ipv4.ip_local_port_range": "10240 65535"},
    "address_pools": [{"base": "172.30.0.0/16"}],
}


def a_plan(**changes: Any) -> Plan:
    return Plan(settings(**{"engine": ENGINE, **changes}), ())


def member(node: Node, **changes: Any) -> SwarmMember:
    reachability = None if node.role == "worker" else "leader" if node.name == "node-1" else "reachable"
    row = SwarmMember(
        id=f"id-of-{node.name}",
        name=node.name,
        role=node.role,
        availability=node.availability,
        state="ready",
        address=str(node.address),
        labels=dict(node.labels),
        reachability=reachability,
    )
    return replace(row, **changes)


def machine(settings: Settings, node: Node, joined: bool = True) -> NodeFacts:
    """A node as the settings want it; a fresh one has its engine, and no swarm yet."""
    manager = joined and node.role == "manager"
    others = [other for other in settings.nodes if other is not node]
    peers = {
        (str(other.address), port): Probe("open" if port == 7946 or other.role == "manager" else "refused", 1)
        for other in others
        for port in (2377, 7946)
    }
    managers = tuple(f"{other.address}:2377" for other in settings.managers)
    return NodeFacts(
        hostname=node.name,
        kernel="5.15.0",
        engine="running",
        engine_version="20.10.24+dfsg1",
        swarm_state="active" if joined else "inactive",
        swarm_node_id=f"id-of-{node.name}" if joined else None,
        swarm_manager=manager,
        swarm_cluster_id="ours" if manager else None,
        swarm_address=str(node.address) if joined else None,
        swarm_managers=managers if joined else (),
        task_history_limit=settings.swarm.task_history_limit if manager else None,
        members=tuple(map(member, settings.nodes)) if manager else None,
        overlays=() if manager else None,
        services=0 if manager else None,
        os_id="ubuntu",
        os_version="22.04",
        os_name="Ubuntu 22.04.4 LTS",
        cores=8,
        memory_mib=15980,
        disk_total_mib=98000,
        disk_free_mib=93000,
        clock_skew_s=0.25,
        systemd=True,
        engine_enabled=True,
        daemon_json=json.dumps(daemon_json(settings.engine)),
        daemon_json_newer=False,
        docker_group=frozenset(settings.engine.operators),
        missing_users=frozenset(),
        sysctls=dict(settings.engine.sysctls),
        sysctl_file=sysctl_file(settings.engine),
        firewall="in-force",
        firewall_detail=" ".join(str(each.address) for each in settings.nodes),
        routes=(Route(IPv4Network("192.0.2.0/24"), "ens3"),),
        interface="ens3",
        mtu=1500,
        features={"overlay": "loaded", "vxlan": "builtin", "esp4": "loadable", "ip_vs": "loadable"},
        tools=frozenset({"apt-get", "curl", "docker", "dockerd", "flock", "iptables", "nft", "systemctl"}),
        peers=peers,
        run_lock="",
    )


Machines = dict[str, NodeFacts | Unreachable]


def machines(plan: Plan, joined: bool = True) -> Machines:
    return {node.name: machine(plan.settings, node, joined) for node in plan.settings.nodes}


def spoilt(machines: Machines, name: str, **changes: Any) -> Machines:
    """The machines with one fact or several of one of them otherwise."""
    seen = machines[name]
    assert isinstance(seen, NodeFacts)
    return {**machines, name: replace(seen, **changes)}
