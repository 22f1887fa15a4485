"""Pulumi's state of one stack: read, written back, and freed of the lock files of dead processes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class BackendError(Exception):
    """The state could not be read or written, or another process has it; the text says what to do."""


@dataclass(frozen=True)
class FileLock:
    """A lock file of Pulumi's file backend: who wrote it, where and when."""

    pid: int
    hostname: str
    username: str
    timestamp: str


@dataclass(frozen=True)
class Backend:
    """The state of `stack`, by the CLI run in the checkout at `root`."""

    root: Path
    stack: str

    def export(self, *arguments: str) -> dict[str, Any]:
        """The state as `pulumi stack export` gives it. Raises BackendError."""
        done = self._run("stack", "export", *arguments)
        if "no stack named" in done.stderr:
            self._must(self._run("stack", "init"))
            done = self._run("stack", "export", *arguments)
        return dict(json.loads(self._must(done)))

    def look(self) -> dict[str, Any]:
        """The state as `export` gives it, for a run that writes nothing. Raises BackendError for no stack."""
        done = self._run("stack", "export")
        if "no stack named" in done.stderr:
            fault = "does not exist in the backend that this shell uses, and a preview makes none"
            raise BackendError(f"stack {self.stack}: {fault}; run: make secrets STACK={self.stack}")
        return dict(json.loads(self._must(done)))

    def names(self) -> set[str]:
        """Logical names of all resources of the state. Raises BackendError."""
        resources = (self.export().get("deployment") or {}).get("resources") or ()
        return {str(each["urn"]).rpartition("::")[2] for each in resources}

    def replace(self, exported: dict[str, Any]) -> None:
        """Write an edited export back; Pulumi checks that it is whole. Raises BackendError."""
        self._must(self._run("stack", "import", stdin=json.dumps(exported)))

    def cancel(self) -> None:
        """Remove the lock files. Raises BackendError."""
        self._must(self._run("cancel", "--yes"))

    def locks(self) -> list[FileLock]:
        """Lock files of this stack; none for a backend that is no folder."""
        if not (state := _state_folder()):
            return []
        files = state.glob(f"locks/organization/{self._project()}/{self.stack}/*.json")
        return [lock for lock in map(_read_lock, files) if lock]

    def torn_attributes(self) -> list[Path]:
        """Attribute files of this stack's state that a killed CLI left half-written.

        Pulumi's file backend writes `<file>.attrs` in place, the state itself under another name first. It
        fails with "EOF" at one that is half-written and does without one that does not exist.
        Source: gocloud.dev/blob/fileblob, attrs.go.
        """
        if not (state := _state_folder()):
            return []
        kept = f"{self._project()}/{self.stack}"
        files = [*state.glob(f"stacks/{kept}.json*.attrs"), *state.glob(f"history/{kept}/*.attrs")]
        return [file for file in files if not _is_json(file)]

    def _project(self) -> str:
        first = (self.root / "Pulumi.yaml").read_text().partition("name:")[2]
        return first.split()[0]

    def _run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = ["pulumi", "--non-interactive", *arguments, "--stack", self.stack]
        return subprocess.run(command, cwd=self.root, input=stdin, capture_output=True, text=True)

    def _must(self, done: subprocess.CompletedProcess[str]) -> str:
        if done.returncode:
            torn = "; a killed run left it so, and `make up` mends it" if self.torn_attributes() else ""
            raise BackendError(f"{' '.join(done.args[:4])}: {done.stderr.strip()}{torn}")
        return done.stdout


def _state_folder() -> Path | None:
    """Where the file backend keeps state, history and locks; None for a backend that is no folder."""
    url = os.environ.get("PULUMI_BACKEND_URL", "")
    if not url.startswith("file://"):
        return None
    return Path(url.removeprefix("file://").partition("?")[0]).expanduser() / ".pulumi"


def _is_json(file: Path) -> bool:
    try:
        json.loads(file.read_text())
    except ValueError:
        return False
    return True


def _read_lock(file: Path) -> FileLock | None:
    """None for a file that went away or was only half written, which Pulumi itself refuses or passes over."""
    try:
        given = json.loads(file.read_text())
        return FileLock(given["pid"], given["hostname"], given["username"], given["timestamp"])
    except (OSError, ValueError, KeyError):
        return None


def stale(locks: list[FileLock], hostname: str, alive: Callable[[int], bool]) -> bool:
    """Whether there are locks, all of dead processes. Raises BackendError for one that may live."""
    for lock in locks:
        who = f"{lock.username}@{lock.hostname} since {lock.timestamp[:19]}"
        if lock.hostname != hostname:
            raise BackendError(
                f"state: locked by {who}, whose process {lock.pid} can't be seen from {hostname}; "
                f"see there whether it runs, and only if it doesn't: pulumi cancel"
            )
        if alive(lock.pid):
            raise BackendError(f"state: locked by {who}, process {lock.pid} runs; wait for it, or end it")
    return bool(locks)


def hostname() -> str:
    """This host as Pulumi writes it into its lock files."""
    return socket.gethostname()
