"""lab/packages.sh where it installs nothing; installing is seen in the lab's own making."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "lab/packages.sh"
REAL = ("bash", "sh", "tr", "sort", "env")
NEEDED = (
    *("dockerd", "docker", "debootstrap", "iptables", "nft", "ip", "ssh", "ssh-keygen"),
    *("curl", "shellcheck", "chromium", "mvn", "python3"),
)


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    for name in REAL:
        (tmp_path / name).symlink_to(shutil.which(name) or f"/no/{name}")
    for name in NEEDED:
        fake(tmp_path, name, "exit 0")
    fake(tmp_path, "apt-get", f"echo apt-get >>{tmp_path}/calls; exit 100")
    fake(tmp_path, "apt-cache", "exit 0")
    fake(tmp_path, "id", "echo 1000")
    return tmp_path


def fake(folder: Path, name: str, body: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{body}\n")
    (folder / name).chmod(0o755)


def run(programs: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PATH": str(programs)}
    return subprocess.run([SCRIPT], env=environment, capture_output=True, text=True, check=False)


def test_where_nothing_is_missing_it_does_and_says_nothing(programs: Path) -> None:
    done = run(programs)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (programs / "calls").exists()


def test_an_ordinary_user_is_told_what_to_install(programs: Path) -> None:
    fake(programs, "python3", "exit 1")  # has no ensurepip
    (programs / "chromium").unlink()
    done = run(programs)
    assert done.returncode == 1
    assert "needs root" in done.stderr
    assert "apt-get install chromium fonts-liberation python3-venv" in done.stderr
    assert not (programs / "calls").exists()
