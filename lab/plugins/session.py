"""Running one command on a host over SSH.

Commands that run at the same time on one target share a connection: sshd drops logins beyond its
MaxStartups (10:30:100) and allows MaxSessions (10) sessions on each connection. A connection is closed when
its last command ends, so that a later command logs in anew, with the groups that its user has by then.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import asyncssh

from lab.plugins.exits import exit_failure, go_quote
from lab.plugins.login import Login, Report, Target, log_in
from lab.plugins.resource import PluginError

_SESSIONS = 8
_OPEN_LIMIT_S, _OPEN_POLL_S = 60.0, 0.05


@dataclass(frozen=True)
class Output:
    """What a command that succeeded wrote."""

    stdout: str
    stderr: str


class Connections:
    """The connections that are in use, one for each target."""

    def __init__(self) -> None:
        self._shared: dict[Target, _Shared] = {}

    @asynccontextmanager
    async def borrow(self, target: Target, report: Report) -> AsyncIterator[asyncssh.SSHClientConnection]:
        """Lend a connection for one session; waits while it has as many as allowed. Raises PluginError."""
        shared = self._shared.get(target)
        if shared is None or shared.is_broken():
            shared = self._shared[target] = _Shared(asyncio.create_task(log_in(target, report)))
        shared.users += 1
        try:
            login = await asyncio.shield(shared.login)
            async with shared.sessions:
                yield login.connection
        finally:
            shared.users -= 1
            if not shared.users:
                shared.close()
                if self._shared.get(target) is shared:
                    del self._shared[target]


class _Shared:
    """A login, perhaps still under way, and how many commands use it."""

    def __init__(self, login: asyncio.Task[Login]) -> None:
        self.login: Final = login
        self.sessions: Final = asyncio.Semaphore(_SESSIONS)
        self.users = 0

    def is_broken(self) -> bool:
        """Tell whether logging in failed or the connection ended."""
        if not self.login.done():
            return False
        return (
            self.login.cancelled()
            or bool(self.login.exception())
            or self.login.result().connection.is_closed()
        )

    def close(self) -> None:
        """Hang up, or stop trying."""
        if not self.login.cancel() and not self.login.cancelled() and not self.login.exception():
            self.login.result().close()


class _Transcript(asyncssh.SSHClientSession[bytes]):
    """What a command writes: both streams, apart and in the order of arrival."""

    def __init__(self, logged: frozenset[str]) -> None:
        self.streams: dict[str, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}
        self.all = bytearray()
        self.lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._logged, self._rest = logged, b""

    def data_received(self, data: bytes, datatype: int | None) -> None:
        name = "stderr" if datatype == asyncssh.EXTENDED_DATA_STDERR else "stdout"
        self.streams[name] += data
        self.all += data
        if name in self._logged:
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                self.lines.put_nowait(_text(line.removesuffix(b"\r")))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._rest:
            self.lines.put_nowait(_text(self._rest))
        self.lines.put_nowait(None)


async def to_its_end(work: Coroutine[Any, Any, Output]) -> Output:
    """Await a command that was started, also when the run is cancelled: like the official plugin.

    sshd takes no signals for root's commands: one could only be left behind, half done, not in the state.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        return await task


async def run(
    connection: asyncssh.SSHClientConnection,
    command: str,
    stdin: str | None,
    environment: dict[str, str],
    logged: frozenset[str],
    report: Report,
) -> Output:
    """Run a command to its end and report each line of the streams named in `logged`.

    Raises PluginError when it exits with another status than 0.
    """
    transcript = _Transcript(logged)
    channel = await _open(connection, command, environment, transcript)
    with suppress(BrokenPipeError):  # it ended without reading
        channel.write((stdin or "").encode())
        channel.write_eof()
    while (line := await transcript.lines.get()) is not None:
        await report(line)
    await channel.wait_closed()
    failure = exit_failure(channel)
    if failure:
        raise PluginError(f"{failure}: running {go_quote(command)}:\n{_text(transcript.all)}")
    return Output(*(_text(transcript.streams[name]).removesuffix("\n") for name in ("stdout", "stderr")))


async def _open(
    connection: asyncssh.SSHClientConnection,
    command: str,
    environment: dict[str, str],
    transcript: _Transcript,
) -> asyncssh.SSHClientChannel[bytes]:
    """Start the command; wait when sshd still counts sessions that have just ended."""
    give_up = time.monotonic() + _OPEN_LIMIT_S
    while True:
        try:
            channel, _ = await connection.create_session(
                lambda: transcript, command, env=[*environment.items()], encoding=None
            )
            return channel
        except asyncssh.ChannelOpenError as error:
            if time.monotonic() > give_up:
                raise PluginError(f"ssh: {error.reason}; let sshd have MaxSessions {_SESSIONS}") from None
        except (asyncssh.Error, OSError) as error:
            raise PluginError(f"ssh: {error}") from None
        await asyncio.sleep(_OPEN_POLL_S)


def _text(data: bytes | bytearray) -> str:
    return data.decode(errors="replace")
