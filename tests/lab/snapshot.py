"""All of a host that a run could write, to compare before and after."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from components.topology import Plan
from tests.lab.nodes import on_node

#: A task waits five seconds before it is started again, and takes some to be stopped.
STILL_S = 10
SCRIPT = Path(__file__).with_suffix(".sh")


def snapshot(plan: Plan) -> dict[str, str]:
    """By node; equal when nothing was written in between."""
    names = [node.name for node in plan.settings.nodes]
    with ThreadPoolExecutor(len(names)) as pool:
        texts = pool.map(lambda name: on_node(plan.settings, name, SCRIPT.read_text()), names)
        return dict(zip(names, texts, strict=True))


def written(plan: Plan, before: dict[str, str]) -> list[str]:
    """Lines that came (+) and went (-), each with its node; nothing when nothing was written."""
    found = []
    for name, text in snapshot(plan).items():
        now, then = {*text.splitlines()}, {*before[name].splitlines()}
        found += [f"{name}: + {line}" for line in sorted(now - then)]
        found += [f"{name}: - {line}" for line in sorted(then - now)]
    return found


def at_rest(plan: Plan) -> dict[str, str]:
    """What is on the hosts, once tasks of a node that left or came back have moved."""
    limit = time.monotonic() + 120
    seen = snapshot(plan)
    time.sleep(STILL_S)
    while moved := written(plan, seen):
        assert time.monotonic() < limit, f"tasks move on and on: {moved}"
        seen = snapshot(plan)
        time.sleep(STILL_S)
    return seen
