"""Every service with a `role` hook under ledgers of acknowledged writes, all at the same time: whatever dies,
nothing acknowledged is lost and writes are accepted again in time.

What differs is in the services' folders: tests/lab/kit.py. Of a variant that promises nothing, what is lost
is counted and printed.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import pytest

from lab.model import NODES
from tests.lab import faults
from tests.lab.kit import KitFile
from tests.lab.measure import measured
from tests.lab.nodes import lab
from tests.lab.runner import BUSY, ROOT, Tree, until
from tests.lab.stores import Store, wait_whole
from tests.lab.topics import cases
from tests.lab.writer import Ledgers, Place, read_back

COLD_START_S = 180
#: So many services at a time: more ledgers than theirs keep two cores busy by themselves.
AT_ONCE = 3
#: A load average below this is no more what the test before left to do.
CALM, CALM_LIMIT_S = 20, 60
pytestmark = [pytest.mark.data_tier, pytest.mark.timeout(1500)]


@pytest.fixture
def write(stores: list[Store], place: Place) -> Write:
    """Ledgers of every store, or some, under a name of this run."""

    def ledgers(run: str, of: Iterable[Store] = stores) -> Ledgers:
        clients = [client for store in of for client in store.kit.clients]
        return Ledgers(place, clients, f"{run}{random.randrange(16**8):08x}")

    return ledgers


class Write(Protocol):
    def __call__(self, run: str, of: Iterable[Store] = ...) -> Ledgers: ...


def calm() -> None:
    """Wait until this machine has done what a test before left to do, no longer than CALM_LIMIT_S."""
    began = time.monotonic()
    while os.getloadavg()[0] > CALM and time.monotonic() - began < CALM_LIMIT_S:
        time.sleep(2)


def few_at_a_time(stores: list[Store]) -> Iterator[list[Store]]:
    """The stores in groups, each once the machine is calm."""
    for first in range(0, len(stores), AT_ONCE):
        calm()
        yield stores[first : first + AT_ONCE]


def limits(stores: Iterable[Store], limit: Callable[[KitFile], float]) -> dict[str, float]:
    """A limit of the kits, by ledger; nothing is asserted about those that promise nothing."""
    return {
        client.name: limit(store.kit.file)
        for store in stores
        for client in store.kit.clients
        if client.promised
    }


def tell_gaps(what: str, gaps: Mapping[str, float], **figures: float) -> None:
    """How long after the fault each ledger's first write was accepted."""
    measured(what, **{f"{name}_s": gap for name, gap in gaps.items()}, **figures)


def check(ledgers: Ledgers) -> None:
    for name, end in ledgers.ends.items():
        measured(f"ledger of {name}", acknowledged=end["acknowledged"], lost=end["lost"])
    for client in ledgers.clients:
        end = ledgers.ends[client.name]
        assert end["acknowledged"] > client.writes, (client.name, end)
        assert end["foreign"] == 0, (client.name, end)
        assert end["lost"] == 0 or not client.promised, (client.name, end)


def late(gaps: Mapping[str, float], allowed: Mapping[str, float]) -> dict[str, float]:
    """Gaps beyond BUSY times their target; one that only misses its target is told."""
    for name, gap in gaps.items():
        if gap > allowed.get(name, gap):
            print(f"MISSED: {name} {gap:.1f} s, its target is {allowed[name]:.0f} s")
    return {name: gap for name, gap in gaps.items() if gap > BUSY * allowed.get(name, gap)}


def test_a_cold_start_of_all_nodes_brings_everything_back_without_a_hand(
    stores: list[Store], write: Write, place: Place
) -> None:
    settings = stores[0].settings
    with write("before") as before:
        time.sleep(10)
    check(before)
    names = [node.name for node in NODES]
    for name in names:
        lab("stop-node", name, "--kill")
    began = time.monotonic()
    random.shuffle(names)
    starting = []
    for name in names:
        line = [sys.executable, "-m", "lab", "start-node", name]
        starting.append(subprocess.Popen(line, cwd=ROOT, stdout=subprocess.DEVNULL))
        time.sleep(2)
    assert [process.wait(120) for process in starting] == [0] * len(names)
    wait_whole(stores, settings, COLD_START_S)
    took_s = time.monotonic() - began
    held = read_back(place, before.clients, before.run)
    calm()
    with write("after") as after:
        time.sleep(10)
    measured(f"cold start in the order {' '.join(names)}", converged_s=took_s, **held)
    check(after)
    assert {name: held[name] - end["present"] for name, end in before.ends.items()} == dict.fromkeys(held, 0)
    assert took_s <= COLD_START_S


@dataclass(frozen=True)
class AllAtOnce:
    """What was seen while a fault was done to all leaders at once; `leaders` by store."""

    leaders: Mapping[str, str]
    gaps_s: Mapping[str, float]
    whole_s: float
    ledgers: Ledgers


def harm_all_leaders(
    fault: Callable[[Store, str], None], stores: list[Store], ledgers: Ledgers, watched_s: float
) -> AllAtOnce:
    """Whichever members lead: a preferred one that led no more may take over at any moment."""
    with ledgers:
        time.sleep(3)
        leaders = {store.name: store.leader() for store in stores}
        since = time.time()
        with ThreadPoolExecutor(len(stores)) as pool:
            list(pool.map(lambda store: fault(store, leaders[store.name]), stores))
        time.sleep(watched_s)
        until_s = time.time()
        whole_s = watched_s + wait_whole(stores, stores[0].settings)
    return AllAtOnce(leaders, ledgers.gaps_s(since, until_s), whole_s, ledgers)


