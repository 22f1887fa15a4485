"""Which change of the managers may follow which: pure, and true of every step's worst outcome.

Swarm's managers decide by majority (Raft): of n voters, n // 2 + 1 must be up.
https://docs.docker.com/engine/swarm/admin_guide/#maintain-the-quorum-of-managers
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Step:
    """One change of the voters: `admit` joins or promotes, `dismiss` demotes or removes."""

    change: Literal["admit", "dismiss"]
    name: str


def majority(voters: int) -> int:
    """How many of `voters` must be up."""
    return voters // 2 + 1


def steps(
    voters: Mapping[str, bool], wanted: Sequence[str], known: Collection[str], wiped: Collection[str] = ()
) -> tuple[Step, ...]:
    """What the program does, in its order, to get from the voters seen to those wanted.

    voters: name to whether it is up, as the swarm lists its managers.
    wanted: managers as declared, in their order.
    known: every node that is in the swarm; one that isn't joins, one that is gets promoted.
    wiped: wanted managers that have lost their swarm: the former self votes until it is dismissed.
    """
    joining = [name for name in wanted if name in wiped or (name not in voters and name not in known)]
    promoted = [name for name in wanted if name not in voters and name in known and name not in wiped]
    leaving = sorted((name for name in voters if name not in wanted), key=lambda name: not voters[name])
    return (
        *(step for name in joining for step in _admission(name, voters)),
        *(Step("admit", name) for name in promoted),
        *(Step("dismiss", name) for name in leaving),
    )


def _admission(name: str, voters: Mapping[str, bool]) -> Iterator[Step]:
    if name in voters:
        yield Step("dismiss", name)
    yield Step("admit", name)


def first_danger(voters: Mapping[str, bool], planned: Sequence[Step]) -> tuple[Step, int, int] | None:
    """The first step that could cost the quorum, with the voters after it and those surely up; None if none.

    A newcomer counts as down, since it may fail as it joins; beside a lone manager that can't be helped.
    """
    total, up = len(voters), sum(voters.values())
    living = dict(voters)
    for step in planned:
        if step.change == "admit":
            if total > 1 and up < majority(total + 1):
                return step, total + 1, up
            living[step.name] = True
            total, up = total + 1, up + 1
        else:
            up -= living.pop(step.name)
            total -= 1
            if total == 0 or up < majority(total):
                return step, total, up
    return None
