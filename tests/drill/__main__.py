"""`python -m tests.drill`: every case of tests/lab on the lab, first without the data tier, then with it.

Run by `make drill`, which sets the environment up. Goes on where the last drill of this commit stopped.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from lab.calibration import calibration_s
from tests.drill import record
from tests.drill.report import Origin, merged, parse, render, tables_of
from tests.lab.topics import files

REPORT = record.ROOT / "docs" / "drills.md"
#: Said by the operator, or these.
MATRIX = {"INTERRUPTION_ROUNDS": "10", "LIFECYCLE_SEQUENCES": "20", "PREVIEWS": "20"}
#: What a stage leaves out of the lab, and which cases it runs.
STAGES = (("stateful", "not data_tier"), ("", "data_tier"))
NOTHING_LEFT = 5


def main(
    only: Annotated[str, typer.Option(help="topics, with commas between them; all by default")] = "",
    again: Annotated[bool, typer.Option(help="forget what this commit's drills have done")] = False,
) -> None:
    """Run the drill and write docs/drills.md; ends with 1 when a case failed."""
    paths = chosen(only)
    commit = commit_name()
    path = record.FOLDER / f"{commit}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    if again:
        path.unlink(missing_ok=True)
    environment = {**MATRIX, **os.environ, record.VARIABLE: str(path)}
    environment.pop("MAKEFLAGS", None)
    origin = Origin(commit, calibration_s())
    print(f"== drill of {commit}: the fixed loop takes {origin.calibration_s:.2f} s here", flush=True)
    try:
        codes = [stage(without, marker, paths, environment) for without, marker in STAGES]
    finally:
        write_report(path, origin, whole=not only)
        print("== the lab is put back as it is declared", flush=True)
        make_up(environment, check=False)
    raise typer.Exit(1 if any(codes) else 0)


def chosen(only: str) -> list[Path]:
    """Return the files of the topics named, or of all. Raises BadParameter for a name that is none."""
    known, names = files(), [name.strip() for name in only.split(",") if name.strip()]
    if unknown := [name for name in names if name not in known]:
        raise typer.BadParameter(f"no topic {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[name] for name in names or known]


def commit_name(report: Path = REPORT) -> str:
    """The commit's short name, with -dirty when the checkout differs from it in more than the report."""
    besides = f":!{report.relative_to(record.ROOT)}"  # git takes no absolute path there
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", besides)
    return git("rev-parse", "--short", "HEAD") + ("-dirty" if changed else "")


def git(*arguments: str) -> str:
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=record.ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def stage(without: str, marker: str, paths: Sequence[Path], environment: dict[str, str]) -> int:
    """Run the cases that are left of a stage, on a lab made for it; 0 when none failed."""
    tests = ["-m", "pytest", "-p", "tests.drill.plugin", "-m", marker, *map(str, paths)]
    command = [sys.executable, *tests]
    asked = [*command, "--collect-only", "-qq"]
    collected = subprocess.run(asked, cwd=record.ROOT, env=environment, capture_output=True, text=True)
    if collected.returncode == NOTHING_LEFT:
        return 0
    if collected.returncode:
        print(collected.stdout + collected.stderr, flush=True)
        return collected.returncode
    print(
        f"== the lab, {'without its ' + without + ' services' if without else 'with its data tier'}",
        flush=True,
    )
    lab = {**environment, "LAB_WITHOUT": without}
    make_up(lab, check=True)
    return subprocess.run(command, cwd=record.ROOT, env=lab).returncode


def make_up(environment: dict[str, str], check: bool) -> None:
    subprocess.run(["make", "--no-print-directory", "up"], cwd=record.ROOT, env=environment, check=check)


def write_report(path: Path, origin: Origin, whole: bool) -> None:
    """Write the tables; a drill of some topics leaves the other rows as they are."""
    tables = tables_of(record.read(path).values(), origin)
    if not whole and REPORT.exists():
        tables = merged(parse(REPORT.read_text()), tables)
    REPORT.write_text(render(tables, files()))
    print(f"== written: {REPORT.relative_to(record.ROOT)}", flush=True)


if __name__ == "__main__":
    typer.run(main)
