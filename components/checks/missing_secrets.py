"""Secrets that an environment lacks, in one line: one command makes them all. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from components.errors import Fault

if TYPE_CHECKING:
    from components.topology import Plan

#: The secret that keys the hashes in the names of all others; it isn't given to the swarm.
NAMING_KEY = "naming_key"
#: Names that are shown of many.
SHOWN = 3
REMEDY = "run: make secrets"


def missing_secret_faults(plan: Plan, secret_names: frozenset[str]) -> Iterator[Fault]:
    """One fault for all secrets that services mount, and the naming key, as far as they are not set."""
    missing = sorted({*plan.secret_names, NAMING_KEY} - secret_names)
    if len(missing) == 1:
        yield Fault(f"secrets.{missing[0]}", _fault(plan, missing[0]), REMEDY)
    elif missing:
        more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        names = ", ".join(missing[:SHOWN])
        yield Fault("secrets", f"{len(missing)} are not set ({names}{more})", REMEDY)


def _fault(plan: Plan, name: str) -> str:
    mounting = [
        service.name for service in plan.services if name in {secret.name for secret in service.secrets}
    ]
    return f"is needed by {', '.join(mounting)} and not set" if mounting else "is not set"
