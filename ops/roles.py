"""What each member says of itself, by the hooks of its service; nothing here knows any service."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import asyncssh

from components.observe.over_ssh import run_script
from components.settings import Node
from components.topology import Plan, Unit

PRIMARY, SECONDARY, NONE = "PRIMARY", "SECONDARY", "NONE"
#: A node that does not answer, a container that is not there, a hook that fails.
UNKNOWN = "unknown"
#: For one node, connecting included.
TIMEOUT_S = 15
#: The hooks run in the member's container; the engine asks all members of a node side by side.
SCRIPT = """
inside() {
  local id
  id=$(docker ps -q --filter "label=com.docker.swarm.service.name=$1" --filter status=running)
  id=${id%%[[:space:]]*}
  shift
  [ -n "$id" ] && timeout 8 docker exec "$id" "$@" 2>/dev/null </dev/null
}
role() {
  local said
  said=$(inside "$@") || said=
  printf 'role %s %s\\n' "$1" "${said:-unknown}"
}
ready_to_stop() {
  local said
  said=$(inside "$@") || printf 'stays %s %s\\n' "$1" "$(head -n 1 <<<"${said:-it does not say why}")"
}
"""


@dataclass(frozen=True)
class Members:
    """`roles`: PRIMARY, SECONDARY, NONE or `unknown`, by member; `stay`: why a member must not stop now."""

    roles: Mapping[str, str]
    stay: Mapping[str, str]


def read_members(plan: Plan) -> Members:
    """What the members of every service with hooks say."""
    return asyncio.run(_members(plan))


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
    asked = [
        f"{hook} {shlex.join([unit.name, *command])} &\n"
        for unit in units
        for hook, command in unit.service.hooks
        if command
    ]
    return f"{SCRIPT}{''.join(asked)}wait\n"


async def _members(plan: Plan) -> Members:
    units = [
        unit for service in plan.services for unit in plan.units(service) if any(dict(service.hooks).values())
    ]
    by_node = {
        node.name: (node, asked)
        for node in plan.settings.nodes
        if (asked := [unit for unit in units if node in _nodes(plan, unit)])
    }
    answers = await asyncio.gather(*(_ask(plan, node, asked) for node, asked in by_node.values()))
    roles = {unit.name: UNKNOWN for unit in units if unit.service.hooks.role}
    stay: dict[str, str] = {}
    for line in "".join(answers).splitlines():
        hook, member, said = line.split(" ", 2)
        if hook == "stays":
            stay[member] = said
        elif said in (PRIMARY, SECONDARY, NONE):
            roles[member] = said
    return Members(roles, {**dict(_needed(plan, roles)), **stay})


def _needed(plan: Plan, roles: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Members of services whose roles tell who is in: while one is not, the others must not stop."""
    for service in plan.services:
        if service.hooks.role and not service.hooks.ready_to_stop:
            said = {unit.name: roles[unit.name] for unit in plan.units(service)}
            out = [f"{name} is {role}" for name, role in said.items() if role not in (PRIMARY, SECONDARY)]
            yield from ((name, ", ".join(out)) for name in said if out and said[name] in (PRIMARY, SECONDARY))


def _nodes(plan: Plan, unit: Unit) -> tuple[Node, ...]:
    homes = plan.homes(unit)
    return tuple(node for node in homes if unit.home in (None, node.name))


async def _ask(plan: Plan, node: Node, units: list[Unit]) -> str:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await run_script(plan.settings, node, script(units))
    except (TimeoutError, OSError, asyncssh.Error):
        return ""
