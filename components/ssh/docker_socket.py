"""The Docker socket of the swarm on this machine, open as long as a run of Pulumi needs it.

One SSH connection to one manager carries all of the Docker provider's connections as forwarded channels,
which count neither as sessions nor as start-ups of sshd (MaxSessions, MaxStartups: man sshd_config).

What talks SSH is imported by the serving thread: that takes half a second, in which Pulumi starts already.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from components.settings import Settings
    from components.ssh.swarm_managers import SwarmManagers

#: In the project's folder, which is the plugin's working directory; in the environment of what may use it.
FOLDER = Path(".tools/run")
OPEN = "PLATFORM_BETA_DOCKER_SOCKET"
#: Connections of other runs that came by way of this one have this long to end; seconds.
DRAIN_S = 30
#: How often a run looks whether the name leads to a run that lives: a killed one gives nothing back. Seconds.
LOOK_S = 1
#: As many clients at once as Pulumi may have, and more.
BACKLOG = 512


def socket_url(stack: str) -> str:
    """The provider's `host`: the same on every machine and in every checkout, as it is kept in the state."""
    return f"unix://{FOLDER}/{stack}.sock"


class SocketError(Exception):
    """The socket can't be made on this machine; the text says why and what to do."""


class DockerSocket:
    """Listens at FOLDER/<stack>.sock below `root`.

    A run that begins beside another one takes the name over, and gives it back in the end.
    """

    def __init__(self, root: Path, stack: str, load: Callable[[], Settings]) -> None:
        # Relative, as the path of a socket has 107 bytes at most: man 7 unix
        self._folder, self._stack, self._load = Path(os.path.relpath(root)) / FOLDER, stack, load
        self._own = self._folder / f"{stack}.{os.getpid()}.sock"
        self._managers: SwarmManagers | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop, self._ends, self._failure = asyncio.Event(), False, ""
        self._talks: set[asyncio.Task[None]] = set()

    @property
    def unavailable(self) -> str:
        """Why no manager ever answered, though one was needed; else empty."""
        return self._failure or (self._managers.unavailable if self._managers else "")

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """Serve until the block ends. Raises SocketError."""
        try:
            listener = self._listen()
        except OSError as error:
            fault = f"{self._folder}: the Docker socket of the run can't be made there ({error})"
            raise SocketError(f"{fault}; see that you may write there, and that its path is short") from None
        thread = threading.Thread(target=self._run, args=[listener], name="docker-socket", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ends = True
            with contextlib.suppress(RuntimeError):  # the loop has ended by itself
                if self._loop:
                    self._loop.call_soon_threadsafe(self._stop.set)
            thread.join()
            self._own.unlink(missing_ok=True)

    def _listen(self) -> socket.socket:
        """Clients that come from now on wait until they are served."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._alone():
            for stale in self._others(alive=False):
                stale.unlink(missing_ok=True)
            self._own.unlink(missing_ok=True)
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(self._own))
            self._own.chmod(0o600)
            listener.listen(BACKLOG)
            self._name(self._own)
        return listener

    def _run(self, listener: socket.socket) -> None:
        try:
            with listener, asyncio.Runner() as runner:
                self._loop = runner.get_loop()
                runner.run(self._serve(listener))
        except OSError as error:  # clients are refused from now on, and say so
            self._failure = f"the Docker socket of the run failed ({error})"

    async def _serve(self, listener: socket.socket) -> None:
        from components.ssh.docker_proxy import Conversation
        from components.ssh.swarm_managers import SwarmManagers

        managers = self._managers = SwarmManagers(self._load)

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task
            self._talks.add(task)
            task.add_done_callback(self._talks.discard)
            # At the end of the run: asyncio would print a task that was cancelled as an error.
            with contextlib.suppress(asyncio.CancelledError):
                await Conversation((reader, writer), managers).hold()

        server = await asyncio.start_unix_server(talk, sock=listener, backlog=BACKLOG)
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
        managers.close()

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
        if not self._ends:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._stop.wait()
        return self._ends

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
