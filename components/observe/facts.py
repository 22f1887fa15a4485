"""What a node is, typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Literal, TypeAlias

EngineState = Literal["running", "stopped", "absent", "unknown"]


@dataclass(frozen=True)
class Unreachable:
    """A node that could not be asked, and why: nothing is known of it."""

    reason: str


@dataclass(frozen=True)
class SwarmMember:
    """One row of the swarm's list of nodes.

    role is what the node is meant to be; reachability (leader, reachable, unreachable; None for a worker)
    tells whether it is a manager in truth, which lags behind a promotion or demotion.
    """

    id: str
    name: str
    role: str
    availability: str
    state: str
    address: str
    labels: Mapping[str, str]
    reachability: str | None


@dataclass(frozen=True)
class Overlay:
    """An overlay network of the swarm; `options` are the driver's, `mtu` and `encrypted` among them."""

    name: str
    subnets: tuple[IPv4Network, ...]
    options: Mapping[str, str]
    labels: Mapping[str, str]
    attachable: bool


@dataclass(frozen=True)
class Route:
    """A network that the host reaches by one of its own interfaces."""

    network: IPv4Network
    interface: str


@dataclass(frozen=True)
class Probe:
    """Answer of another node's TCP port: open, refused, silent or unreachable; ms of the fastest try.

    UDP ports answer nobody but their peers, so they can't be told.
    """

    state: str
    latency_ms: int | None

    @property
    def answers(self) -> bool:
        """Whether the other host was heard: a refusal is an answer."""
        return self.state in ("open", "refused")


@dataclass(frozen=True)
class NodeFacts:
    """One node as it was seen. None is "could not be read", never "not there"; "" is "not there"."""

    hostname: str | None
    kernel: str | None
    engine: EngineState
    engine_version: str | None
    swarm_state: str | None
    swarm_node_id: str | None
    swarm_manager: bool | None
    swarm_cluster_id: str | None
    swarm_address: str | None = None
    swarm_error: str | None = None
    #: `address:2377` of every manager that this node knows.
    swarm_managers: tuple[str, ...] | None = None
    task_history_limit: int | None = None
    #: The swarm's list of nodes; None where this node is no manager or couldn't list it.
    members: tuple[SwarmMember, ...] | None = None
    #: The swarm's overlay networks and its number of services; None as for members.
    overlays: tuple[Overlay, ...] | None = None
    services: int | None = None
    os_id: str | None = None
    os_version: str | None = None
    os_name: str | None = None
    cores: int | None = None
    memory_mib: int | None = None
    #: Of the file system that holds Docker's data.
    disk_total_mib: int | None = None
    disk_free_mib: int | None = None
    #: The node's clock minus this machine's, at the middle of the round trip.
    clock_skew_s: float | None = None
    systemd: bool | None = None
    engine_enabled: bool | None = None
    daemon_json: str | None = None
    #: Whether daemon.json is younger than the running engine, and so not in force.
    daemon_json_newer: bool | None = None
    docker_group: frozenset[str] | None = None
    #: Declared operators that the host has no user for.
    missing_users: frozenset[str] | None = None
    #: Live values of the declared keys; "" for a key that the kernel doesn't have.
    sysctls: Mapping[str, str] = field(default_factory=dict)
    sysctl_file: str | None = None
    #: in-force, absent, changed, inactive or disabled, and what tells so.
    firewall: str | None = None
    firewall_detail: str = ""
    """Of one that was changed: how; of one in force: the addresses of declared nodes that it lets in."""
    #: Networks of the host's own interfaces; Docker's bridges and loopback left out.
    routes: tuple[Route, ...] | None = None
    #: The interface that carries the node's address ("": none does), and its MTU in bytes.
    interface: str | None = None
    mtu: int | None = None
    #: overlay, vxlan, esp4, ip_vs: loaded, builtin, loadable or absent; a missing key is unknown.
    features: Mapping[str, str] = field(default_factory=dict)
    tools: frozenset[str] | None = None
    #: By the other node's address and port.
    peers: Mapping[tuple[str, int], Probe] = field(default_factory=dict)
    #: What the lock of a run that is under way says of it; "" when no run is.
    run_lock: str | None = None

    @property
    def manages(self) -> bool:
        """Whether this node's engine answers as a manager of a swarm that has a leader."""
        return self.swarm_state == "active" and self.swarm_manager is True and bool(self.swarm_cluster_id)


Facts: TypeAlias = Mapping[str, NodeFacts | Unreachable]
