"""A service as `configs/services/<product>/<part>/service.yaml` declares it; nothing here reads a node."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePath, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from components.errors import Fault
from components.fields import (
    Cpus,
    EnvironmentValue,
    Identifier,
    Image,
    Label,
    LabelValue,
    Mebibytes,
    MountPath,
    Name,
    Port,
    ReservedCpus,
    ReservedMebibytes,
    Role,
    Seconds,
    SecretName,
    SomeSeconds,
    Text,
    VariableName,
    matching,
)
from components.validation import Frozen, validate
from components.variable import Variable
from components.yaml_file import read_mapping

FileMode = Annotated[
    str, matching(r"0[0-7]{3}", "is not a file mode", 'write four octal digits in quotes, such as "0444"')
]
UserId = Annotated[
    str,
    matching(r"[0-9]{1,10}", "is not a numeric user or group", 'write its number in quotes, such as "101"'),
]
#: The part of a product whose service has the product's own name.
SERVER = "server"
Signal = Annotated[str, matching(r"SIG[A-Z0-9+]+", "is not a signal", "write it like SIGTERM")]
#: Swarm's names of configs, which are made of it, know these characters (and / is replaced).
#: `../<part>/<file>` is of another part of the product; `../../../lib/<file>` is every service's.
#: Of the last part a `*` may be the beginning.
BesideFile = Annotated[
    str,
    matching(
        r"(\.\./[a-z0-9][a-z0-9-]*/|\.\./\.\./\.\./lib/)?(?!\.\.?(/|$)|.*/\.\.?(/|$))"
        r"([A-Za-z0-9._-]+/)*([A-Za-z0-9._-]+|\*[A-Za-z0-9._-]*)",
        "is not a file beside service.yaml",
        "name a file in this folder, ../<part>/<file> or ../../../lib/<file>, by letters, digits and . _ - /",
    ),
    Field(max_length=200),
]


class Member(Frozen):
    """One identity of a stateful service: its own Swarm service, hostname and volumes.

    `labels` say which nodes qualify. With a volume it is pinned to one of them, which is no other member's:
    components/homes.py.
    """

    name: Name
    labels: dict[Label, LabelValue] = {}


class Placement(Frozen):
    """Which nodes qualify: all conditions hold together."""

    role: Role | None = None
    node: Name | None = None
    labels: dict[Label, LabelValue] = {}
    max_per_node: Annotated[int, Field(ge=0, le=100)] = 0


class Resources(Frozen):
    """Per task, CPUs in cores, memory in MiB. Limits are hard; reservations are set aside by Swarm."""

    cpus: Cpus
    memory_mib: Mebibytes
    reserve_cpus: ReservedCpus = 0.0
    reserve_memory_mib: ReservedMebibytes = 0


class ServicePort(Frozen):
    """A port the service listens on; with `published` also open on the node itself (host mode)."""

    name: Name
    port: Port
    published: Port | None = None
    protocol: Literal["tcp", "udp"] = "tcp"


class Health(Frozen):
    """Liveness of one task, times in seconds. It must not depend on any other service.

    Each check costs some 50 ms of CPU, so `interval_s` is long. A task that starts is checked every five
    seconds until it is healthy or `start_period_s` is over, where the engine can:
    docs/decisions/0022-members.md
    """

    command: Annotated[tuple[Text, ...], Field(min_length=1)]
    interval_s: SomeSeconds = 20
    timeout_s: SomeSeconds = 5
    retries: Annotated[int, Field(ge=1, le=1000)] = 3
    start_period_s: Seconds = 60


class Update(Frozen):
    """Rolling update; a failure rolls back by itself. Times in seconds."""

    order: Literal["start-first", "stop-first"] = "stop-first"
    parallelism: Annotated[int, Field(ge=0, le=100)] = 1
    delay_s: Seconds = 0
    monitor_s: SomeSeconds = 10
    max_failure_ratio: Annotated[float, Field(ge=0, le=1)] = 0.0


class Restart(Frozen):
    """When a task ends. Why not the manual's on-failure and three attempts: docs/decisions/0007."""

    condition: Literal["any", "on-failure", "none"] = "any"
    delay_s: Seconds = 5
    max_attempts: Annotated[int, Field(ge=0, le=1000)] = 0
    window_s: Seconds = 0


class Stop(Frozen):
    """How a task is asked to end, and the seconds it has."""

    grace_s: Annotated[int, Field(ge=1, le=600)] = 15
    signal: Signal | None = None


