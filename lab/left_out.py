"""Services that this lab does without, and what needs them: told so, or no image of them can be had here.

LAB_WITHOUT="mysql redis" leaves services out for as long as it is said at `lab up`.
Why: docs/decisions/0015-services-that-are-off.md
"""

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import yaml

from lab.build import NotToBeHadError
from lab.catalog import Image
from lab.progress import say
from lab.shell import LabError

SERVICES = Path(__file__).parent.parent / "configs" / "services"
WITHOUT = "LAB_WITHOUT"
NO_IMAGE = "no image can be had here"
Reasons = dict[str, str]
"""Service to why it is left out, as the stack file, the table and the tests tell it."""


def not_wanted() -> Reasons:
    """Return what LAB_WITHOUT leaves out, dependents included. Raises LabError for an unknown name."""
    named, needs = os.environ.get(WITHOUT, "").split(), read_needs(SERVICES)
    if strangers := [name for name in named if name not in needs]:
        raise LabError(f"{WITHOUT}: no service {', '.join(strangers)}; there are {', '.join(needs)}")
    return with_dependents(dict.fromkeys(named, f"{WITHOUT} says so"), needs)


def needed(images: Iterable[Image], left_out: Reasons) -> list[Image]:
    """Return the images less those that only services left out, or tests of them, run; bases stay first."""
    kept: list[Image] = []
    bases: set[str] = set()
    for image in reversed(list(images)):
        users = image.services or image.file.tests
        idle = bool(users) and left_out.keys() >= set(users)
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


def declared_services(folder: Path) -> dict[str, dict[str, Any]]:
    """Return every service.yaml below the folder as it lies, by the service's name."""
    return {
        file.parent.name: yaml.safe_load(file.read_text()) or {} for file in folder.glob("*/service.yaml")
    }


def read_needs(folder: Path) -> dict[str, tuple[str, ...]]:
    """Return every declared service and what it needs; what else is wrong with a file the program says."""
    return {name: tuple(each.get("needs") or ()) for name, each in sorted(declared_services(folder).items())}
