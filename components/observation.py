"""What a run knows of the machines before it plans: facts, and how they differ from what is declared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from components.drift import drift
from components.errors import ConfigurationError, Fault
from components.lifecycle import hindrances, refusals
from components.observe import Facts
from components.observe.facts_file import gathered
from components.preflight import preflight, unseen
from components.settings import Settings
from components.topology import Plan


class RefusedError(ConfigurationError):
    """The machines, as they are, don't allow this run; nothing was touched."""

    subject = "on the machines"


@dataclass(frozen=True)
class Observation:
    """Facts by node, differences in words by the resource that mends them, and what could not be seen."""

    facts: Facts
    drift: Mapping[str, str]
    unseen: tuple[str, ...]


def observation(plan: Plan, acts: bool, locked: bool = True) -> Observation:
    """Ask every node and judge. Raises RefusedError with every fault.

    acts: the run will change things, so what only a preview may pass over is a fault too. locked: nobody else
    has changed anything since the facts of this run were gathered; otherwise they are gathered now.
    """
    facts = (gathered(plan.settings) if locked or not acts else None) or _observed(plan.settings)
    faults = list(judged(plan, facts, acts))
    if faults:
        raise RefusedError(faults)
    return Observation(facts, drift(plan, facts), tuple(unseen(plan, facts)))


def _observed(settings: Settings) -> Facts:
    from components.observe.over_ssh import observe  # half a second, where facts wait already

    return observe(settings)


def judged(plan: Plan, facts: Facts, acts: bool) -> Iterable[Fault]:
    """Every fault of the machines as they were seen."""
    yield from preflight(plan, facts)
    yield from refusals(plan.settings, facts)
    if acts:
        yield from hindrances(plan.settings, facts)