class Mounted(Frozen):
    """Ownership of a file that Swarm mounts."""

    path: MountPath
    uid: UserId = "0"
    gid: UserId = "0"


class ConfigFile(Mounted):
    """A file beside service.yaml; `*.j2` is rendered first.

    `*<ending>` is every file with that ending, below the folder `path`; a script (`#!`) can be run there.
    """

    file: BesideFile
    mode: FileMode = "0444"


class SecretFile(Mounted):
    """A secret by its name in the stack's configuration, which may be all that is written.

    Its owner is the service's user.
    """

    name: SecretName
    mode: FileMode = "0400"

    @model_validator(mode="before")
    @classmethod
    def _at_the_usual_path(cls, raw: Any) -> Any:
        """Where Docker itself mounts it: https://docs.docker.com/engine/swarm/secrets/"""
        given = {"name": raw} if isinstance(raw, str) else raw
        named = isinstance(given, dict) and isinstance(given.get("name"), str)
        return {"path": f"/run/secrets/{given['name']}", **given} if named else raw


class Volume(Frozen):
    """A named volume `<service or member>-<name>`, kept when the service goes.

    `shared_with` names another service that mounts it as well, below its `shared_below`, and so lives on its
    node.
    """

    name: Name
    path: MountPath
    shared_with: Name | None = None


class SharedVolume(Volume):
    """A volume of the Swarm service `of`, in a service that it is shared with; the plan adds it."""

    of: Name


class Tmpfs(Frozen):
    """A file system in memory, counted against the memory limit."""

    path: MountPath
    size_mib: Mebibytes


class Metrics(Frozen):
    """Where Prometheus finds this service's figures."""

    port: Port
    path: str = "/metrics"


class Hooks(Frozen):
    """Commands that run in a member's container, by which others ask it; the same words for every service.

    role: prints PRIMARY, SECONDARY or NONE, as the member itself sees it, within a second.
    ready_to_stop: true when the others can do without this member; else prints why not, in a line. It is left
    out where roles tell that: all others are PRIMARY or SECONDARY.
    """

    role: tuple[Text, ...] = ()
    ready_to_stop: tuple[Text, ...] = ()


class DatabaseUser(Frozen):
    """An account for one database. `rights`: `data` is for rows, `schema` makes and changes tables, too."""

    name: Identifier
    secret: SecretName
    rights: Literal["data", "schema"]


class Database(Frozen):
    """A database on another service, `server`, which makes its users; a user of rights `schema` makes it."""

    server: Name
    name: Identifier
    users: tuple[DatabaseUser, ...]


class Declaration(Frozen):
    """One service, whole. `folder` is where its files lie.

    `aliases` are further names of its tasks on the overlay network. Members are rolled one after the
    other, the first declared last: put the preferred leader first. `off_unless_enabled` is why no
    environment gets the service before it says `enabled: true`: docs/decisions/0015-services-that-are-off.md
    `edge`: clients outside reach the environment by its published ports, so it is in `edge_urls` and in the
    edge's certificate. `shared_below`: where volumes that name it as `shared_with` are mounted,
    `<shared_below>/<product>` each. `serves_databases`: its templates see `databases`, those that services
    declare on it, and it mounts their users' passwords at /run/secrets/<secret>.
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
    user: Text | None = None
    command: tuple[Text, ...] = ()
    args: tuple[Text, ...] = ()
    environment: dict[VariableName, EnvironmentValue] = {}
    environment_schema: dict[VariableName, Variable] = {}
    configs: tuple[ConfigFile, ...] = ()
    secrets: tuple[SecretFile, ...] = ()
    volumes: tuple[Volume, ...] = ()
    tmpfs: tuple[Tmpfs, ...] = ()
    read_only: bool = False
    needs: tuple[Name, ...] = ()
    metrics: Metrics | None = None
    hooks: Hooks = Hooks()
    stateful: bool = False
    edge: bool = False
    shared_below: MountPath | None = None
    databases: tuple[Database, ...] = ()
    serves_databases: bool = False
    off_unless_enabled: Annotated[Text, Field(min_length=1)] | None = None

    @property
    def product(self) -> str:
        """What it belongs to: `db`, `db-router` and `db-backup` are one product."""
        return self.name.partition("-")[0]

    @property
    def place(self) -> str:
        """Its folder, as faults name it: `services/db/router`."""
        return place_of(self.name)

    @property
    def unit_names(self) -> tuple[str, ...]:
        """The Swarm services that it is."""
        return tuple(member.name for member in self.members) or (self.name,)

    def shares_with(self, service: str) -> tuple[Volume, ...]:
        """The volumes of its own that the other service mounts as well."""
        return tuple(volume for volume in self.volumes if volume.shared_with == service)

    @property
    def lenders(self) -> frozenset[str]:
        """The Swarm services whose volumes it mounts."""
        return frozenset(volume.of for volume in self.volumes if isinstance(volume, SharedVolume))


def place_of(service: str) -> str:
    """The folder of a service below configs/, by the service's name: services/<product>/<part>."""
    product, _, part = service.partition("-")
    return f"services/{product}/{part or SERVER}"


