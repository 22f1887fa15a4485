"""Taking, keeping and giving back the run lock, from a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import Callable, Iterable, Iterator

import asyncssh

from components.lock.holder import Claim, LockedError, NoLockError, loss, without_majority
from components.lock.over_ssh import Session, connect, reason
from components.settings import Node, Settings

BEAT_S = 10
#: Sessions that end within this of each other are told of in one sentence.
TOGETHER_S = 0.3

Lost = Callable[[str, bool], None]


def _say(text: str, held: bool) -> None:
    print(text, file=sys.stderr, flush=True)


class RunLock:
    """The lock on every declared manager that answers; any one that another run holds is a refusal.

    It lives with this process: a killed one leaves nothing behind, as the managers' shells end with their
    sessions. `lost(text, held)` is called from the thread when sessions end by themselves; `held`: some are
    left. `notes`, once it is taken: a sentence for each manager that has no part in it.
    """

    def __init__(self, settings: Settings, what: str, lost: Lost = _say) -> None:
        self.claim = Claim(what)
        self.notes: tuple[str, ...] = ()
        self._settings = settings
        self._lost = lost
        self._loop = asyncio.new_event_loop()
        self._release: asyncio.Event | None = None
        self._taken = threading.Event()
        self._error: Exception | None = None
        # A daemon, so that an owner who forgets to release still ends.
        self._thread = threading.Thread(target=self._run, name="run-lock", daemon=True)

    @contextlib.contextmanager
    def hold(self) -> Iterator[RunLock]:
        """Take the lock and give it back in the end. Raises LockedError or NoLockError."""
        self.acquire()
        try:
            yield self
        finally:
            self.release()

    def acquire(self) -> None:
        """Take the lock and keep it until `release` or the end of this process. Raises as `hold`."""
        self._thread.start()
        self._taken.wait()
        if self._error:
            self._thread.join()
            raise self._error

    def release(self) -> None:
        """Give it back."""
        release = self._release
        if release and self._thread.is_alive():
            self._loop.call_soon_threadsafe(release.set)
            self._thread.join()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._live())
        except Exception as error:
            self._error = error
        finally:
            self._taken.set()
            self._loop.close()

    async def _live(self) -> None:
        self._release = asyncio.Event()
        sessions = await self._take()
        self._taken.set()
        try:
            while sessions and not self._release.is_set():
                sessions = await self._keep(sessions)
        finally:
            await _close(sessions.values())

    async def _take(self) -> dict[str, Session]:
        """Connected all at once, asked in declared order: of two runs one gets ahead everywhere."""
        managers = self._settings.managers
        connections = await asyncio.gather(*(self._connect(node) for node in managers))
        sessions: dict[str, Session] = {}
        away: dict[str, str] = {}
        for node, connection in zip(managers, connections, strict=True):
            try:
                if isinstance(connection, str):
                    raise OSError(connection)
                sessions[node.name] = await Session.open(self._settings, connection, self.claim.text())
            except (OSError, asyncssh.Error) as error:
                away[node.name] = reason(error)
        refused = {name: session.holder for name, session in sessions.items() if session.holder}
        fault = without_majority(len(managers), away)
        if refused or fault:
            await _close(sessions.values())
            raise LockedError(refused) if refused else NoLockError(str(fault))
        self.notes = tuple(f"run lock: not taken on {name}: {why}" for name, why in away.items())
        return sessions

    async def _connect(self, node: Node) -> asyncssh.SSHClientConnection | str:
        try:
            return await connect(self._settings, node)
        except (OSError, asyncssh.Error) as error:
            return reason(error)

    async def _keep(self, sessions: dict[str, Session]) -> dict[str, Session]:
        """One heartbeat's time; the sessions that are left."""
        assert self._release
        waits = [asyncio.ensure_future(session.process.wait()) for session in sessions.values()]
        waits.append(asyncio.ensure_future(self._release.wait()))  # type: ignore[arg-type]
        await asyncio.wait(waits, timeout=BEAT_S, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if self._release.is_set():
            return sessions
        await asyncio.sleep(TOGETHER_S)
        return self._left(sessions, [name for name in sessions if not await _beats(sessions[name])])

    def _left(self, sessions: dict[str, Session], lost: list[str]) -> dict[str, Session]:
        left = {name: session for name, session in sessions.items() if name not in lost}
        if lost:
            self._lost(loss(lost, list(left)), bool(left))
        return left


async def _beats(session: Session) -> bool:
    if session.process.exit_status is not None or session.process.is_closing():
        return False
    try:
        await session.beat()
    except (OSError, asyncssh.Error):
        return False
    return True


async def _close(sessions: Iterable[Session]) -> None:
    for session in sessions:
        with contextlib.suppress(OSError, asyncssh.Error):
            await session.close()
