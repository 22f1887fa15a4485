"""The commands that are compared, and the environments in which they run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.comparison import FLOOR, MAKE_PREVIEW, MAKE_UP, PREVIEW, STATUS
from tests.bench.cost import Run
from tests.bench.floor import make_floor
from tests.drill.record import ROOT
from tests.lab.runner import environment

KINDS = ("offline", "official")
#: What an outer `make` would tell an inner one, which is to be as a person's.
NOT_PASSED_ON = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PLUGINS", "STACK")


@dataclass(frozen=True)
class Subject:
    """A command to be measured. `quiet`: its output has to say that nothing changes."""

    kind: str
    name: str
    command: Sequence[str]
    cwd: Path
    environment: Mapping[str, str]
    quiet: bool = True
    runs: list[Run] = field(default_factory=list)


def shells(kinds: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """The project's shell by kind of plugins, as variables; one that can't be had is told in a line."""
    for kind in kinds:
        if refusal := missing(kind):
            print(f"== {kind} plugins: left out; {refusal}", flush=True)
        else:
            yield kind, environment(PLUGINS=kind)


def missing(kind: str) -> str:
    """Why these plugins can't be had; empty when they can, and are installed. Offline ones are never made."""
    own = ROOT / ".tools" / "plugins"
    if kind == "offline":
        is_there = own.exists() and own.read_text().strip() == kind
        return "" if is_there else "this checkout's own plugins are others"
    wanted = {**os.environ, "PLUGINS": kind}
    command = ["lab/toolchain.sh", "tools"]
    made = subprocess.run(command, cwd=ROOT, env=wanted, capture_output=True, text=True)
    return made.stderr.strip().splitlines()[-1] if made.returncode else ""


def subjects(kind: str, shell: Mapping[str, str], folder: Path) -> list[Subject]:
    """What is measured on this kind of plugins; `make` on the checkout's own alone."""
    floor = make_floor(folder, shell)
    preview = ["pulumi", "--non-interactive", "preview", "--expect-no-changes"]
    found = [
        Subject(kind, FLOOR, floor.preview, floor.folder, floor.environment, quiet=False),
        Subject(kind, PREVIEW, preview, ROOT, shell),
    ]
    if kind == "offline":
        plain = {key: value for key, value in os.environ.items() if key not in NOT_PASSED_ON}
        for name in (MAKE_PREVIEW, MAKE_UP, STATUS):
            command = ["make", "--no-print-directory", name.removeprefix("make ")]
            found.append(Subject(kind, name, command, ROOT, plain, quiet=name != STATUS))
    return found
