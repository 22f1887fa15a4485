"""`python -m tests.bench.preview`: what a run with nothing to do costs on the lab, beside an empty program.

Run by `make bench-preview`, on a lab that `make up` has made and that nobody else uses meanwhile.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from tests.bench.comparison import Series, rows
from tests.bench.cost import Run, StoppedError, run
from tests.bench.document import heading, origin, table, write
from tests.bench.parts import PARTS, preview_parts
from tests.bench.subjects import KINDS, Subject, shells, subjects
from tests.drill.record import ROOT

#: Lines of a failed run that are shown.
TAIL = 30


def main(
    rounds: Annotated[int, typer.Option(min=1, help="runs of every command, in turn")] = 5,
    kinds: Annotated[str, typer.Option(help="kinds of plugins, with commas between them")] = ",".join(KINDS),
    label: Annotated[str, typer.Option(help="the section of docs/benchmarks.md to replace")] = "after",
    write_it: Annotated[bool, typer.Option("--write", help="into docs/benchmarks.md")] = False,
) -> None:
    """Measure, print the tables, and write them when asked to; ends with 1 when a run failed or changed."""
    wanted = chosen(kinds)
    try:
        section = f"### {label}\n{measured(wanted, rounds)}"
    except StoppedError as error:
        print(f"== stopped: {error}", flush=True)
        raise typer.Exit(1) from None
    print(f"\n{section}")
    if write_it:
        write(f"preview: {label}", section)


def chosen(kinds: str) -> list[str]:
    """The kinds named. Raises BadParameter for a name that is none."""
    names = [kind.strip() for kind in kinds.split(",")]
    if unknown := [name for name in names if name not in KINDS]:
        raise typer.BadParameter(f"no plugins {', '.join(unknown)}; there are {', '.join(KINDS)}")
    return names


def measured(kinds: Sequence[str], rounds: int) -> str:
    """Where it was measured, and the tables. Raises StoppedError."""
    where, found = origin(), dict(shells(kinds))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        compared = [each for kind in found for each in subjects(kind, found[kind], Path(folder) / kind)]
        count = measure(compared, rounds)
    parts = {kind: preview_parts(ROOT, shell) for kind, shell in found.items()}
    series = [Series(each.kind, each.name, each.runs) for each in compared]
    head = heading(where, f"{rounds} rounds", f"{count} resources")
    return "\n\n".join([f"{head}.", table(rows(series)), table(part_rows(parts))])


def measure(compared: Sequence[Subject], rounds: int) -> int:
    """Run every command in turn, so that a busy minute hits all alike; how many resources the stack has."""
    resources = 0
    for number in range(1, rounds + 1):
        for each in compared:
            done = run(each.command, each.cwd, each.environment)
            cost = f"{done.wall_s:.2f} s, CPU {done.cpu_s:.2f} s"
            print(f"== round {number}, {each.kind}, {each.name}: {cost}", flush=True)
            resources = max(resources, checked(each.name, done, each.quiet))
            each.runs.append(done)
    return resources


def checked(name: str, done: Run, quiet: bool) -> int:
    """How many resources the run found unchanged, 0 where it doesn't say. Raises StoppedError."""
    count = unchanged(done.text)
    if done.code or (quiet and count is None):
        why = f"exit code {done.code}" if done.code else "something changes"
        raise StoppedError("\n".join([f"{name}: {why}", *done.text.splitlines()[-TAIL:]]))
    return count or 0


def unchanged(text: str) -> int | None:
    """The number of resources of Pulumi's last summary; None when it lists a change, or there is none."""
    _, _, summary = text.rpartition("\nResources:\n")
    lines = summary.partition("\n\n")[0].splitlines()
    words = lines[0].split() if len(lines) == 1 else []
    return int(words[0]) if len(words) == 2 and words[1] == "unchanged" else None


def part_rows(parts: Mapping[str, Mapping[str, float]]) -> list[Sequence[str]]:
    """The parts of one preview on every kind of plugins, in seconds."""
    head = ("part of one pulumi preview", *(f"{kind} s" for kind in parts))
    return [head, *((name, *(f"{found[name]:.2f}" for found in parts.values())) for name in PARTS)]


if __name__ == "__main__":
    typer.run(main)
