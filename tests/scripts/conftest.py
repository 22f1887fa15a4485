"""A host for scripts: what they call are fakes on PATH that log their argv and play what a test says."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "components" / "scripts"
#: Commands that act for real: they touch nothing but the files a test names.
REAL = (
    *("bash", "sh", "cat", "sed", "grep", "awk", "sort", "head", "tail", "tr", "paste", "wc", "env", "xargs"),
    *("mkdir", "rm", "rmdir", "cp", "mv", "mktemp", "chmod", "sync", "touch", "find", "sha256sum", "flock"),
    *("timeout", "hostname", "date"),
)
LOG = 'printf "%s\\n" "${0##*/} $*" >>"$FAKES/calls"\n'


@dataclass(frozen=True)
class Run:
    """What a script did."""

    code: int
    out: str
    err: str
    calls: tuple[str, ...]

    @property
    def last_words(self) -> str:
        return self.err.strip().splitlines()[-1] if self.err.strip() else ""

    def called(self, start: str) -> list[str]:
        """The calls that begin so."""
        return [call for call in self.calls if call.startswith(start)]


class Machine:
    """A folder that stands for a host; `fake` gives it a command, `run` a script with inputs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.docker_socket = folder / "docker.sock"
        self.bin = folder / "bin"
        self.bin.mkdir()
        for name in REAL:
            found = shutil.which(name)
            assert found, f"this machine lacks {name}"
            (self.bin / name).symlink_to(found)
        self.fake("sleep", f"exec {shutil.which('sleep')} 0.01")

    def fake(self, name: str, body: str) -> None:
        """A command that logs its arguments and then runs the shell text `body`."""
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{LOG}{body}\n")
        path.chmod(0o755)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def run(self, script: str, *arguments: str, **inputs: str) -> Run:
        """Feed preamble, the lib.sh beside it and `script` to a shell, as the program does."""
        (self.folder / "calls").write_text("")
        preamble = "".join(f"{key}={shlex.quote(value)}\n" for key, value in inputs.items())
        text = preamble + (SCRIPTS / script).with_name("lib.sh").read_text() + (SCRIPTS / script).read_text()
        environment = {
            "PATH": str(self.bin),
            "FAKES": str(self.folder),
            "LOCK_FOLDER": str(self.folder),
            "DAEMON_FILE": str(self.folder / "docker" / "daemon.json"),
            "DOCKER_SOCKET_FILE": str(self.docker_socket),
            "ENGINE_PID_FILE": str(self.folder / "docker.pid"),
            "KEY_FOLDER": str(self.folder / "keys"),
            "OS_RELEASE_FILE": str(self.folder / "os-release"),
            "SYSCTL_FILE": str(self.folder / "sysctl.conf"),
            "FIREWALL_FOLDER": str(self.folder / "firewall"),
            "FIREWALL_LOADED": str(self.folder / "loaded"),
            "SBIN_FOLDERS": str(self.folder / "sbin"),
            "UNIT_FOLDER": str(self.folder / "units"),
        }
        done = subprocess.run(
            ["bash", "-s", "--", *arguments],
            input=text,
            env=environment,
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
        calls = (self.folder / "calls").read_text().splitlines()
        return Run(done.returncode, done.stdout, done.stderr, tuple(calls))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    assert os.access(tmp_path, os.W_OK)
    return Machine(tmp_path)
