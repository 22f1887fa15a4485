"""Settings of one environment: the stack file, typed. `Pulumi.beta.yaml` explains every field."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from components.errors import ConfigurationError, Fault
from components.validation import Frozen, faults_of

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$")]
LabelValue = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._/-]{1,63}$")]
Port = Annotated[int, Field(ge=1, le=65535)]
#: RSA is left out: the plugin's client would ask for SHA-1 signatures, which sshd refuses today.
HostKey = Annotated[
    str,
    StringConstraints(pattern=r"^(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/=]+( .*)?$"),
]
#: repository[:tag][@digest] of the OCI distribution specification, a tag or digest required.
#: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
Image = Annotated[
    str,
    StringConstraints(
        pattern=r"^([a-zA-Z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+([._/-]+[a-z0-9]+)*"
        r"(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}(@sha256:[a-f0-9]{64})?|@sha256:[a-f0-9]{64})$"
    ),
]
Role = Literal["manager", "worker"]
Availability = Literal["active", "pause", "drain"]


class Ssh(Frozen):
    """How hosts are reached. Without a key file the SSH agent (SSH_AUTH_SOCK) is asked."""

    user: Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_-]*$")] = "root"
    port: Port = 22
    private_key_file: Path | None = None


class Node(Frozen):
    """One machine. `address` is where the others reach it; `ssh_host` only if SSH goes elsewhere."""

    name: Name
    role: Role
    address: IPv4Address
    host_key: HostKey
    ssh_host: str | None = None
    availability: Availability = "active"
    labels: dict[Label, LabelValue] = {}


class LogRotation(Frozen):
    """Docker's json-file rotation, per container."""

    max_size: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*[kmg]$")] = "10m"
    max_file: Annotated[int, Field(ge=1, le=100)] = 3


class AddressPool(Frozen):
    """Where Docker takes subnets of local bridges from; `size` is the prefix length of each."""

    base: IPv4Network
    size: Annotated[int, Field(ge=8, le=29)] = 24


class Engine(Frozen):
    """Docker Engine on every node. `repository`: base URL of Docker's packages, for source docker."""

    source: Literal["distribution", "docker"] = "distribution"
    repository: Annotated[str, StringConstraints(pattern=r"^https://[^\s]+[^/]$")] | None = None
    log: LogRotation = LogRotation()
    address_pools: tuple[AddressPool, ...] = ()
    registry_mirrors: tuple[str, ...] = ()
    insecure_registries: tuple[str, ...] = ()
    sysctls: dict[Annotated[str, StringConstraints(pattern=r"^[a-z0-9_.-]+$")], str] = {}
    operators: tuple[Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_-]*$")], ...] = ()


class Swarm(Frozen):
    """The swarm itself. `converge_timeout_s`: how long one service may take to become healthy."""

    task_history_limit: Annotated[int, Field(ge=0, le=100)] = 3
    converge_timeout_s: Annotated[int, Field(ge=10, le=3600)] = 300


class Network(Frozen):
    """The overlay network that every service is on. `mtu` in bytes; None leaves Docker's own."""

    name: Name = "platform-beta"
    subnet: IPv4Network
    encrypted: bool = True
    attachable: bool = True
    mtu: Annotated[int, Field(ge=576, le=9000)] | None = None


class Firewall(Frozen):
    """Host firewall. `edge_sources`: who may reach published ports."""

    enabled: bool = True
    edge_sources: tuple[IPv4Network, ...] = (IPv4Network("0.0.0.0/0"),)


class Edge(Frozen):
    """What the outside calls this environment."""

    domain: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])$")]


class ServiceOverride(Frozen):
    """What this environment does otherwise than `service.yaml` says."""

    image: Image | None = None
    replicas: Annotated[int, Field(ge=0, le=100)] | None = None
    cpus: Annotated[float, Field(gt=0)] | None = None
    memory_mib: Annotated[int, Field(gt=0)] | None = None
    reserve_cpus: Annotated[float, Field(ge=0)] | None = None
    reserve_memory_mib: Annotated[int, Field(ge=0)] | None = None
    environment: dict[str, str] = {}
    homes: dict[Name, Name] = {}
    """Member to node, where the plan's own choice isn't wanted: before a node is replaced, for one."""
    enabled: bool = True
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
    try:
        settings = TypeAdapter(Settings).validate_python(dict(raw))
    except ValidationError as error:
        raise ConfigurationError(faults_of(error, "")) from None
    if not settings.managers:
        raise ConfigurationError(
            [Fault("nodes", "no node is a manager", "give one or three the role manager")]
        )
    return settings
