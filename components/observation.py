"""What a run knows of the machines before it plans: facts, and how they differ from what is declared."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from components.drift import drift
from components.errors import ConfigurationError, Fault
from components.lifecycle import hindrances, leaderless_managers, refusals
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
    facts = facts_of_this_run(plan.settings, os.environ if locked or not acts else {})
    faults = list(judged(plan, facts, acts))
    if faults:
        raise RefusedError(faults)
    return Observation(facts, drift(plan, facts), tuple(unseen(plan, facts)))


def facts_of_this_run(settings: Settings, environment: Mapping[str, str]) -> Facts:
    """The facts that wait in the environment, or new ones, as also where managers were choosing a leader."""
    facts = gathered(settings, environment)
    if facts is None or leaderless_managers(settings, facts):
        from components.observe.over_ssh import observe  # half a second, where facts wait already

        return observe(settings)
    return facts


def judged(plan: Plan, facts: Facts, acts: bool) -> Iterable[Fault]:
    """Every fault of the machines as they were seen."""
    yield from preflight(plan, facts)
    yield from refusals(plan.settings, facts)
    if acts:
        yield from hindrances(plan.settings, facts)
