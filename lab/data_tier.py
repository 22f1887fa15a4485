"""Services that are off unless an environment says so; LAB_DATA_TIER=1 says so for the lab.

Why there are such services: docs/decisions/0015-off-unless-enabled.md
"""

import os
from collections.abc import Iterable
from pathlib import Path

from lab.catalog import TOOLS, Image, load_images
from lab.left_out import SERVICES, declared_services

SWITCH = "LAB_DATA_TIER"
#: Needs a bucket, which only a test of it makes: tests/lab/test_66_bucket.py turns it on.
BY_TEST = frozenset({"backup-bucket"})
OFF = f"the data tier is off: {SWITCH}=1 turns it on"


def switched_on() -> bool:
    """Whether this run is told to have the services that are off otherwise."""
    return os.environ.get(SWITCH) == "1"


def turned_on() -> frozenset[str]:
    """Return the services that the lab's stack file must enable by name."""
    return off_unless_enabled(SERVICES) - BY_TEST if switched_on() else frozenset()


def off_unless_enabled(folder: Path) -> frozenset[str]:
    """Return the services that say so; what is wrong with a file the program says."""
    return frozenset(
        name for name, each in declared_services(folder).items() if each.get("off_unless_enabled")
    )


def images_of_the_lab() -> list[Image]:
    """Return the images that this lab makes: all, or those that what is on stands on."""
    images = load_images()
    return images if switched_on() else without(images, off_unless_enabled(SERVICES))


def without(images: Iterable[Image], off: frozenset[str]) -> list[Image]:
    """Return the images less those that only services in `off`, or tests of them, run; bases stay first."""
    kept: list[Image] = []
    bases: set[str] = set()
    for image in reversed(list(images)):
        idle = image.name in TOOLS or (bool(image.services) and off.issuperset(image.services))
        unused_base = image.name.startswith("base-") and image.name not in bases
        if not idle and not unused_base:
            kept.insert(0, image)
            bases.add(image.file.base)
    return kept