@pytest.mark.parametrize("name", cases(faults.OF_LEADERS, tested=[faults.KILL]))
def test_leaders_of_stores_go_at_once(name: str, stores: list[Store], write: Write) -> None:
    missed: dict[str, float] = {}
    for few in few_at_a_time(stores):
        wait_whole(few, few[0].settings)
        before = {store.name: store.start_times() for store in few}
        seen = harm_all_leaders(faults.OF_LEADERS[name], few, write("leaders", few), watched_s=20)
        tell_gaps(f"{name}, at once", seen.gaps_s, converged_s=seen.whole_s)
        check(seen.ledgers)
        after = {store.name: store.start_times() for store in few}
        ended = [each for each, leader in seen.leaders.items() if after[each][leader] > before[each][leader]]
        assert ended == list(seen.leaders), "no fault happened"
        missed |= late(seen.gaps_s, limits(few, lambda kit: kit.first_write_s))
    assert missed == {}


@pytest.mark.parametrize("name", cases(faults.FREEZES, tested=[faults.FREEZE]))
def test_leaders_that_are_frozen_and_go_on_lose_nothing(name: str, stores: list[Store], write: Write) -> None:
    """The others elect; then there is one leader too many, which must neither write nor be written to."""
    missed: dict[str, float] = {}
    for few in few_at_a_time(stores):
        wait_whole(few, few[0].settings)
        seen = harm_all_leaders(faults.FREEZES[name], few, write("frozen", few), watched_s=10)
        told = f"{name} for {faults.FROZEN_S} s, of leaders at once"
        tell_gaps(told, seen.gaps_s, converged_s=seen.whole_s)
        check(seen.ledgers)
        missed |= late(seen.gaps_s, limits(few, lambda kit: kit.frozen_s))
    assert missed == {}


@pytest.mark.drill
@pytest.mark.parametrize("name", faults.OF_NODES)
def test_the_node_of_each_leader_goes_one_after_the_other(
    name: str, stores: list[Store], write: Write
) -> None:
    """Led as preferred: the ledgers run on a node that is nobody's then, and must not go with a leader."""
    settings = stores[0].settings
    wait_whole(stores, settings, as_preferred=True)
    missed: dict[str, Any] = {}
    leading = {store.name: store.homes[store.leader()] for store in stores}
    with write("nodes") as ledgers:
        for name_of_store, node in leading.items():
            time.sleep(3)
            since = time.time()
            faults.OF_NODES[name](settings, node)
            time.sleep(5)
            until_s = time.time()
            whole_s = wait_whole(stores, settings)
            gaps = ledgers.gaps_s(since, until_s)
            tell_gaps(f"{name}, {node} with {name_of_store}'s leader", gaps, converged_s=whole_s + 5)
            allowed = limits(stores, lambda kit: kit.first_write_s)
            missed |= {f"{node} {ledger}": gap for ledger, gap in late(gaps, allowed).items()}
    check(ledgers)
    assert missed == {}


def led_by_another(store: Store) -> bool:
    return any(role == "PRIMARY" for member, role in store.roles().items() if member != store.preferred)


def test_the_preferred_members_lead_again_after_a_while(stores: list[Store]) -> None:
    """The one test that waits for it. A killed member may be back before an election: these are stopped."""

    def hand_over(store: Store) -> None:
        if store.leader() == store.preferred:
            faults.stop(store, store.preferred)
            until(partial(led_by_another, store), 60, f"another than {store.preferred} leads")

    preferring = [store for store in stores if store.kit.file.prefers_first]
    with ThreadPoolExecutor(len(stores)) as pool:
        list(pool.map(hand_over, preferring))
    took_s = wait_whole(stores, stores[0].settings, as_preferred=True)
    measured("the preferred members lead again", after_s=took_s)


def test_whatever_was_done_to_nodes_and_leaders_nothing_differs_from_its_declaration(checkout: Tree) -> None:
    assert checkout.changes() == {}


def test_a_changed_setting_rolls_through_members_one_at_a_time_and_the_writer_goes_last(
    stores: list[Store], write: Write, last: Tree
) -> None:
    """Nothing comes after it but the official plugins, which begin with what it leaves."""
    settings = stores[0].settings
    wait_whole(stores, settings, as_preferred=True)
    for store in stores:
        change = store.kit.file.change
        last.edit(str((store.kit.folder / change.file).resolve().relative_to(ROOT)), change.old, change.new)
    members = {member for store in stores for member in store.homes}
    assert {name for name, op in last.changes().items() if op == "update"} == members
    with write("roll") as ledgers:
        since = time.time()
        done = last.up()
        time.sleep(3)
        until_s = time.time()
    gaps = ledgers.gaps_s(since, until_s)
    tell_gaps("a changed setting rolls", gaps, up_s=done.seconds)
    assert done.code == 0, done.text
    check(ledgers)
    for store in stores:
        started = store.start_times()
        assert sorted(started, key=lambda member: started[member]) == list(reversed(store.homes)), started
    assert late(gaps, limits(stores, lambda kit: kit.roll_s)) == {}
    assert last.changes() == {}
