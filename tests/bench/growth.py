"""`python -m tests.bench.growth`: how time and memory of planning and declaring grow with the environment.

Every size is made up (tests/bench/synthetic.py) and runs in a process of its own (tests/bench/trial.py).
Run by `make bench-growth`; needs no lab.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from tests.bench.document import heading, origin, table, write
from tests.bench.synthetic import Size
from tests.bench.trial import Trial
from tests.drill.record import ROOT

SIZES = (Size(5, 40), Size(20, 200), Size(100, 1000))
#: Most that the largest may take; seconds of wall time.
LIMIT_S = 60.0
COLUMNS = (
    *("nodes", "services", "resources", "read s", "judge s", "declare s", "together s", "CPU s"),
    *("CPU ms a resource", "peak MiB"),
)


def main(
    write_it: Annotated[bool, typer.Option("--write", help="into docs/benchmarks.md")] = False,
) -> None:
    """Measure and print the table; ends with 1 when the largest environment takes more than a minute."""
    where = origin()
    trials = [in_a_process(size) for size in SIZES]
    section = f"{heading(where)}.\n\n{table(rows(trials))}"
    print(f"\n{section}")
    if write_it:
        write("growth", section)
    if trials[-1].total_s > LIMIT_S:
        print(f"MISSED: {trials[-1].total_s:.0f} s, the target is {LIMIT_S:g} s")
        raise typer.Exit(1)


def in_a_process(size: Size) -> Trial:
    command = [sys.executable, "-m", "tests.bench.trial", str(size.nodes), str(size.services)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    found = Trial(**json.loads(done.stdout.splitlines()[-1]))
    print(f"== {size.nodes} nodes, {size.services} services: {found.total_s:.1f} s", flush=True)
    return found


def rows(trials: Sequence[Trial]) -> list[Sequence[str]]:
    return [COLUMNS, *map(row, trials)]


def row(trial: Trial) -> tuple[str, ...]:
    counts = (trial.nodes, trial.services, trial.resources)
    seconds = (trial.read_s, trial.judge_s, trial.declare_s, trial.total_s, trial.cpu_s)
    each_ms = 1000 * trial.cpu_s / trial.resources
    return (
        *(f"{count:,}" for count in counts),
        *(f"{value:.2f}" for value in seconds),
        f"{each_ms:.1f}",
        f"{trial.peak_mib:.0f}",
    )


if __name__ == "__main__":
    typer.run(main)
