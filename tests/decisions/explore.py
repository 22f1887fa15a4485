"""Every state that a model can reach, one event at a time, and the shortest way to a broken rule."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import TypeVar

State = TypeVar("State", bound=Hashable)
T = TypeVar("T")


@dataclass(frozen=True)
class Explored:
    """What was found. fault: the broken rule; way: the events that lead to it; empty when none is."""

    states: int
    fault: str = ""
    way: tuple[str, ...] = ()


def explore(
    start: State,
    events: Callable[[State], Iterable[tuple[str, State]]],
    broken: Callable[[State], str],
    limit: int = 3_000_000,
) -> Explored:
    """Breadth first. events: what may happen next, by name; broken: the rule that a state breaks, or nothing.

    Raises RuntimeError beyond `limit` states: what is not explored whole proves nothing.
    """
    came_from: dict[State, tuple[State, str] | None] = {start: None}
    waiting = deque([start])
    while waiting:
        state = waiting.popleft()
        if fault := broken(state):
            return Explored(len(came_from), fault, _way(came_from, state))
        for name, following in events(state):
            if following not in came_from:
                came_from[following] = (state, name)
                waiting.append(following)
        if len(came_from) > limit:
            raise RuntimeError(f"more than {limit} states; make the model smaller")
    return Explored(len(came_from))


def _way(came_from: dict[State, tuple[State, str] | None], state: State) -> tuple[str, ...]:
    names = []
    while step := came_from[state]:
        state, name = step
        names.append(name)
    return tuple(reversed(names))


def put(values: tuple[T, ...], place: int, value: T) -> tuple[T, ...]:
    """The values with another one at this place: what an event does to one member."""
    return (*values[:place], value, *values[place + 1 :])