def service_name(folder: PurePath) -> str:
    """The name of the service that a folder declares: `db` for db/server, `db-router` for db/router."""
    product, part = folder.parent.name, folder.name
    return product if part == SERVER else f"{product}-{part}"


def load_declarations(folder: Path, faults: list[Fault]) -> tuple[Declaration, ...]:
    """Every `<folder>/<product>/<part>/service.yaml`, by name; what is wrong is appended to `faults`."""
    for product in sorted(path for path in folder.glob("[!._]*") if path.is_dir()):
        faults += _product_faults(product)
    found = [load_declaration(inner / "service.yaml", faults) for inner in service_folders(folder)]
    return tuple(sorted((each for each in found if each), key=lambda each: each.name))


def service_folders(folder: Path) -> tuple[Path, ...]:
    """The folders that declare a service; hidden ones and those of tools (`__pycache__`) aside."""
    inner = (path for path in folder.glob("[!._]*/[!._]*") if path.is_dir())
    return tuple(sorted(inner))


def _product_faults(product: Path) -> Iterator[Fault]:
    where = f"services/{product.name}"
    if "-" in product.name:
        yield Fault(where, "has a hyphen, which stands between a product and its part", "name it without one")
    if (product / "service.yaml").exists():
        fault = "has a service.yaml, which belongs into the folder of a part"
        yield Fault(where, fault, f"move all its files into {product.name}/{SERVER}")
    elif not any(product.glob("[!._]*/")):
        yield Fault(where, "has no part", f"add {SERVER}/service.yaml, or remove the folder")


def load_declaration(path: Path, faults: list[Fault]) -> Declaration | None:
    """One service.yaml, or None with its faults appended."""
    name = service_name(path.parent)
    where = place_of(name)
    if not path.exists():
        faults.append(Fault(where, "has no service.yaml", "add one, or remove the folder"))
        return None
    raw = read_mapping(path, f"{where}/service.yaml", faults)
    if raw is None:
        return None
    for key in sorted({"name", "folder"} & raw.keys()):
        faults.append(Fault(f"{where}.{key}", "is given by the folder itself", "remove it"))
    own = {"name": name, "folder": path.parent}
    found = validate(Declaration, {**raw, **own}, where, faults)
    return _written_out(found, faults) if found else None


def _written_out(service: Declaration, faults: list[Fault]) -> Declaration:
    """With a config for each file that a pattern means, and an owner of each secret."""
    configs = [each for config in service.configs for each in _configs(service, config, faults)]
    user, _, group = (service.user or "").partition(":")
    owner = {"uid": user, "gid": group or user} if user.isdecimal() else {}
    secrets = [each.model_copy(update={**owner, **_given(each)}) for each in service.secrets]
    return service.model_copy(update={"configs": tuple(configs), "secrets": tuple(secrets)})


def _configs(service: Declaration, config: ConfigFile, faults: list[Fault]) -> Iterator[ConfigFile]:
    pattern, where = PurePosixPath(config.file), f"{service.place}.configs"
    if "*" not in pattern.name:
        yield config
        return
    beside = (service.folder / pattern.parent).glob(pattern.name)
    files = sorted(path for path in beside if path.is_file() and not path.name.startswith("."))
    if not files:
        faults.append(Fault(where, f"{pattern} means no file", "add one, or correct it"))
    for file in files:
        mode = "0555" if _is_script(file) else "0444"
        own = {"file": str(pattern.with_name(file.name)), "path": config.path / file.name.removesuffix(".j2")}
        found = validate(ConfigFile, {"mode": mode, **_given(config), **own}, f"{where}[{file.name}]", faults)
        yield from [found] if found else []


def _is_script(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return opened.read(2) == b"#!"
    except OSError:
        return False  # said when it is rendered


def _given(mounted: Mounted) -> dict[str, Any]:
    """What was written of it, defaults aside."""
    return {key: getattr(mounted, key) for key in mounted.model_fields_set}
