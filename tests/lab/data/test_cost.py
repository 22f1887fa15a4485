"""An environment that nobody uses rests."""

from __future__ import annotations

import time

import pytest

from lab import cost
from lab import folder as folders
from tests.lab.measure import measured
from tests.lab.stores import Store, wait_whole

SECONDS = 45
#: For what a test before has left to do: failbacks, removed tasks, a backup at the start.
SETTLE_S = 60
#: What was reached (docs/benchmarks.md), half as much again.
PROCESSES_PER_S = {"stores": 1.5 * 27, "all": 1.5 * 40}
LOOPS_PER_S = {"stores": 1.5 * 1.0, "all": 1.5 * 3.7}
STORES = 3
pytestmark = [pytest.mark.data_tier, pytest.mark.timeout(900)]


def test_an_idle_lab_starts_few_processes_and_burns_little(stores: list[Store]) -> None:
    wait_whole(stores, stores[0].settings, as_preferred=True)
    time.sleep(SETTLE_S)
    lab = folders.load(folders.OWN)
    assert lab
    seen = cost.measure(lab, SECONDS)
    dearest = dict(sorted(seen.cpu.items(), key=lambda item: -item[1])[:6])
    measured(
        "idle",
        processes_per_s=seen.processes_per_s,
        cores=seen.cores,
        loops_per_s=seen.loops_per_s,
        memory_mib=sum(seen.memory_mib.values()),
    )
    what = "all" if len(stores) > STORES else "stores"
    assert seen.processes_per_s <= PROCESSES_PER_S[what], dearest
    assert seen.loops_per_s <= LOOPS_PER_S[what], dearest
