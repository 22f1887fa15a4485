"""The order that the swarm's steps keep to, and what keeping it costs: each waits for few, and so for all."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.reading import read
from components.remote import Host
from components.swarm import Swarm
from tests.bench.synthetic import Size, environment, facts_of
from tests.bench.trial import declared, judge

Waits = dict[str, set[str]]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Waits:
    """The steps that each step names to wait for, filled as they are declared."""
    found: Waits = {}
    original = Host.run

    def run_and_note(host: Host, name: str, *arguments: Any, **named: Any) -> Any:
        options: Any = next(item for item in arguments if isinstance(item, pulumi.ResourceOptions))
        found[name] = {item._name for item in options.depends_on or []}
        return original(host, name, *arguments, **named)

    monkeypatch.setattr(Host, "run", run_and_note)
    return found


def after(name: str, waits: Waits) -> set[str]:
    """All that comes before a step."""
    found: set[str] = set()
    left = [name]
    while left:
        new = waits.get(left.pop(), set()) - found
        found |= new
        left += new
    return found


def test_a_node_joins_after_every_firewall_and_services_come_after_every_node(
    waits: Waits, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ready: list[str] = []
    original = Swarm.__init__

    def init_and_note(swarm: Swarm, *arguments: Any, **named: Any) -> None:
        original(swarm, *arguments, **named)
        ready.extend(resource._name for resource in swarm.ready)

    monkeypatch.setattr(Swarm, "__init__", init_and_note)
    declare_all(Size(5, 1), tmp_path)
    nodes = [f"node-{number}" for number in range(1, 6)]
    for node in nodes:
        assert {f"{other}-firewall" for other in nodes} <= after(f"{node}-join", waits)
    before = {*ready}.union(*(after(name, waits) for name in ready))
    assert {f"{node}-{step}" for node in nodes for step in ("join", "labels")} <= before
    assert "swarm-settings" in before
    assert len(ready) == 2


def test_declaring_twice_as_much_takes_twice_the_work(tmp_path: Path) -> None:
    work(Size(5, 1), tmp_path / "first")  # what is made once
    one, twice = work(Size(8, 8), tmp_path / "one"), work(Size(16, 16), tmp_path / "twice")
    assert twice < 2.2 * one


def declare_all(size: Size, folder: Path) -> None:
    raw = environment(size, folder)
    reading = read(raw, folder / "services", folder / "secrets.yaml")
    declared(reading, judge(reading, facts_of(size)), dict(raw.secrets))


def work(size: Size, folder: Path) -> int:
    """How many functions are entered to declare an environment of that size, Pulumi's own among them."""
    folder.mkdir()
    count = 0

    def note(_frame: object, event: str, _: object) -> None:
        nonlocal count
        count += event == "call"

    raw = environment(size, folder)
    reading = read(raw, folder / "services", folder / "secrets.yaml")
    observed = judge(reading, facts_of(size))
    sys.setprofile(note)
    try:
        declared(reading, observed, dict(raw.secrets))
    finally:
        sys.setprofile(None)
    return count
