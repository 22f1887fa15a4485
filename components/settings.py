"""Settings of one environment: the stack file, typed. `Pulumi.beta.yaml` explains every field."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from components.errors import ConfigurationError, Fault
from components.fields import (
    Address,
    Availability,
    BaseUrl,
    Cpus,
    Domain,
    EnvironmentValue,
    Host,
    HostKey,
    Image,
    Label,
    LabelValue,
    LogSize,
    Mebibytes,
    Mirror,
    Name,
    NetworkName,
    Objects,
    Port,
    Registry,
    ReservedCpus,
    ReservedMebibytes,
    Role,
    Subnet,
    Sysctl,
    SysctlValue,
    UserName,
    VariableName,
    Version,
)
from components.validation import Frozen, validate


class Ssh(Frozen):
    """How hosts are reached. Without a key file the SSH agent (SSH_AUTH_SOCK) is asked."""

    user: UserName = "root"
    port: Port = 22
    private_key_file: Path | None = None

    @property
    def shell(self) -> str:
        """The remote command line of a shell with root's rights, to which arguments are added."""
        return "bash" if self.user == "root" else "sudo -n bash"


class Node(Frozen):
    """One machine. `address` is where the others reach it; `ssh_host` only if SSH goes elsewhere.

    cpus, memory_mib: what services may use of it; what is not declared is not checked.
    """

    name: Name
    role: Role
    address: Address
    host_key: HostKey
    ssh_host: Host | None = None
    availability: Availability = "active"
    labels: dict[Label, LabelValue] = {}
    cpus: Cpus | None = None
    memory_mib: Mebibytes | None = None

    @property
    def ssh_address(self) -> str:
        """Where SSH goes."""
        return self.ssh_host or str(self.address)

    @property
    def pinned_key(self) -> str:
        """Type and key of `host_key`, without its comment."""
        return " ".join(self.host_key.split()[:2])


class LogRotation(Frozen):
    """Docker's json-file rotation, per container."""

    max_size: LogSize = "10m"
    max_file: Annotated[int, Field(ge=1, le=100)] = 3


class AddressPool(Frozen):
    """Where Docker takes subnets of local bridges from; `size` is the prefix length of each."""

    base: Subnet
    size: Annotated[int, Field(ge=8, le=29)] = 24


class Engine(Frozen):
    """Docker Engine on every node. `repository`: base URL of Docker's packages, for source docker."""

    source: Literal["distribution", "docker"] = "distribution"
    repository: BaseUrl | None = None
    log: LogRotation = LogRotation()
    address_pools: tuple[AddressPool, ...] = ()
    registry_mirrors: tuple[Mirror, ...] = ()
    insecure_registries: tuple[Registry, ...] = ()
    sysctls: dict[Sysctl, SysctlValue] = {}
    operators: tuple[UserName, ...] = ()


class Swarm(Frozen):
    """The swarm itself. `converge_timeout_s`: how long one service may take to become healthy.

    even_managers: true says that an even number of managers, such as two for a while, is meant.
    """

    task_history_limit: Annotated[int, Field(ge=0, le=100)] = 3
    converge_timeout_s: Annotated[int, Field(ge=10, le=3600)] = 300
    even_managers: bool = False


class Network(Frozen):
    """The overlay network that every service is on. `mtu` in bytes; None leaves Docker's own."""

    name: NetworkName = "platform-beta"
    subnet: Subnet
    encrypted: bool = True
    attachable: bool = True
    mtu: Annotated[int, Field(ge=576, le=9000)] | None = None


class Firewall(Frozen):
    """Host firewall. `edge_sources`: who may reach published ports."""

    enabled: bool = True
    edge_sources: tuple[Subnet, ...] = (IPv4Network("0.0.0.0/0"),)


class Preflight(Frozen):
    """Least that a machine must be; 0 or null switches a check off. Sizes are as bought: a tenth less passes.

    operating_systems: ID of /etc/os-release to the oldest VERSION_ID; empty for any.
    """

    memory_mib: ReservedMebibytes = 16384
    cores: Annotated[int, Field(ge=0, le=4096)] = 8
    disk_gib: ReservedMebibytes = 100
    latency_ms: Annotated[int, Field(ge=0, le=60_000)] = 10
    clock_skew_s: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)] = 5
    engine_version: Version | None = "20.10"
    operating_systems: dict[str, Version] = {
        "almalinux": "8",
        "centos": "7",
        "debian": "11",
        "rhel": "8",
        "rocky": "8",
        "ubuntu": "20.04",
    }
    skip: tuple[Literal["kernel", "mtu", "ports", "routes"], ...] = ()


class Edge(Frozen):
    """What the outside calls this environment."""

    domain: Domain


class ServiceOverride(Frozen):
    """What this environment does otherwise than `service.yaml` says."""

    image: Image | None = None
    replicas: Annotated[int, Field(ge=0, le=100)] | None = None
    cpus: Cpus | None = None
    memory_mib: Mebibytes | None = None
    reserve_cpus: ReservedCpus | None = None
    reserve_memory_mib: ReservedMebibytes | None = None
    environment: dict[VariableName, EnvironmentValue] = {}
    objects: Objects = {}
    """Further ones, or by the same `name` other ones."""
    homes: dict[Name, Name] = {}
    """Member to node, where the plan's own choice isn't wanted: before a node is replaced, for one."""
    enabled: bool | None = None
    """Unsaid: on, unless the declaration's `off_unless_enabled` says why not."""
    because: str = ""
    """Why it is not enabled, for `ops status` to tell."""


class Settings(Frozen):
    """One environment. Everything but secrets, which never enter a model that could be printed."""

    ssh: Ssh = Ssh()
    nodes: Annotated[tuple[Node, ...], Field(min_length=1)]
    engine: Engine = Engine()
    swarm: Swarm = Swarm()
    network: Network
    firewall: Firewall = Firewall()
    preflight: Preflight = Preflight()
    edge: Edge
    services: dict[Name, ServiceOverride] = {}

    @property
    def managers(self) -> tuple[Node, ...]:
        """Managers in the order of declaration; the first one founds the swarm."""
        return tuple(node for node in self.nodes if node.role == "manager")


def parse_settings(raw: Mapping[str, Any]) -> Settings:
    """Keys without namespace (`nodes`, `network`, …) to Settings.

    Raises ConfigurationError with every fault, each at its path in the stack file.
    """
    faults: list[Fault] = []
    settings = validate(Settings, dict(raw), "", faults)
    if settings is None:
        raise ConfigurationError(faults)
    return settings
