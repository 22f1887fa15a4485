"""The SSH connection of a run to a manager of the swarm."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import asyncssh

from components.errors import ConfigurationError
from components.settings import Node, Settings
from components.ssh.docker_proxy import WAIT_S, Link, UnavailableError
from components.ssh.election import DOCKER_SOCKET, NoSwarmManagerError, Vote, ask_manager, elect


class SwarmManagers:
    """The connection to a manager, held until it breaks or gives no answer; an election finds the next."""

    def __init__(self, load: Callable[[], Settings]) -> None:
        self._load = load
        self._settings: Settings | None = None
        self._connection: asyncssh.SSHClientConnection | None = None
        self._left: list[asyncssh.SSHClientConnection] = []
        self._turn = asyncio.Lock()
        self._failed_s, self._failure = 0.0, ""
        self._worth_waiting = self._answered = False
        self._denials: dict[str, Vote] = {}

    async def open(self) -> Link:
        """A stream to a manager's Docker socket. Raises UnavailableError."""
        connection = await self._connected()
        try:
            reader, writer = await connection.open_unix_connection(DOCKER_SOCKET)
        except (OSError, asyncssh.Error) as error:
            self.distrust(connection)
            raise UnavailableError(str(error)) from None
        return Link((reader, writer), connection)

    def patience_s(self) -> float:
        """A swarm that was seen, or elects its leader, comes back."""
        return WAIT_S if self._worth_waiting else 0

    def distrust(self, connection: object) -> None:
        """Elect anew before the next stream. What still runs on the connection goes on."""
        if self._connection and self._connection is connection:
            self._left.append(self._connection)
            self._connection = None

    def close(self) -> None:
        """End every connection."""
        for each in (*self._left, self._connection):
            if each:
                each.close()

    async def _connected(self) -> asyncssh.SSHClientConnection:
        asked_s = time.monotonic()
        async with self._turn:
            if self._connection is None or self._connection.is_closed():
                # Of many who wait, each would otherwise hold an election of its own, one after the other.
                if self._failed_s > asked_s:
                    raise UnavailableError(self._failure)
                try:
                    self._connection = await self._elect()
                except UnavailableError as error:
                    self._failed_s, self._failure = time.monotonic(), str(error)
                    raise
            return self._connection

    async def _elect(self) -> asyncssh.SSHClientConnection:
        try:
            if self._settings is None:
                self._settings = await asyncio.to_thread(self._load)
            _, connection = await elect(self._settings, self._ask)
        except ConfigurationError as error:
            raise UnavailableError(str(error)) from None
        except NoSwarmManagerError as error:
            self._worth_waiting |= error.electing
            raise UnavailableError(str(error)) from None
        self._worth_waiting = self._answered = True
        return connection

    async def _ask(self, settings: Settings, node: Node) -> Vote:
        """A manager that denied the login is not asked again: its sshd would shut this machine out."""
        if node.name not in self._denials:
            found = await ask_manager(settings, node)
            if not found.denied:
                return found
            self._denials[node.name] = found
        return self._denials[node.name]

    @property
    def unavailable(self) -> str:
        """Why no manager ever answered; empty when one did, or none was needed."""
        return "" if self._answered else self._failure
