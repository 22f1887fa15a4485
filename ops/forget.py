"""Dead nodes that are no longer declared: what ran on them leaves the state, as it can't be undone there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import asyncssh

from components.observe.over_ssh import reach
from components.settings import Settings
from ops.pending import COMMAND, Deployment

NODE = "platform:node:PreparedNode"
#: Steps `<node>-<step>` that run on the node itself; its other steps run on a manager.
ON_THE_NODE = ("engine", "sysctls", "firewall", "join")
#: Marks a secret in an export. https://github.com/pulumi/pulumi/blob/v3.259.0/sdk/go/common/resource/sig/sig.go
SECRET = "4dabf18193072939515e22adb298388d"
TIMEOUT_S = 10


@dataclass(frozen=True)
class Connection:
    """How a node was reached when it was still declared."""

    host: str
    port: int
    user: str
    host_key: str


def undeclared(deployment: Deployment, declared: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Nodes of the state that aren't declared, with the URNs of what ran on them."""
    found = {}
    for name in _nodes(deployment):
        steps = {f"{name}-{step}" for step in ON_THE_NODE}
        urns = tuple(each["urn"] for each in _commands(deployment) if _name(each) in steps)
        if name not in declared:
            found[name] = urns
    return found


def without(deployment: Deployment, urns: Collection[str]) -> Deployment:
    """The deployment without these resources, which nothing refers to any more."""
    gone = set(urns)
    kept = [_unreferring(each, gone) for each in deployment.get("resources", ()) if each["urn"] not in gone]
    return {**deployment, "resources": kept}


def connection(readable: Deployment, urns: Collection[str]) -> Connection:
    """How the node of these commands was reached, from an export whose secrets can be read."""
    command = next(each for each in _commands(readable) if each["urn"] in urns)
    given = _plain(_plain(command["inputs"])["connection"])
    return Connection(
        host=_plain(given["host"]),
        port=int(_plain(given.get("port", 22))),
        user=_plain(given.get("user", "root")),
        host_key=_plain(given["hostKey"]),
    )


def verdict(name: str, answer: str | None, ready: Mapping[str, bool]) -> str | None:
    """Why a node's steps are forgotten; None when it answers (`answer` is None, else the reason it doesn't).

    Raises NodeAliveError for one that the swarm still has: it can be reached by others, only not by us.
    """
    if answer is None:
        return None
    if ready.get(name):
        raise NodeAliveError(
            f"{name}: is no longer declared and doesn't answer SSH ({answer}), but the swarm has it Ready; "
            f"make it reachable so that it can leave, or switch it off, then run again"
        )
    return (
        f"{name}: is no longer declared and is dead ({answer}); what ran on it is forgotten, "
        f"the swarm drops it without it"
    )


class NodeAliveError(Exception):
    """A node that is to be removed works, but can't be reached from here."""


def silence(settings: Settings, target: Connection) -> str | None:
    """Why a node doesn't answer SSH; None when it does."""
    try:
        asyncio.run(_log_in(settings, target))
    except TimeoutError:
        return f"no answer within {TIMEOUT_S} s"
    except (OSError, asyncssh.Error) as error:
        return str(error) or type(error).__name__
    return None


async def _log_in(settings: Settings, target: Connection) -> None:
    ssh = settings.ssh.model_copy(update={"port": target.port, "user": target.user})
    async with asyncio.timeout(TIMEOUT_S):
        async with await reach(ssh, target.host, target.host_key, TIMEOUT_S) as session:
            await session.run("true", check=True)


def _nodes(deployment: Deployment) -> Iterator[str]:
    return (_name(each) for each in deployment.get("resources", ()) if each["type"] == NODE)


def _commands(deployment: Deployment) -> list[dict[str, Any]]:
    return [each for each in deployment.get("resources", ()) if each["type"] == COMMAND]


def _name(resource: Mapping[str, Any]) -> str:
    return str(resource["urn"]).rpartition("::")[2]


def _unreferring(resource: dict[str, Any], gone: set[str]) -> dict[str, Any]:
    after = dict(resource)
    if "dependencies" in after:
        after["dependencies"] = [urn for urn in after["dependencies"] if urn not in gone]
    if "propertyDependencies" in after:
        given = after["propertyDependencies"] or {}
        after["propertyDependencies"] = {
            key: [urn for urn in urns or () if urn not in gone] for key, urns in given.items()
        }
    if after.get("deletedWith") in gone:
        del after["deletedWith"]
    return after


def _plain(value: Any) -> Any:
    """A value of an export that shows secrets, its mark taken off."""
    if isinstance(value, dict) and SECRET in value:
        return json.loads(value["plaintext"])
    return value
