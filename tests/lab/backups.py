"""What tests of backups share: by hand through `python -m ops`, and a look into the backup task."""

from __future__ import annotations

import re

from components.topology import Plan
from tests.lab.runner import Run, Tree
from tests.lab.stores import in_container

ID = re.compile(r"\b\d{8}T\d{6}Z\b")


def make(checkout: Tree, store: str) -> tuple[str, Run]:
    """A proven backup's ID, and what was said while it was made."""
    done = checkout.ops("backup", store)
    assert done.code == 0, done.text
    return ID.findall(done.text)[-1], done


def in_task(plan: Plan, store: str, script: str) -> str:
    """What bash prints in the container of the store's backups."""
    service = next(service for service in plan.services if service.name == f"{store}-backup")
    (unit,) = plan.units(service)
    assert unit.home
    return in_container(plan.settings, unit.home, unit.name, script, timeout_s=240)


def verdict(plan: Plan, store: str, name: str) -> str:
    """What verify-backup.sh says of a backup that has come to harm."""
    return in_task(plan, store, f"! /usr/local/lib/backup/verify-backup.sh {name} 2>&1")
