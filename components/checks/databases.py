"""Databases on another service: a server that makes them, and names that can't collide. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from components.databases import databases_on
from components.declaration import Declaration
from components.errors import Fault
from components.validation import suggestion

if TYPE_CHECKING:
    from components.topology import Plan


def database_faults(plan: Plan, service: Declaration) -> Iterator[Fault]:
    """Faults of a service's `databases`, and, for a server, of names that two services give."""
    servers = {other.name for other in plan.services if other.serves_databases}
    for index, database in enumerate(service.databases):
        where = f"{service.place}.databases[{index}]"
        if database.server not in servers | set(plan.off):
            remedy = suggestion(database.server, servers, "name a service with serves_databases")
            yield Fault(f"{where}.server", f"{database.server} serves no databases", remedy)
        for name in (database.name, *(user.name for user in database.users)):
            # The server has accounts of its own, which no other product may name.
            if name != service.product and not name.startswith(f"{service.product}_"):
                remedy = f"name it {service.product}, or {service.product}_…"
                yield Fault(where, f"{name} does not begin with its product", remedy)
    hosted = databases_on(service, plan.services)
    names = Counter(name for each in hosted for name in ({each.name} | {user.name for user in each.users}))
    for name in sorted(name for name, count in names.items() if count > 1):
        fault = f"{name} is declared twice on {service.name}"
        yield Fault(f"{service.place}.serves_databases", fault, "rename one of the two")
