"""What each member says of itself, by the `role` hook of its service; nothing here knows any service."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Iterable, Iterator, Mapping

import asyncssh

from components.observe.over_ssh import run_script
from components.settings import Node
from components.topology import Plan, Unit

PRIMARY, SECONDARY, NONE = "PRIMARY", "SECONDARY", "NONE"
#: A node that does not answer, a container that is not there, a hook that fails.
UNKNOWN = "unknown"
#: For one node, connecting included.
TIMEOUT_S = 15
#: The hook runs in the member's container; the engine asks all members of a node side by side.
SCRIPT = """
role() {
  local member=$1 id said
  shift
  id=$(docker ps -q --filter "label=com.docker.swarm.service.name=$member" --filter status=running)
  id=${id%%[[:space:]]*}
  said=$([ -z "$id" ] || timeout 8 docker exec "$id" "$@" 2>/dev/null </dev/null) || said=
  printf '%s %s\\n' "$member" "${said:-unknown}"
}
"""


def read_roles(plan: Plan) -> dict[str, str]:
    """Member to PRIMARY, SECONDARY, NONE or `unknown`, of every service with a `role` hook."""
    return asyncio.run(_roles(plan))


def faults(plan: Plan, roles: Mapping[str, str]) -> Iterator[str]:
    """A line for each service that not exactly one member leads."""
    for service in plan.services:
        if not service.hooks.role:
            continue
        said = {unit.name: roles.get(unit.name, UNKNOWN) for unit in plan.units(service)}
        leaders = [name for name, role in said.items() if role == PRIMARY]
        if len(leaders) != 1:
            told = ", ".join(f"{name} is {role}" for name, role in said.items())
            fault = f"{service.name} has {len(leaders) or 'no'} PRIMARY: {told}"
            yield f"{fault}; see: docker service logs {next(iter(said))}"


def script(units: Iterable[Unit]) -> str:
    """What asks these members, on the node where they run."""
    asked = [f"role {shlex.join([unit.name, *unit.service.hooks.role])} &\n" for unit in units]
    return f"{SCRIPT}{''.join(asked)}wait\n"


async def _roles(plan: Plan) -> dict[str, str]:
    units = [unit for service in plan.services if service.hooks.role for unit in plan.units(service)]
    by_node = {
        node.name: (node, asked)
        for node in plan.settings.nodes
        if (asked := [unit for unit in units if node in _nodes(plan, unit)])
    }
    answers = await asyncio.gather(*(_ask(plan, node, asked) for node, asked in by_node.values()))
    roles = dict.fromkeys((unit.name for unit in units), UNKNOWN)
    for line in "".join(answers).splitlines():
        member, _, role = line.partition(" ")
        if role in (PRIMARY, SECONDARY, NONE):
            roles[member] = role
    return roles


def _nodes(plan: Plan, unit: Unit) -> tuple[Node, ...]:
    homes = plan.homes(unit)
    return tuple(node for node in homes if unit.home in (None, node.name))


async def _ask(plan: Plan, node: Node, units: list[Unit]) -> str:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await run_script(plan.settings, node, script(units))
    except (TimeoutError, OSError, asyncssh.Error):
        return ""
