"""What services need of each other: known, enabled, and without a circle. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from components.declaration import place_of
from components.errors import Fault
from components.validation import suggestion

if TYPE_CHECKING:
    from components.topology import Plan


def need_faults(plan: Plan, declared: frozenset[str]) -> Iterator[Fault]:
    """Faults of every `needs`; `declared`: names of all service folders, planned or not."""
    planned = {service.name for service in plan.services}
    for service in plan.services:
        where = f"{service.place}.needs"
        for need in service.needs:
            override = plan.settings.services.get(need)
            disabled = need in plan.off or (override is not None and override.enabled is False)
            if need == service.name:
                yield Fault(where, "names the service itself", f"remove {need}")
            elif disabled and need in declared:
                yield Fault(where, f"{need} is disabled in this environment", "enable it, or drop the need")
            elif need not in planned | declared:
                yield Fault(where, f"{need} is not a service", suggestion(need, planned, "drop the need"))
    yield from _circles({service.name: set(service.needs) - {service.name} for service in plan.services})


def _circles(needs: dict[str, set[str]]) -> Iterator[Fault]:
    """Removes what can start until only circles, and what waits for them, are left; then names each."""
    while needs:
        ready = [name for name, needed in needs.items() if not needed & needs.keys()]
        if not ready:
            ready = _circle(needs)
            path = " needs ".join([*ready, ready[0]])
            yield Fault(f"{place_of(ready[0])}.needs", f"a circle: {path}", "remove one of these needs")
        for name in ready:
            del needs[name]


def _circle(needs: dict[str, set[str]]) -> list[str]:
    """One circle, its first name in the alphabet first. Every service in `needs` waits for another."""
    path = [min(needs)]
    while (following := min(needs[path[-1]] & needs.keys())) not in path:
        path.append(following)
    circle = path[path.index(following) :]
    start = circle.index(min(circle))
    return circle[start:] + circle[:start]
