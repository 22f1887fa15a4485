"""The swarm, asked on a manager about what an interrupted run may have left in it."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Collection, Mapping
from pathlib import Path

from components.settings import Settings
from ops.managers import first_answer
from ops.pending import Found, Operation

FOLDER = Path(__file__).parent
TIMEOUT_S = 30

Key = tuple[str, str]


def find(settings: Settings, wanted: Collection[Operation]) -> dict[str, Found]:
    """What exists of these operations' resources, by URN. Raises NoManagerError."""
    lines = {(str(each.kind), each.name): each.urn for each in wanted}
    found = parse(_ask(settings, _script("find-objects.sh", WANTED=_lines(lines), REMOVED="")))
    return {lines[key]: each for key, each in found.items() if key in lines}


def remove_secrets(settings: Settings, secrets: Collection[Operation]) -> None:
    """Remove these operations' secrets from the swarm, by name. Raises NoManagerError."""
    keys = [("secret", each.name) for each in secrets]
    _ask(settings, _script("find-objects.sh", WANTED="", REMOVED=_lines(keys)))


def await_rest(settings: Settings, services: Collection[Operation], timeout_s: int) -> list[str]:
    """Wait while services roll; those that still do when the time is up, with their state."""
    names = " ".join(each.name for each in services)
    script = _script("await-services.sh", SERVICES=names, TIMEOUT_S=str(timeout_s))
    lines = _ask(settings, script, timeout_s + TIMEOUT_S).splitlines()
    return [line for line in lines if not line.endswith(" rests")]


def ready_nodes(settings: Settings) -> dict[str, bool]:
    """Host name to whether the swarm has it Ready; empty when there is no swarm. Raises NoManagerError."""
    script = (FOLDER / "list-nodes.sh").read_text()
    lines = (line.split() for line in _ask(settings, script).splitlines())
    return {line[0]: line[1] == "Ready" for line in lines if len(line) == 2}


def parse(text: str) -> dict[Key, Found]:
    """The lines `found <kind> <name> <id> <users>` of find-objects.sh."""
    found: dict[Key, Found] = {}
    for line in text.splitlines():
        word, *rest = line.split(" ")
        if word == "found":
            kind, name, id, users = rest
            found[kind, name] = Found(id, tuple(filter(None, users.split(","))))
    return found


def _lines(keys: Collection[Key] | Mapping[Key, str]) -> str:
    return "".join(f"{kind} {name}\n" for kind, name in keys)


def _script(name: str, **variables: str) -> str:
    preamble = "".join(f"{key}={shlex.quote(value)}\n" for key, value in variables.items())
    return preamble + (FOLDER / name).read_text()


def _ask(settings: Settings, script: str, timeout_s: int = TIMEOUT_S) -> str:
    """The answer of the first manager that is one; empty when all answer and none is.

    A manager that can't be asked leaves it unknown whether there is a swarm. Raises NoManagerError.
    """
    said = first_answer(settings, script, timeout_s, lambda said: not said.startswith("no-swarm"))
    return asyncio.run(said) or ""
