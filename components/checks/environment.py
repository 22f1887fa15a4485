"""Environment variables that a service declares a type for: default and override alike. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING

from components.declaration import Declaration
from components.errors import Fault
from components.settings import ServiceOverride, Settings
from components.validation import suggestion
from components.variable import value_fault

if TYPE_CHECKING:
    from components.topology import Plan


def environment_faults(plan: Plan, service: Declaration) -> Iterator[Fault]:
    """Values that a script of the service would misread, each named where it is written."""
    override = plan.settings.services.get(service.name)
    given = override.environment if override else {}
    for name, variable in service.environment_schema.items():
        if variable.minimum > variable.maximum:
            place = f"{service.place}.environment_schema.{name}"
            fault = f"minimum {variable.minimum} is more than maximum {variable.maximum}"
            yield Fault(place, fault, "correct one of the two")
        elif name not in service.environment:
            place = f"{service.place}.environment_schema.{name}"
            remedy = suggestion(name, service.environment, "declare it under environment, or remove it")
            yield Fault(place, "is no variable of the service", remedy)
        elif wrong := value_fault(variable, service.environment[name]):
            # An empty default stands for what only the stack file can say.
            by_stack_file = name in given or not service.environment[name]
            where = f"services.{service.name}" if by_stack_file else service.place
            yield Fault(f"{where}.environment.{name}", *wrong)


def misspelt_faults(settings: Settings, declared: Iterable[Declaration]) -> Iterator[Fault]:
    """Overrides that no script reads, though one reads almost the same; an image may read any other."""
    for service in declared:
        override = settings.services.get(service.name, ServiceOverride())
        for name in override.environment.keys() - service.environment.keys():
            near = get_close_matches(name.upper()[:80], service.environment_schema, n=1, cutoff=0.85)
            if near:
                place = f"services.{service.name}.environment.{name}"
                remedy = f"did you mean {near[0]}? If not, declare it in {service.place}/service.yaml"
                yield Fault(place, "is no variable of the service", remedy)
