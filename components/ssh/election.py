"""Which manager is asked for the swarm: one of the swarm that most declared managers are in.

A manager that was taken into a swarm of its own must not be asked: a refresh by way of it would take
everything for deleted. It is outvoted, or alone in its swarm.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

import asyncssh

from components.observe.over_ssh import connect
from components.settings import Node, Settings

#: Where Docker Engine listens: https://docs.docker.com/reference/cli/dockerd/#daemon-socket-option
DOCKER_SOCKET = "/var/run/docker.sock"
#: Connected, logged in and answered within this; seconds.
ASK_TIMEOUT_S = 10
#: A manager that does not answer within KEEPALIVE_S * KEEPALIVE_TRIES seconds is lost.
KEEPALIVE_S, KEEPALIVE_TRIES = 4, 2


class NoSwarmManagerError(Exception):
    """No manager can be asked for the swarm; the text says why, manager by manager.

    electing: a manager answered that its swarm has no leader, which passes within seconds.
    """

    def __init__(self, reasons: Iterable[str], electing: bool = False) -> None:
        super().__init__(f"no manager of a swarm that has a leader answers: {'; '.join(reasons)}")
        self.electing = electing


@dataclass(frozen=True)
class Vote:
    """What one manager's engine says. `swarm`: the id of the swarm that it manages, or None, and then why."""

    node: str
    swarm: str | None
    reason: str = ""
    leaderless: bool = False
    connection: asyncssh.SSHClientConnection | None = None
    denied: bool = False
    """Its sshd lets us not in, which another try does not change."""


def vote(node: str, info: dict[str, Any], managers: int) -> Vote:
    """The vote in an engine's answer to `GET /info`; `managers`: how many are declared.

    https://docs.docker.com/reference/api/engine/version/v1.45/#tag/System/operation/SystemInfo
    """
    swarm = info.get("Swarm") or {}
    if not swarm.get("ControlAvailable"):
        return Vote(node, None, "manages no swarm")
    cluster = (swarm.get("Cluster") or {}).get("ID")
    if not cluster:
        return Vote(node, None, "is a manager of a swarm that has no leader", leaderless=True)
    if swarm.get("Nodes") == 1 and managers > 1:
        return Vote(node, None, "is alone in a swarm")
    return Vote(node, cluster)


def elected(votes: Iterable[Vote], managers: int, complete: bool) -> Vote | None:
    """The first vote for the swarm that is chosen; None while it can't be told.

    More than half of the managers choose at once; fewer when `complete`: all have answered or had their time.
    """
    cast = [each for each in votes if each.swarm]
    counted = Counter(each.swarm for each in cast).most_common(2)
    if not counted:
        return None
    swarm, most = counted[0]
    tied = len(counted) > 1 and counted[1][1] == most
    if most * 2 > managers or (complete and not tied):
        return next(each for each in cast if each.swarm == swarm)
    return None


def no_manager(votes: Iterable[Vote]) -> NoSwarmManagerError:
    """Why none was elected of complete votes."""
    cast = list(votes)
    different = [each.node for each in cast if each.swarm]
    reasons = [f"{each.node}: {each.reason}" for each in cast if not each.swarm]
    if different:
        reasons.insert(0, f"managers are in different swarms: {', '.join(different)}")
    return NoSwarmManagerError(reasons, any(each.leaderless for each in cast))


async def elect(
    settings: Settings, ask: Callable[[Settings, Node], Awaitable[Vote]] | None = None
) -> tuple[str, asyncssh.SSHClientConnection]:
    """Name of and connection to a manager that answers for the swarm. Raises NoSwarmManagerError.

    All managers are asked at once; a dead one costs nothing where the others are more than half.
    """
    managers = settings.managers
    asking = {asyncio.ensure_future((ask or ask_manager)(settings, node)) for node in managers}
    votes: list[Vote] = []
    chosen: Vote | None = None
    try:
        for answer in asyncio.as_completed(asking):
            votes.append(await answer)
            chosen = elected(votes, len(managers), complete=len(votes) == len(managers))
            if chosen:
                break
    finally:
        _close(asking, chosen)
    if not chosen or not chosen.connection:
        raise no_manager(votes)
    chosen.connection.set_keepalive(KEEPALIVE_S, KEEPALIVE_TRIES)
    return chosen.node, chosen.connection


def _close(asking: Iterable[asyncio.Future[Vote]], chosen: Vote | None) -> None:
    """Ends connections that are not needed, those still being made included."""
    for each in asking:
        if not each.done():
            each.cancel()
        elif not each.cancelled() and not each.exception():
            connection = each.result().connection
            if connection and each.result() is not chosen:
                connection.close()


async def ask_manager(settings: Settings, node: Node) -> Vote:
    """What one manager's engine answers, by its own Docker socket."""
    connection = None
    try:
        async with asyncio.timeout(ASK_TIMEOUT_S):
            connection = await connect(settings, node)
            info = await _info(connection)
    except TimeoutError:
        found = Vote(node.name, None, f"no answer within {ASK_TIMEOUT_S} s")
    except asyncssh.PermissionDenied as error:
        found = Vote(node.name, None, str(error), denied=True)
    except asyncssh.ChannelOpenError as error:
        found = Vote(node.name, None, _refused(settings, error))
    except (OSError, asyncssh.Error, ValueError) as error:
        found = Vote(node.name, None, str(error) or type(error).__name__)
    except asyncio.CancelledError:
        if connection:
            connection.close()
        raise
    else:
        found = vote(node.name, info, len(settings.managers))
        return Vote(found.node, found.swarm, found.reason, found.leaderless, connection)
    if connection:
        connection.close()
    return found


def _refused(settings: Settings, error: asyncssh.ChannelOpenError) -> str:
    """sshd can't connect to the socket, or may not; it says little of why."""
    if error.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED:
        return "its sshd forwards no sockets (AllowStreamLocalForwarding, DisableForwarding)"
    user = settings.ssh.user
    why = "its Docker Engine does not answer"
    return why if user == "root" else f"{why}, or {user} is not in the group docker"


async def _info(connection: asyncssh.SSHClientConnection) -> dict[str, Any]:
    reader, writer = await connection.open_unix_connection(DOCKER_SOCKET)
    with contextlib.closing(writer):
        writer.write(b"GET /info HTTP/1.0\r\nHost: docker\r\n\r\n")
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    if b" 200 " not in head.partition(b"\r\n")[0]:
        raise ValueError("its Docker Engine does not answer")
    return dict(json.loads(body))
