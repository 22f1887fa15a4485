"""A service as declared in `configs/services/<name>/service.yaml`, typed; nothing here reads a node."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, StringConstraints

from components.errors import Fault
from components.settings import Image, Label, LabelValue, Name, Port, Role
from components.validation import Frozen, validate

FileMode = Annotated[str, StringConstraints(pattern=r"^0[0-7]{3}$")]
UserId = Annotated[str, StringConstraints(pattern=r"^[0-9]+$")]
Cpus = Annotated[float, Field(gt=0)]
Mebibytes = Annotated[int, Field(gt=0)]


class Member(Frozen):
    """One identity of a stateful service: its own Swarm service, hostname and volumes, on its own node.

    `labels` say which nodes qualify; which of them it is, the plan decides (components/homes.py).
    """

    name: Name
    labels: dict[Label, LabelValue] = {}


class Placement(Frozen):
    """Which nodes qualify: all conditions hold together."""

    role: Role | None = None
    node: Name | None = None
    labels: dict[Label, LabelValue] = {}
    max_per_node: Annotated[int, Field(ge=0)] = 0


class Resources(Frozen):
    """Per task, CPUs in cores, memory in MiB. Limits are hard; reservations are set aside by Swarm."""

    cpus: Cpus
    memory_mib: Mebibytes
    reserve_cpus: Annotated[float, Field(ge=0)] = 0.0
    reserve_memory_mib: Annotated[int, Field(ge=0)] = 0


class ServicePort(Frozen):
    """A port the service listens on; with `published` also open on the node itself (host mode)."""

    name: Name
    port: Port
    published: Port | None = None
    protocol: Literal["tcp", "udp"] = "tcp"


class Health(Frozen):
    """Liveness of one task, times in seconds. It must not depend on any other service."""

    command: Annotated[tuple[str, ...], Field(min_length=1)]
    interval_s: Annotated[int, Field(ge=1)] = 5
    timeout_s: Annotated[int, Field(ge=1)] = 3
    retries: Annotated[int, Field(ge=1)] = 3
    start_period_s: Annotated[int, Field(ge=0)] = 10


class Update(Frozen):
    """Rolling update; a failure rolls back by itself. Times in seconds."""

    order: Literal["start-first", "stop-first"] = "stop-first"
    parallelism: Annotated[int, Field(ge=0)] = 1
    delay_s: Annotated[int, Field(ge=0)] = 0
    monitor_s: Annotated[int, Field(ge=1)] = 10
    max_failure_ratio: Annotated[float, Field(ge=0, le=1)] = 0.0


class Restart(Frozen):
    """When a task ends. Why not the manual's on-failure and three attempts: docs/decisions/0007."""

    condition: Literal["any", "on-failure", "none"] = "any"
    delay_s: Annotated[int, Field(ge=0)] = 5
    max_attempts: Annotated[int, Field(ge=0)] = 0
    window_s: Annotated[int, Field(ge=0)] = 0


class Stop(Frozen):
    """How a task is asked to end, and the seconds it has."""

    grace_s: Annotated[int, Field(ge=1, le=600)] = 15
    signal: Annotated[str, StringConstraints(pattern=r"^SIG[A-Z0-9+]+$")] | None = None


class Mounted(Frozen):
    """Ownership of a file that Swarm mounts."""

    path: PurePosixPath
    uid: UserId = "0"
    gid: UserId = "0"


class ConfigFile(Mounted):
    """A file beside service.yaml; `*.j2` is rendered first."""

    file: str
    mode: FileMode = "0444"


class SecretFile(Mounted):
    """A secret by its name in the stack's configuration."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,50}$")]
    mode: FileMode = "0400"


class Volume(Frozen):
    """A named volume `<service or member>-<name>`, kept when the service goes."""

    name: Name
    path: PurePosixPath


class Tmpfs(Frozen):
    """A file system in memory, counted against the memory limit."""

    path: PurePosixPath
    size_mib: Mebibytes


class Metrics(Frozen):
    """Where Prometheus finds this service's figures."""

    port: Port
    path: str = "/metrics"


class Declaration(Frozen):
    """One service, whole. `folder` is where its files lie.

    `aliases` are further names of its tasks on the overlay network. Members are rolled one after the
    other, the first declared last: put the preferred leader first.
    """

    name: Name
    folder: Path
    description: str
    image: Image
    mode: Literal["replicated", "global"] = "replicated"
    replicas: Annotated[int, Field(ge=0, le=100)] = 1
    members: tuple[Member, ...] = ()
    aliases: tuple[Name, ...] = ()
    placement: Placement = Placement()
    resources: Resources
    ports: tuple[ServicePort, ...] = ()
    health: Health | None = None
    update: Update = Update()
    restart: Restart = Restart()
    stop: Stop = Stop()
    user: str | None = None
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    configs: tuple[ConfigFile, ...] = ()
    secrets: tuple[SecretFile, ...] = ()
    volumes: tuple[Volume, ...] = ()
    tmpfs: tuple[Tmpfs, ...] = ()
    read_only: bool = False
    needs: tuple[Name, ...] = ()
    metrics: Metrics | None = None
    stateful: bool = False


def load_declarations(folder: Path, faults: list[Fault]) -> tuple[Declaration, ...]:
    """Every `<folder>/<name>/service.yaml`, by name; what is wrong is appended to `faults`."""
    found = (load_declaration(path, faults) for path in sorted(folder.glob("*/service.yaml")))
    return tuple(declaration for declaration in found if declaration)


def load_declaration(path: Path, faults: list[Fault]) -> Declaration | None:
    """One service.yaml, or None with its faults appended."""
    where = f"services/{path.parent.name}"
    try:
        raw: Any = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        faults.append(Fault(where, f"is not YAML ({str(error).splitlines()[0]})", "correct the file"))
        return None
    if not isinstance(raw, dict):
        faults.append(Fault(where, "is not a mapping", "write the keys that docs/architecture.md names"))
        return None
    return validate(Declaration, {"name": path.parent.name, "folder": path.parent, **raw}, where, faults)
