"""The swarm, asked on a manager which objects it has, and told which secrets nobody needs."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from components.identity import STACK_LABEL
from components.settings import Settings
from ops.managers import first_answer
from ops.pending import Found, Kind, Operation

FOLDER = Path(__file__).parent
TIMEOUT_S = 30


@dataclass(frozen=True)
class SwarmObject:
    """One network, service, config or secret. `stack`: of its label, empty without one; `uses`: ids."""

    kind: Kind
    id: str
    name: str
    stack: str
    uses: frozenset[str]


def list_objects(settings: Settings) -> tuple[SwarmObject, ...]:
    """All objects of the swarm; none where there is no swarm. Raises NoManagerError."""
    return parse(_ask(settings, script("list-objects.sh", LABEL=STACK_LABEL)))


def parse(text: str) -> tuple[SwarmObject, ...]:
    """The lines of list-objects.sh."""
    return tuple(_object(*line.split(" ")) for line in text.splitlines())


def _object(kind: str, id: str, name: str, stack: str, uses: str) -> SwarmObject:
    known = next(each for each in get_args(Kind) if each == kind)
    used = frozenset(uses.strip("-").strip(",").split(",")) - {""}
    return SwarmObject(known, id, name, "" if stack == "-" else stack, used)


def find(objects: Iterable[SwarmObject], wanted: Collection[Operation]) -> dict[str, Found]:
    """What exists of these operations' resources, by URN, with the services that use it."""
    listed = tuple(objects)
    ids = {(each.kind, each.name): each.id for each in listed}
    found: dict[str, Found] = {}
    for operation in wanted:
        id = operation.kind and ids.get((operation.kind, operation.name))
        if id:
            found[operation.urn] = Found(id, tuple(each.name for each in listed if id in each.uses))
    return found


def remove_secrets(settings: Settings, secrets: Collection[Operation]) -> None:
    """Remove these operations' secrets from the swarm, by name. Raises NoManagerError."""
    _ask(settings, script("remove-secrets.sh", NAMES=" ".join(each.name for each in secrets)))


def await_rest(settings: Settings, services: Collection[Operation], timeout_s: int) -> list[str]:
    """Wait while services roll; those that still do when the time is up, with their state."""
    names = " ".join(each.name for each in services)
    question = script("await-services.sh", SERVICES=names, TIMEOUT_S=str(timeout_s))
    lines = _ask(settings, question, timeout_s + TIMEOUT_S).splitlines()
    return [line for line in lines if not line.endswith(" rests")]


def ready_nodes(settings: Settings) -> dict[str, bool]:
    """Host name to whether the swarm has it Ready; empty when there is no swarm. Raises NoManagerError."""
    lines = (line.split() for line in _ask(settings, script("list-nodes.sh")).splitlines())
    return {line[0]: line[1] == "Ready" for line in lines if len(line) == 2}


def script(name: str, **variables: str) -> str:
    """What a manager's shell reads: assignments, the shared helpers and the script."""
    preamble = "".join(f"{key}={shlex.quote(value)}\n" for key, value in variables.items())
    return preamble + (FOLDER / "lib.sh").read_text() + (FOLDER / name).read_text()


def _ask(settings: Settings, question: str, timeout_s: int = TIMEOUT_S) -> str:
    """The answer of the first manager that is one; empty when all answer and none is.

    A manager that can't be asked leaves it unknown whether there is a swarm. Raises NoManagerError.
    """
    said = first_answer(settings, question, timeout_s, lambda said: not said.startswith("no-swarm"))
    return asyncio.run(said) or ""
