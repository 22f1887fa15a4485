"""Processes of a run: which are left of a dead one, and how `pulumi` is run so that it ends with us."""

from __future__ import annotations

# A thread that imports this during a fork makes Python print a traceback: it registers a lock for forks.
import concurrent.futures.thread  # noqa: F401
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.identity import RUN

PROC = Path("/proc")
END_WITHIN_S = 5
#: Exit code of a command that somebody ended, as shells have it for Ctrl-C.
INTERRUPTED = 130
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PR_SET_PDEATHSIG = 1  # https://man7.org/linux/man-pages/man2/prctl.2.html


@dataclass(frozen=True)
class Leftover:
    """A process that an ended run left behind."""

    pid: int
    run: str
    title: str


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and whether somebody wanted it to; then its code is never 0."""

    code: int
    interrupted: bool


def alive(pid: int, proc: Path = PROC) -> bool:
    """Whether a process runs; one that ended and wasn't waited for doesn't."""
    if not proc.is_dir():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 0)
            return True
        return False
    fields = _stat(pid, proc)
    return bool(fields) and fields[0] not in "ZX"


def leftovers(stack: str, proc: Path = PROC) -> Iterator[Leftover]:
    """What killed runs of `stack` on this state left behind, such as plugins and the language host."""
    ours = {"PULUMI_STACK": stack, "PULUMI_BACKEND_URL": os.environ.get("PULUMI_BACKEND_URL", "")}
    for folder in proc.glob("[0-9]*"):
        pid = int(folder.name)
        given = _environment(folder)
        run = given.get(RUN, "")
        owner = run.rpartition("-")[2]
        if not owner.isdigit() or any(given.get(key, "") != value for key, value in ours.items()):
            continue
        if alive(pid, proc) and not _owns(int(owner), pid, proc):
            title = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            yield Leftover(pid, run, title)


def end(processes: Sequence[Leftover]) -> None:
    """End them: asked first, killed when they don't within END_WITHIN_S."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for each in processes:
            with contextlib.suppress(ProcessLookupError):
                if alive(each.pid):
                    os.kill(each.pid, number)
        limit = time.monotonic() + END_WITHIN_S
        while any(alive(each.pid) for each in processes) and time.monotonic() < limit:
            time.sleep(0.05)


def run(command: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> Outcome:
    """Run a command on our own terminal and streams.

    Ctrl-C reaches it by the terminal. What is sent to us alone, and our death, is passed on as an interrupt,
    upon which Pulumi awaits what runs, begins nothing new and writes its state.
    """
    child = subprocess.Popen(command, cwd=cwd, env=dict(environment), preexec_fn=_interruptible())
    interrupted = False

    def pass_on(number: int, _: object) -> None:
        nonlocal interrupted
        interrupted = True
        from_terminal = number == signal.SIGINT and sys.stdin.isatty()
        if not from_terminal and child.poll() is None:
            child.send_signal(signal.SIGINT)

    before = {number: signal.signal(number, pass_on) for number in ENDING}
    try:
        code = child.wait()
        return Outcome(code or (INTERRUPTED if interrupted else 0), interrupted)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interruptible() -> Callable[[], None]:
    """For the child: our death interrupts it, and it heeds that where our shell doesn't (`make up &`)."""
    # Found before the fork, after which little may be done.
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

    def prepare() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if prctl:
            prctl(PR_SET_PDEATHSIG, signal.SIGINT)

    return prepare


def _owns(owner: int, pid: int, proc: Path) -> bool:
    """Whether `owner` is alive and older than `pid`: a younger one only got the number again."""
    return alive(owner, proc) and int(_stat(owner, proc)[19]) <= int(_stat(pid, proc)[19])


def _stat(pid: int, proc: Path) -> list[str]:
    """The fields of /proc/PID/stat from the state on; empty when there is no such process."""
    try:
        return (proc / str(pid) / "stat").read_text().rpartition(") ")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _environment(folder: Path) -> dict[str, str]:
    try:
        text = (folder / "environ").read_bytes().decode(errors="replace")
    except OSError:
        return {}
    return dict(item.split("=", 1) for item in text.split("\0") if "=" in item)
