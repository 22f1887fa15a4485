"""RabbitMQ: what a member does at its start, over every combination of what it can see: decide.sh."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

DECIDE = (Path(__file__).parents[2] / "configs/services/rabbitmq/server/decide.sh").read_text()
MEMBERS = ("rabbitmq-1", "rabbitmq-2", "rabbitmq-3")


@dataclass(frozen=True)
class Seen:
    """What one member sees; `states` of the others, in the order of the members."""

    me: str
    has_data: bool
    states: tuple[str, ...]

    @property
    def others(self) -> dict[str, str]:
        return dict(zip((name for name in MEMBERS if name != self.me), self.states, strict=True))

    def shell(self) -> str:
        states = " ".join(f"[{name}]={state}" for name, state in self.others.items())
        has_data = "yes" if self.has_data else ""
        return f'ME={self.me} HAS_DATA={has_data} STATE=({states}); decide; echo "$ACTION"'


def every_case() -> Iterator[Seen]:
    for me, has_data, states in itertools.product(
        MEMBERS, (True, False), itertools.product(("data", "empty", "unknown"), repeat=2)
    ):
        yield Seen(me, has_data, states)


def actions(cases: list[Seen], text: str = DECIDE) -> list[str]:
    """The action of each case, decided by one bash that can start no program and has no network."""
    begin = f"PATH=/nowhere\nMEMBER_NAMES=({' '.join(MEMBERS)})\ndeclare -A STATE\n"
    lines = "\n".join(case.shell() for case in cases)
    done = subprocess.run(
        ["bash", "-u"], input=f"{begin}{text}\n{lines}\n", capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


CASES = list(every_case())
DECIDED = dict(zip(CASES, actions(CASES), strict=True))


def faults(decided: dict[Seen, str]) -> list[str]:
    """What must never be, whatever a member sees."""
    found = []
    for case, action in decided.items():
        verb, _, what = action.partition(" ")
        if (verb == "start") != case.has_data:
            found.append(f"{case}: {action}: a server runs on its own volume exactly if that has data")
        if verb == "found" and set(case.states) != {"empty"}:
            found.append(f"{case}: {action}: somebody may have data")
        if verb == "join" and case.others.get(what) != "data":
            found.append(f"{case}: {action}: who is joined has no data")
        if verb == "wait" and "data" in case.states:
            found.append(f"{case}: {action}: somebody could be joined")
    founders = {case.me for case, action in decided.items() if action == "found"}
    if founders != {MEMBERS[0]}:
        found.append(f"founders: {founders}")
    return found


def test_nobody_founds_a_second_cluster_and_nobody_waits_for_nothing() -> None:
    assert len(DECIDED) == 54
    assert faults(DECIDED) == []


def test_all_empty_members_come_to_one_cluster() -> None:
    begin = [DECIDED[Seen(me, False, ("empty", "empty"))] for me in MEMBERS]
    assert begin == ["found", *["wait all members are empty: rabbitmq-1 founds the cluster"] * 2]
    assert DECIDED[Seen("rabbitmq-2", False, ("data", "empty"))] == "join rabbitmq-1"
    assert DECIDED[Seen("rabbitmq-3", False, ("data", "empty"))] == "join rabbitmq-1"


def test_an_emptied_first_member_joins_and_never_founds_while_others_cannot_be_seen() -> None:
    assert DECIDED[Seen("rabbitmq-1", False, ("unknown", "data"))] == "join rabbitmq-3"
    waiting = DECIDED[Seen("rabbitmq-1", False, ("empty", "unknown"))]
    assert waiting == "wait this volume is empty, and who may have data can't be asked: rabbitmq-3"


@pytest.mark.parametrize(
    ("rule", "instead"),
    [
        ("[[ -z $HAS_DATA ]] || return 0", ":"),
        ('[[ $name != "$ME" ]] || continue', '[[ $name != "$ME" ]] || { STATE[$name]=data; }'),
        ('unknown) unknown+=" $name" ;;', "unknown) ;;"),
        ('ACTION="join $name"\n        return 0', 'ACTION="join $name"'),
        ('[[ $ME == "${MEMBER_NAMES[0]}" ]]', "true"),
    ],
)
def test_each_rule_is_needed(rule: str, instead: str) -> None:
    assert rule in DECIDE
    decided = dict(zip(CASES, actions(CASES, DECIDE.replace(rule, instead)), strict=True))
    assert faults(decided)
