"""No two MongoDB sets ever come about: decide.js, explored with crashes, lost disks, cuts and stale views.

MongoDB itself elects and replicates. What is ours is the first initiation, so that is what is explored: an
initiation beside data that exists would be a second history.
"""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.decisions.explore import Explored, explore, put

FILE = Path(__file__).parents[2] / "configs/services/mongodb/server/decide.js"
pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not on this machine")
MEMBERS = range(3)
KNOWS = ("nothing", "unknown", "a set")
NOBODY = -1
Table = dict[tuple[int, tuple[str, ...]], bool]

ASK = """
const { decide } = (() => { const module = { exports: {} }; SOURCE; return module.exports; })();
const wanted = { _id: "rs0", members: [0, 1, 2].map((n) => ({ host: `m${n}`, priority: 1 })), settings: {} };
const given = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(given.map(([me, knows]) => {
  const seen = knows.map((each, n) => ({ host: `m${n}`, knows: each, primary: false, why: "" }));
  return decide(wanted, `m${me}`, seen, null).do === "initiate";
})));
"""


def table(source: str) -> Table:
    """For every member and everything that it can see: whether it initiates."""
    inputs = list(itertools.product(MEMBERS, itertools.product(KNOWS, repeat=3)))
    done = subprocess.run(
        ["node", "-e", ASK.replace("SOURCE", source)],
        input=json.dumps(inputs),
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(zip(inputs, json.loads(done.stdout), strict=True))


class State(NamedTuple):
    """By member: whether its server runs, its set (0: none), and whether it has decided to initiate.

    cut: the member that nobody reaches, or NOBODY. Then what may still go wrong: crashes, lost disks, cuts.
    """

    runs: tuple[int, ...] = (1, 1, 1)
    data: tuple[int, ...] = (0, 0, 0)
    decided: tuple[int, ...] = (0, 0, 0)
    cut: int = NOBODY
    crashes: int = 6
    losses: int = 2
    cuts: int = 3


def look(state: State, me: int) -> tuple[str, ...]:
    """What every member answers."""

    def answer(other: int) -> str:
        apart = other != me and state.cut in (me, other)
        if apart or not state.runs[other]:
            return "unknown"
        return "a set" if state.data[other] else "nothing"

    return tuple(map(answer, MEMBERS))


def events(state: State, asks: Table, deciding: tuple[int, ...]) -> Iterator[tuple[str, State]]:
    for me in MEMBERS:
        if not state.runs[me]:
            yield f"{me} starts", state._replace(runs=put(state.runs, me, 1))
            if state.losses and state.data[me]:
                lost = put(state.data, me, 0)
                yield f"{me} loses its disk", state._replace(data=lost, losses=state.losses - 1)
            continue
        if state.crashes:
            down = state._replace(runs=put(state.runs, me, 0), decided=put(state.decided, me, 0))
            yield f"{me} crashes", down._replace(crashes=state.crashes - 1)
        yield from syncs(state, me)
        if me in deciding:
            yield from decisions(state, asks, me)
    if state.cut == NOBODY and state.cuts:
        for me in MEMBERS:
            yield f"{me} is cut off", state._replace(cut=me, cuts=state.cuts - 1)
    elif state.cut != NOBODY:
        yield "the cut ends", state._replace(cut=NOBODY)


def syncs(state: State, me: int) -> Iterator[tuple[str, State]]:
    """A member without data gets that of one that it reaches."""
    for other in MEMBERS:
        reached = state.runs[other] and state.cut not in (me, other)
        if not state.data[me] and state.data[other] and reached:
            yield f"{me} gets the set of {other}", state._replace(data=put(state.data, me, state.data[other]))


def decisions(state: State, asks: Table, me: int) -> Iterator[tuple[str, State]]:
    """A look decides; what was decided is done at any time later, when the view may be old."""
    answers = look(state, me)
    decided = put(state.decided, me, int(asks[me, answers]))
    yield f"{me} sees {', '.join(answers)}", state._replace(decided=decided)
    if state.decided[me]:
        done = state._replace(decided=put(state.decided, me, 0))
        if not state.data[me]:  # else the server refuses: it has a set
            done = done._replace(data=put(state.data, me, max(state.data) + 1))
        yield f"{me} initiates", done


def two_sets(state: State) -> str:
    return "two sets exist" if len({each for each in state.data if each}) > 1 else ""


def explored(source: str) -> Explored:
    asks = table(source)
    deciding = tuple(me for me in MEMBERS if any(yes for (who, *_), yes in asks.items() if who == me))
    return explore(State(), lambda state: events(state, asks, deciding), two_sets)


def test_two_sets_never_come_about() -> None:
    found = explored(FILE.read_text())
    print(f"{found.states} states")
    assert (found.fault, found.way) == ("", ())
    assert found.states > 4_000


@pytest.mark.parametrize(
    ("rule", "broken"),
    [
        ("if (silent.length > 0) return wait(", "if (false) return wait("),
        ("if (self !== wanted.members[0].host) return", "if (false) return"),
        ('seen.every((each) => each.knows !== "a set")', "true"),
    ],
)
def test_every_rule_is_needed(rule: str, broken: str) -> None:
    source = FILE.read_text()
    assert rule in source
    found = explored(source.replace(rule, broken))
    assert found.fault == "two sets exist"
    assert found.way
