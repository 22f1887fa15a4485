"""Rules across fields: what is wrong with an environment before any node is asked.

Everything here only decides; files are looked at by `files` alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from components.checks.addresses import address_faults, subnet_faults
from components.checks.budgets import budget_faults
from components.checks.databases import database_faults
from components.checks.environment import environment_faults, misspelt_faults
from components.checks.images import image_faults
from components.checks.lending import lending_faults
from components.checks.missing_secrets import NAMING_KEY, missing_secret_faults
from components.checks.needs import need_faults
from components.checks.nodes import node_faults
from components.checks.placement import placement_faults
from components.checks.ports import port_faults
from components.checks.services import name_faults, service_faults
from components.errors import Fault
from components.settings import Settings
from components.validation import suggestion

if TYPE_CHECKING:
    from components.topology import Plan

__all__ = [
    "NAMING_KEY",
    "declaration_faults",
    "environment_faults",
    "misspelt_faults",
    "service_faults",
    "settings_faults",
]


def settings_faults(settings: Settings, declared: frozenset[str]) -> Iterator[Fault]:
    """Faults between the fields of the stack file; `declared`: names of all service folders."""
    yield from node_faults(settings)
    yield from address_faults(settings)
    for name in sorted(set(settings.services) - declared):
        remedy = suggestion(name, declared, "add its folder, or remove the override")
        yield Fault(f"services.{name}", "is not a declared service", remedy)


def declaration_faults(
    plan: Plan, secret_names: Iterable[str] | None, declared: frozenset[str]
) -> Iterator[Fault]:
    """Faults of the services, alone, among each other, and against the nodes.

    secret_names: of those that are set; None where that is unknown.
    """
    if secret_names is not None:
        yield from missing_secret_faults(plan, frozenset(secret_names))
    yield from name_faults(plan)
    yield from need_faults(plan, declared)
    yield from port_faults(plan)
    yield from subnet_faults(plan)
    yield from budget_faults(plan)
    yield from image_faults(plan)
    for service in plan.services:
        yield from service_faults(service)
        yield from environment_faults(plan, service)
        yield from placement_faults(plan, service)
        yield from lending_faults(plan, service, declared)
        yield from database_faults(plan, service)
