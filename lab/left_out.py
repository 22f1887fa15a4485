"""Services that this lab does without, and what needs them: told so, or no image of them can be had here.

LAB_WITHOUT="db cache" leaves services out for as long as it is said at `lab up`; LAB_WITHOUT=stateful every
service that is stateful and has members.
Why: docs/decisions/0015-services-that-are-off.md
"""

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from pathlib import Path

from lab.build import NotToBeHadError
from lab.catalog import Image
from lab.declared import SERVICES, declared_services
from lab.progress import say
from lab.shell import LabError

WITHOUT = "LAB_WITHOUT"
#: Instead of the names of all services with data in members.
STATEFUL = "stateful"
NO_IMAGE = "no image can be had here"
Reasons = dict[str, str]
"""Service to why it is left out, as the stack file, the table and the tests tell it."""


def not_wanted(services: Path = SERVICES) -> Reasons:
    """Return what LAB_WITHOUT leaves out, dependents included. Raises LabError for an unknown name."""
    said, needs = os.environ.get(WITHOUT, "").split(), read_needs(services)
    named = [name for name in said if name != STATEFUL]
    if unknown := [name for name in named if name not in needs]:
        known = ", ".join([*needs, STATEFUL])
        raise LabError(f"{WITHOUT}: no service {', '.join(unknown)}; there are {known}")
    reasons = dict.fromkeys(named, f"{WITHOUT} says so")
    if STATEFUL in said:
        data = [name for name in stateful(services) if name not in reasons]
        first = [name for name in data if not {*data, *reasons} & {*needs[name]}]
        # In a circle of needs nothing is first.
        reasons |= dict.fromkeys(first or data, f"{WITHOUT} says so")
    return with_dependents(reasons, needs)


def needed(images: Iterable[Image], left_out: Reasons) -> list[Image]:
    """Return the images less those that only tests, or services left out, run; bases stay first."""
    kept: list[Image] = []
    bases: set[str] = set()
    for image in reversed(list(images)):
        idle = image.file.tests or (bool(image.services) and left_out.keys() >= set(image.services))
        unused_base = image.name.startswith("base-") and image.name not in bases
        if not idle and not unused_base:
            kept.insert(0, image)
            bases.add(image.file.base)
    return kept


def finished(images: Iterable[Image], made: Mapping[str, Future[str]]) -> tuple[dict[str, str], Reasons]:
    """Wait for all images; return image to local reference, and the services left out with their reason.

    Raises LabError for every fault but that of an optional image whose parts can't be had.
    """
    local: dict[str, str] = {}
    missing: Reasons = {}
    for image in images:
        try:
            local[image.name] = made[image.name].result()
        except NotToBeHadError as fault:
            say(f"{image.name}: left out: {NO_IMAGE}\n{fault}")
            missing |= dict.fromkeys(image.services, NO_IMAGE)
    return local, with_dependents(missing, read_needs(SERVICES))


def with_dependents(missing: Reasons, needs: Mapping[str, Iterable[str]]) -> Reasons:
    """Return `missing` and every service that can't start without one of them."""
    found = dict(missing)
    while further := {
        name: f"it needs {need}, which is left out"
        for name, needed in needs.items()
        if name not in found
        for need in needed
        if need in found
    }:
        found |= further
    return found


def stateful(folder: Path) -> list[str]:
    """Return the services that keep data in members, by name."""
    declared = declared_services(folder)
    return sorted(name for name, each in declared.items() if each.get("stateful") and each.get("members"))


def read_needs(folder: Path) -> dict[str, tuple[str, ...]]:
    """Return every declared service and what it needs; what else is wrong with a file the program says."""
    return {name: tuple(each.get("needs") or ()) for name, each in sorted(declared_services(folder).items())}
