"""The Docker socket of the swarm on this machine, open as long as a run of Pulumi needs it.

One SSH connection to one manager carries all of the Docker provider's connections as forwarded channels,
which count neither as sessions nor as start-ups of sshd (MaxSessions, MaxStartups: man sshd_config).
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncssh

from components.errors import ConfigurationError
from components.settings import Settings
from components.ssh.docker_proxy import WAIT_S, Conversation, Link, UnavailableError
from components.ssh.election import DOCKER_SOCKET, NoSwarmManagerError, elect

#: In the project's folder, which is the plugin's working directory; in the environment of what may use it.
FOLDER = Path(".tools/run")
OPEN = "PLATFORM_BETA_DOCKER_SOCKET"
#: Connections of other runs that came by way of this one have this long to end; seconds.
DRAIN_S = WAIT_S
#: How often a run looks whether the name leads to a run that lives: a killed one gives nothing back. Seconds.
LOOK_S = 1


def socket_url(stack: str) -> str:
    """The provider's `host`: the same on every machine and in every checkout, as it is kept in the state."""
    return f"unix://{FOLDER}/{stack}.sock"


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
            _, connection = await elect(self._settings)
        except ConfigurationError as error:
            raise UnavailableError(str(error)) from None
        except NoSwarmManagerError as error:
            self._worth_waiting |= error.electing
            raise UnavailableError(str(error)) from None
        self._worth_waiting = self._answered = True
        return connection

    @property
    def unavailable(self) -> str:
        """Why no manager ever answered; empty when one did, or none was needed."""
        return "" if self._answered else self._failure


class SocketError(Exception):
    """The socket can't be made on this machine; the text says why and what to do."""


class DockerSocket:
    """Listens at FOLDER/<stack>.sock below `root`.

    A run that begins beside another one takes the name over, and gives it back in the end.
    """

    def __init__(self, root: Path, stack: str, load: Callable[[], Settings]) -> None:
        # Relative, as the path of a socket has 107 bytes at most: man 7 unix
        self._folder, self._stack = Path(os.path.relpath(root)) / FOLDER, stack
        self._own = self._folder / f"{stack}.{os.getpid()}.sock"
        self._managers = SwarmManagers(load)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failure: OSError | None = None
        self._ready, self._stop = threading.Event(), asyncio.Event()
        self._talks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="docker-socket", daemon=True)

    @property
    def unavailable(self) -> str:
        """Why no manager ever answered, though one was needed; else empty."""
        return self._managers.unavailable

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """Serve until the block ends. Raises SocketError."""
        self._thread.start()
        self._ready.wait()
        if self._failure:
            fault = f"{self._folder}: the Docker socket of the run can't be made there ({self._failure})"
            raise SocketError(f"{fault}; see that you may write there, and that its path is short")
        assert self._loop
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    def _run(self) -> None:
        try:
            with asyncio.Runner() as runner:
                self._loop = runner.get_loop()
                runner.run(self._serve())
        except OSError as error:
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task
            self._talks.add(task)
            task.add_done_callback(self._talks.discard)
            # At the end of the run: asyncio would print a task that was cancelled as an error.
            with contextlib.suppress(asyncio.CancelledError):
                await Conversation((reader, writer), self._managers).hold()

        with self._alone():
            for stale in self._others(alive=False):
                stale.unlink(missing_ok=True)
            self._own.unlink(missing_ok=True)
            server = await asyncio.start_unix_server(talk, self._own, backlog=512)
            self._own.chmod(0o600)
            self._name(self._own)
        self._ready.set()
        while not await self._stopped():
            self._take_over_from_the_dead()
        server.close()
        with self._alone():
            self._give_back()
        if self._talks:
            await asyncio.wait(self._talks, timeout=DRAIN_S if self._others(alive=True) else 0)
        for task in self._talks:
            task.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)
        self._managers.close()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Of several runs one at a time looks at the folder and changes names in it."""
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    async def _stopped(self) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S):
                await self._stop.wait()
        return self._stop.is_set()

    def _take_over_from_the_dead(self) -> None:
        name = self._folder / f"{self._stack}.sock"
        if name.is_symlink() and name.readlink() != Path(self._own.name) and not _lives(name):
            with contextlib.suppress(OSError), self._alone():
                if not _lives(name):
                    self._name(self._own)

    def _name(self, target: Path) -> None:
        """Point `<stack>.sock` at a socket, in one step."""
        link = self._own.with_suffix(".link")
        link.unlink(missing_ok=True)
        link.symlink_to(target.name)
        link.replace(self._folder / f"{self._stack}.sock")

    def _give_back(self) -> None:
        name = self._folder / f"{self._stack}.sock"
        if name.is_symlink() and name.readlink() == Path(self._own.name):
            left = self._others(alive=True)
            self._name(left[0]) if left else name.unlink()
        self._own.unlink(missing_ok=True)

    def _others(self, alive: bool) -> list[Path]:
        """Sockets of other runs on this stack, by whether their process lives."""
        found = (file for file in self._folder.glob(f"{self._stack}.*.sock") if file != self._own)
        return [file for file in found if _lives(file) is alive]


def _lives(file: Path) -> bool:
    """Whether somebody listens there."""
    with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
        probe.connect(str(file))
        return True
    return False
