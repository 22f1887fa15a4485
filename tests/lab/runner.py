"""Runs the real program: in the checkout, or in a copy of it that a test may edit."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.measure import measured

ROOT = Path(__file__).resolve().parents[2]
STACK = "lab"
#: Two cores, shared with others: a missed target is said; this many times the target fails.
BUSY = 1.5
#: Steps of a preview that change nothing.
QUIET = ("same", "refresh", "read")


@dataclass(frozen=True)
class Run:
    """One finished command: exit code, both streams together, seconds."""

    code: int
    text: str
    seconds: float

    @property
    def said(self) -> str:
        """What a person would read of it: from its diagnostics on, without progress and outputs."""
        told = self.text.partition("\nDiagnostics:")[2] or self.text
        told = told.partition("\nOutputs:")[0]
        progress = ("refresh", "@ updating", "@ previewing", "@ destroying", "@ deleting")
        lines = [line for line in told.splitlines() if not any(word in line for word in progress)]
        return "\n".join(list(filter(str.strip, lines))[-40:])


@dataclass(frozen=True)
class Tree:
    """A checkout (or an edited copy) in which `pulumi` is run on the lab's stack."""

    root: Path
    environment: Mapping[str, str]

    def pulumi(self, *arguments: str, timeout_s: int = 900) -> Run:
        return self._run(["pulumi", "--non-interactive", *arguments], timeout_s)

    def ops(self, *arguments: str) -> Run:
        """`python -m ops …` on the lab's stack."""
        return self._run([sys.executable, "-m", "ops", *arguments], 600)

    def _run(self, command: list[str], timeout_s: int) -> Run:
        began = time.monotonic()
        done = subprocess.run(
            [*command, "--stack", STACK],
            cwd=self.root,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
        )
        return Run(done.returncode, done.stdout, time.monotonic() - began)

    def up(self) -> Run:
        return self.pulumi("up", "--yes", "--skip-preview")

    def preview(self, *arguments: str) -> Run:
        return self.pulumi("preview", *arguments)

    def changes(self) -> dict[str, str]:
        """What a preview would do: logical name to operation, unchanged resources left out."""
        done = self.preview("--json")
        assert done.code == 0, done.text
        steps = json.loads(done.text[done.text.index("{") :])["steps"]
        return {step["urn"].rpartition("::")[2]: step["op"] for step in steps if step["op"] not in QUIET}

    def give(self, name: str, value: str) -> None:
        """Set a secret, its value by stdin."""
        path = f"platform-beta:secrets.{name}"
        subprocess.run(
            ["pulumi", "config", "set", "--stack", STACK, "--secret", "--path", path],
            cwd=self.root,
            env=dict(self.environment),
            input=value,
            text=True,
            check=True,
            capture_output=True,
        )

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.root / path
        text = file.read_text()
        assert old in text, f"{old!r} is not in {path}"
        file.write_text(text.replace(old, new, 1))


def until(holds: Callable[[], bool], limit_s: float, what: str) -> float:
    """Seconds that it took; fails, saying what was waited for, when the time is up."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < limit_s, f"{what}: not within {limit_s} s"
        time.sleep(0.5)
    return time.monotonic() - began


def fast_enough(what: str, times: Iterable[float], target_s: float) -> None:
    """Tell the seconds of some runs; the fastest counts, as it is the program's own time."""
    ordered = sorted(times)
    fastest, slowest = ordered[0], ordered[-1]
    measured(what, runs=len(ordered), fastest_s=fastest, slowest_s=slowest, target_s=target_s)
    if fastest > target_s:
        print(f"MISSED: {what} {fastest:.2f} s, its target is {target_s:g} s")
    assert fastest <= BUSY * target_s, f"{what}: {fastest:.2f} s, its target is {target_s:g} s"


def environment(**given: str) -> dict[str, str]:
    """What `eval "$(make -s env)"` gives a shell; `given`: variables besides, such as PLUGINS."""
    script = 'eval "$(lab/toolchain.sh env lab)" && env -0'
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=ROOT,
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(item.split("=", 1) for item in done.stdout.split("\0") if item)


def checkout_files() -> list[Path]:
    """The tracked and new files and the stack file, below ROOT."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    names = [*filter(None, listed.split("\0")), "Pulumi.lab.yaml"]
    return [Path(name) for name in names if (ROOT / name).is_file()]


def copy_of_the_checkout(target: Path, given: Mapping[str, str], source: Path = ROOT) -> Tree:
    """The tracked and new files, the stack file, and links to what lives once per checkout.

    source: a copy of the checkout whose edits are taken along.
    """
    for name in filter(lambda name: (source / name).is_file(), checkout_files()):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / name, target / name)
    for folder in (".tools", ".lab"):
        (target / folder).symlink_to(ROOT / folder)
    return Tree(target, given)


def summary(text: str) -> dict[str, Any]:
    """The closing lines of `pulumi up`: `5 unchanged`, `+ 2 created`, … as numbers."""
    counts: dict[str, Any] = {}
    for line in text.splitlines():
        words = line.strip().lstrip("+-~±").split()
        if (
            len(words) == 2
            and words[0].isdigit()
            and words[1] in ("created", "updated", "deleted", "replaced", "unchanged")
        ):
            counts[words[1]] = int(words[0])
    return counts
