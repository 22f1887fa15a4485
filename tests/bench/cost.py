"""What a command costs: wall seconds, and CPU seconds of its whole process tree.

CPU is user and system time of every process that the command started, however deep. A parent that waits for
its child has the child's time added to its own by the kernel; a process whose parent ends first becomes ours
(child subreaper) and is waited for here. Not counted: what was running before and only serves the command,
such as dockerd and the nodes' sshd. https://man7.org/linux/man-pages/man2/PR_SET_CHILD_SUBREAPER.2const.html
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
#: What outlives its command is on its way out; a daemon would spoil the figure and is an error.
ORPHANS_END_WITHIN_S = 30


@dataclass(frozen=True)
class Run:
    """One finished command: exit code, both streams together, and what it cost."""

    code: int
    text: str
    wall_s: float
    cpu_s: float


class StoppedError(Exception):
    """The bench can't go on; the text says why."""


def run(command: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> Run:
    """Run the command to its end. Raises StoppedError when a process of it runs on: its cost isn't known."""
    with tempfile.TemporaryFile() as output, adopting_orphans():
        before_s, began_s = _children_s(), time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        code = process.wait()
        wall_s = time.monotonic() - began_s
        _await_orphans(command)
        cpu_s = _children_s() - before_s
        output.seek(0)
        return Run(code, output.read().decode(errors="replace"), wall_s, cpu_s)


@contextlib.contextmanager
def adopting_orphans() -> Iterator[None]:
    """Descendants whose parent ends become children of this process."""
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        yield
    finally:
        prctl(PR_SET_CHILD_SUBREAPER, 0)


def _await_orphans(command: Sequence[str]) -> None:
    """Only the command's processes are left: the bench starts one command at a time."""
    limit_s = time.monotonic() + ORPHANS_END_WITHIN_S
    with contextlib.suppress(ChildProcessError):
        while time.monotonic() < limit_s:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.01)
        raise StoppedError(f"{' '.join(command)}: left processes that run on after {ORPHANS_END_WITHIN_S} s")


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
