"""What tests know of a service besides its declaration: `conformance/kit.yaml` and `client.py` in its folder.

A service that declares a `role` hook has both; docs/architecture.md says what lies in them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from components.declaration import BesideFile, Declaration, load_declarations
from components.errors import ConfigurationError, Fault
from components.fields import Name, SecretName, Text, refused
from components.validation import Frozen, validate
from components.yaml_file import read_mapping, read_text
from lab.declared import SERVICES

FOLDER = "conformance"
LEDGER_IMAGE = "ledger"
NO_PASSWORD = "no password"
#: What tests/lab/ledger.py asks of a client.
METHODS = {"__init__", "write", "numbers", "close"}
Limit = Annotated[float, Field(gt=0, le=600)]


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error:
        raise refused("is not a regular expression", "escape what it should not mean") from None
    return text


def _with_no_password(cases: dict[str, Refusal]) -> dict[str, Refusal]:
    if NO_PASSWORD not in cases:
        raise refused(f"has no case `{NO_PASSWORD}`", "add it: {command: …, answer: …}")
    return cases


class Variant(Frozen):
    """Another way to write, which `client.py` knows by its name; `promised`: nothing acknowledged is lost."""

    promised: bool = True


class Change(Frozen):
    """A setting that a rolling change changes: the first `old` in a file of the folder becomes `new`."""

    file: BesideFile
    old: Annotated[str, Field(min_length=1)]
    new: Annotated[str, Field(min_length=1)]


class Refusal(Frozen):
    """A login that each member refuses: `command`, by bash in its container, prints `answer` (a pattern)."""

    command: Text
    answer: Annotated[str, AfterValidator(_pattern), Field(min_length=1)]


class KitFile(Frozen):
    """A kit.yaml.

    `secrets`: what the client reads in /run/secrets. `image`: the lab's image in which it runs.
    `server` prints the process id of a member's server, `members` the names of the members that are in, as a
    member sees it; both by bash in its container.
    `writes`: so many are acknowledged in ten seconds at least; a ledger with fewer says nothing.
    Longest time without an accepted write: `first_write_s` after a leader's death, `frozen_s` after it stood
    still, `roll_s` while a change rolls. `prefers_first`: the first member leads again after a while.
    """

    secrets: tuple[SecretName, ...]
    variants: dict[Name, Variant] = {}
    image: Name = LEDGER_IMAGE
    server: Text
    members: Text | None = None
    writes: Annotated[int, Field(ge=10)] = 100
    first_write_s: Limit
    frozen_s: Limit = 10
    roll_s: Limit = 5
    prefers_first: bool = True
    change: Change
    refused: Annotated[dict[str, Refusal], AfterValidator(_with_no_password)]


@dataclass(frozen=True)
class Client:
    """One way to write to a service; `source` is the client's text."""

    service: str
    variant: str
    promised: bool
    writes: int
    image: str
    secrets: tuple[str, ...]
    source: str

    @property
    def name(self) -> str:
        """The service's name, and the variant's after it: `db`, `db-unconfirmed`."""
        return "-".join(filter(None, (self.service, self.variant)))


@dataclass(frozen=True)
class Kit:
    """A service's kit.yaml with its clients, the one without a variant first."""

    service: str
    folder: Path
    file: KitFile
    clients: tuple[Client, ...]


def load_kits(services: Path = SERVICES) -> tuple[Kit, ...]:
    """Return the kit of every service with a `role` hook. Raises ConfigurationError with every fault."""
    faults: list[Fault] = []
    declared = load_declarations(services, faults)
    kits = [kit for each in declared if each.hooks.role and (kit := _load(each, faults))]
    for each in declared:
        if (each.folder / FOLDER).exists() and not each.hooks.role:
            faults.append(Fault(f"{each.place}/{FOLDER}", "belongs to no `role` hook", "declare hooks.role"))
    if faults:
        raise ConfigurationError(faults)
    return tuple(kits)


def _load(service: Declaration, faults: list[Fault]) -> Kit | None:
    place, folder = f"{service.place}/{FOLDER}", service.folder / FOLDER
    raw = read_mapping(folder / "kit.yaml", f"{place}/kit.yaml", faults)
    source = read_text(folder / "client.py", f"{place}/client.py", faults)
    file = None if raw is None else validate(KitFile, raw, f"{place}/kit.yaml", faults)
    if file is None or source is None:
        return None
    faults += [*_change_faults(service, file), *_client_faults(f"{place}/client.py", source)]
    return Kit(service.name, service.folder, file, tuple(_clients(service.name, file, source)))


def _clients(service: str, file: KitFile, source: str) -> Iterator[Client]:
    for variant, has in {"": Variant(), **file.variants}.items():
        yield Client(service, variant, has.promised, file.writes, file.image, file.secrets, source)


def _change_faults(service: Declaration, file: KitFile) -> Iterator[Fault]:
    change, found = file.change, service.folder / file.change.file
    place = f"{service.place}/{FOLDER}/kit.yaml change"
    if change.file not in {config.file for config in service.configs}:
        yield Fault(place, f"{change.file} is no config of the service", "name one of its configs")
    elif not found.is_file() or change.old not in found.read_text():
        yield Fault(place, f"`old` is not in {change.file}", "write what is there")


def _client_faults(place: str, source: str) -> Iterator[Fault]:
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        yield Fault(f"{place}:{error.lineno}", "is not Python", "correct the line")
        return
    classes = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Client")
    missing = METHODS - {name for each in classes for name in _functions(each.body)}
    if missing:
        yield Fault(place, f"has no class Client with {', '.join(sorted(missing))}", "add it")


def _functions(body: Iterable[ast.stmt]) -> Iterator[str]:
    return (node.name for node in body if isinstance(node, ast.FunctionDef))
