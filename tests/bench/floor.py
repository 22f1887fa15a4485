"""The floor: `pulumi preview` of an empty program, with our Pulumi, venv and environment; own state."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.drill.record import ROOT

#: Not ops/bin/pulumi: what that adds is ours.
PULUMI = ROOT / ".tools" / "bin" / "pulumi"
PROJECT = "name: floor\nruntime:\n  name: python\noptions:\n  refresh: always\n"
STACK = "floor"


@dataclass(frozen=True)
class Floor:
    """An empty program in a folder of its own."""

    folder: Path
    environment: Mapping[str, str]

    @property
    def preview(self) -> list[str]:
        """The command; it always shows one change, the stack itself."""
        return [str(PULUMI), "--non-interactive", "preview"]


def make_floor(folder: Path, environment: Mapping[str, str]) -> Floor:
    """An empty program and its stack in a new folder, in this environment of the project's shell."""
    (folder / "state").mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text(PROJECT)
    (folder / "__main__.py").touch()
    own = {
        "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": STACK,
        "PULUMI_STACK": STACK,
    }
    floor = Floor(folder, {**environment, **own})
    command = [str(PULUMI), "--non-interactive", "stack", "init", STACK, "--no-select"]
    subprocess.run(command, cwd=folder, env=floor.environment, check=True, capture_output=True)
    return floor
