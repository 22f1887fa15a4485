"""`python -m tests.bench.trial NODES SERVICES`: plan and declare a made-up environment; its cost, as JSON.

Measured are `read`, the judgement of the machines' facts, and `declare` with Pulumi's SDK, whose engine is a
mock that answers at once.
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import tempfile
import time
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pulumi
import typer

from components.drift import drift
from components.environment import declare
from components.observation import Observation, judged
from components.observe import Facts
from components.reading import Reading, read
from tests.bench.synthetic import Size, environment, facts_of


@dataclass
class Echo(pulumi.runtime.Mocks):
    """An engine that has made every resource as soon as it is declared."""

    names: list[str] = field(default_factory=list)

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.names.append(args.name)
        return f"{args.name}-id", {**args.inputs, "stdout": ""}

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        raise AssertionError(f"unexpected call {args.token}")


@dataclass(frozen=True)
class Trial:
    """What one size took: wall seconds of the parts; CPU seconds and peak memory of the whole process."""

    nodes: int
    services: int
    resources: int
    read_s: float
    judge_s: float
    declare_s: float
    cpu_s: float
    peak_mib: float

    @property
    def total_s(self) -> float:
        return self.read_s + self.judge_s + self.declare_s


def trial(size: Size, folder: Path) -> Trial:
    """Plan and declare an environment of this size; its files are written into the folder first."""
    raw, facts = environment(size, folder), facts_of(size)
    cpu_s, moments = time.process_time(), [time.perf_counter()]
    reading = read(raw, folder / "services", folder / "secrets.yaml")
    moments.append(time.perf_counter())
    observed = judge(reading, facts)
    moments.append(time.perf_counter())
    resources = declared(reading, observed, dict(raw.secrets))
    moments.append(time.perf_counter())
    read_s, judge_s, declare_s = (end - begin for begin, end in pairwise(moments))
    cpu_s = time.process_time() - cpu_s
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Trial(size.nodes, size.services, resources, read_s, judge_s, declare_s, cpu_s, peak_mib)


def judge(reading: Reading, facts: Facts) -> Observation:
    """What components/observation.py makes of facts that were gathered."""
    faults = list(judged(reading.plan, facts, acts=True))
    assert not faults, faults
    return Observation(facts, drift(reading.plan, facts), ())


def declared(reading: Reading, observed: Observation, secrets: dict[str, str]) -> int:
    """Declare every resource; their number."""
    echo = Echo()
    asyncio.set_event_loop(asyncio.new_event_loop())  # Pulumi takes the thread's
    pulumi.runtime.set_mocks(echo)

    @pulumi.runtime.test  # type: ignore[misc]
    def program() -> pulumi.Output[dict[str, Any]]:
        return pulumi.Output.all(**declare(reading, observed, secrets))

    program()
    return len(echo.names)


def main(nodes: int, services: int) -> None:
    """Print the trial as a line of JSON; the process does without garbage collection, as __main__.py does."""
    gc.disable()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        print(json.dumps(asdict(trial(Size(nodes, services), Path(folder)))))


if __name__ == "__main__":
    typer.run(main)
