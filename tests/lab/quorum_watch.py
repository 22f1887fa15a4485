"""Watches from outside whether the managers keep their quorum, a few times a second."""

from __future__ import annotations

import asyncio
import threading
import time
from types import TracebackType

import asyncssh

from components.observe.over_ssh import run_script
from components.settings import Node, Settings

#: Prints the swarm's leader and how many managers answer; fails without a quorum.
QUESTION = "timeout 4 docker node ls --filter role=manager --format '{{.ManagerStatus}}' 2>&1"


class QuorumWatch:
    """Between enter and exit some machine could list the swarm's nodes, or `gaps` says when none could.

    gaps: (start, end) in seconds since the beginning. A leader's change takes Raft about a second, in
    which nobody answers; that is no loss of the quorum.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._end = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._watch()), daemon=True)
        self.asked = 0
        self.gaps: list[tuple[float, float]] = []

    def __enter__(self) -> QuorumWatch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()

    @property
    def longest_gap_s(self) -> float:
        return max((end - start for start, end in self.gaps), default=0.0)

    async def _watch(self) -> None:
        began = time.monotonic()
        lost: float | None = None
        while not self._end.is_set():
            answers = await asyncio.gather(*(self._has_quorum(node) for node in self._settings.nodes))
            self.asked += 1
            now = time.monotonic() - began
            if not any(answers):
                lost = now if lost is None else lost
            elif lost is not None:
                self.gaps.append((lost, now))
                lost = None
            await asyncio.sleep(0.4)
        if lost is not None:
            self.gaps.append((lost, time.monotonic() - began))

    async def _has_quorum(self, node: Node) -> bool:
        try:
            async with asyncio.timeout(6):
                return "Leader" in await run_script(self._settings, node, QUESTION)
        except (TimeoutError, OSError, asyncssh.Error):
            return False
