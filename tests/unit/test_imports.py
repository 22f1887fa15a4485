"""What a command imports is most of its time: Pulumi's SDK only for a program, SSH when it is used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def imported(module: str) -> set[str]:
    """Top-level packages that a module brings with it."""
    script = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("ops.__main__", {"pulumi", "pulumi_docker", "pulumi_command", "grpc"}),
        ("ops.connected", {"pulumi", "grpc", "pydantic", "asyncssh", "yaml", "cryptography"}),
    ],
)
def test_a_command_imports_nothing_heavy_that_it_does_not_need(module: str, heavy: set[str]) -> None:
    assert imported(module) & heavy == set()


def test_locks_for_forks_are_registered_before_pulumi_is_started() -> None:
    """A thread of ours that imports this module while `preexec_fn` forks makes Python print a traceback."""
    program = "import ops.processes, sys; sys.exit('concurrent.futures.thread' not in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT).returncode == 0
