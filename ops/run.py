"""`pulumi up`, `preview` and `destroy` of a stack, safe to repeat: locked, recovered, readable."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from components.drift import keeping_out
from components.identity import RUN
from components.lifecycle import leaderless_managers, leaving, refound, stopped_managers, swarm_exists
from components.lock.holder import Holder
from components.lock.over_ssh import holders
from components.lock.run_lock import RunLock
from components.observe import Facts
from components.observe.facts_file import gathering
from components.observe.over_ssh import observe
from components.reading import Reading
from components.settings import Settings
from components.ssh.docker_socket import FOLDER, OPEN, DockerSocket
from ops.backend import Backend
from ops.explanation import why_no_manager
from ops.processes import Outcome
from ops.processes import run as run_process
from ops.recovery import Recovery

#: Raft needs seconds for an election, an engine that starts on a busy machine half a minute.
LEADER_TIMEOUT_S = 60


class NoLeaderError(Exception):
    """Managers answer and can't agree on a leader; the text says what to do."""


def no_leader(settings: Settings, leaderless: Sequence[str]) -> str:
    """Why a run can't go on. Fewer voters are up than are needed, or there are more than are declared."""
    declared = len(settings.managers)
    return (
        f"swarm: has no leader {LEADER_TIMEOUT_S} s after {len(leaderless)} of {declared} declared managers "
        f"({', '.join(leaderless)}) answered, so too few of its voters are up; start the others; if they are "
        f"lost for good, {refound(settings, leaderless[0])}, and again: make up"
    )


@dataclass(frozen=True)
class Runner:
    """One stack of the checkout at `root`."""

    root: Path
    stack: str
    reading: Reading
    console: Console

    @property
    def settings(self) -> Settings:
        """The environment's."""
        return self.reading.plan.settings

    def up(self, arguments: Sequence[str] = ()) -> int:
        """Make the environment what is declared; the exit code."""
        with self._lock("ops up") as lock:
            self._recovery().recover()
            facts = observe(self.settings)
            code = self._mend_hosts(lock, facts)
            if code:
                return code
            self._await_leader(facts)
            code = self._pulumi(lock, "up", *self._consent(), *arguments).code
            # With arguments (a target…) more than was asked for would be done: the next run closes them.
            if code == 0 and not arguments and (gone := self._gone(facts)):
                self._say(f"the firewalls close to {', '.join(gone)}, which had to leave first")
                code = self._pulumi(lock, "up", "--yes", "--skip-preview").code
            return code

    def destroy(self, arguments: Sequence[str] = ()) -> int:
        """Take it down; a second pass when the first one failed and nobody interrupted it. The exit code.

        The official plugin can give up waiting ("context deadline exceeded") for a service that is gone.
        """
        with self._lock("ops destroy") as lock:
            self._recovery().recover()
            consent = self._consent()
            done = self._pulumi(lock, "destroy", *consent, *arguments)
            if done.code and consent and not done.interrupted:
                self._say(
                    "destroy: failed, perhaps only in waiting; once more with what a refresh shows is left"
                )
                self._recovery().recover()
                done = self._pulumi(lock, "destroy", "--refresh", *consent, *arguments)
            return done.code

    def preview(self, arguments: Sequence[str] = ()) -> int:
        """Say what `up` would change; takes no lock, as it writes nothing. The exit code."""
        with ThreadPoolExecutor(1) as beside:
            held = beside.submit(holders, self.settings)
            try:
                self._recovery().explain()
            finally:
                self._tell_holder(held.result())
        return self._pulumi(None, "preview", "--diff", *arguments).code

    def _tell_holder(self, found: Mapping[str, object]) -> None:
        for name, holder in found.items():
            if isinstance(holder, Holder):
                self._say(f"run lock on {name}: {holder.sentence()}; what is previewed is changing")
                return

    @contextlib.contextmanager
    def _lock(self, what: str) -> Iterator[RunLock]:
        with RunLock(self.settings, f"{what} ({self.stack})", self._lost).hold() as lock:
            for note in lock.notes:
                self._say(note)
            yield lock

    def _mend_hosts(self, lock: RunLock, facts: Facts) -> int:
        """Where nobody manages: what keeps managers apart comes first, as a refresh needs a manager.

        Pulumi's error here is no end: what is targeted may be done while something new beside it can't be
        planned. The run itself tells what is wrong. The exit code of one that was interrupted.
        """
        if swarm_exists(self.settings, facts):
            return 0
        stopped = stopped_managers(self.settings, facts)
        closed = keeping_out(self.settings, facts) if leaderless_managers(self.settings, facts) else []
        known = Backend(self.root, self.stack).names() if stopped or closed else frozenset()
        wanted = [*(f"{name}-engine" for name in stopped), *(f"{name}-firewall" for name in closed)]
        targets = [f"**{name}" for name in wanted if name in known]
        if not targets:
            return 0
        if stopped:
            self._say(
                f"no manager answers, engines are stopped on {', '.join(stopped)}: they are started first"
            )
        if closed:
            self._say(
                f"no manager answers, the firewalls of {', '.join(closed)} keep nodes out: they open first"
            )
        chosen = [argument for target in targets for argument in ("--target", target)]
        done = self._pulumi(lock, "up", "--yes", "--skip-preview", "--refresh=false", *chosen)
        return done.code if done.interrupted else 0

    def _gone(self, before: Facts) -> list[str]:
        """Addresses that the swarm listed before, undeclared, and lists no more."""
        listed = leaving(self.settings, before)
        still = leaving(self.settings, observe(self.settings)) if listed else ()
        return [address for address in listed if address not in still]

    def _await_leader(self, facts: Facts) -> None:
        """Managers that have just started choose a leader within seconds. Raises NoLeaderError."""
        if swarm_exists(self.settings, facts):
            return
        began = time.monotonic()
        while leaderless := leaderless_managers(self.settings, observe(self.settings)):
            waited_s = time.monotonic() - began
            if waited_s > LEADER_TIMEOUT_S:
                raise NoLeaderError(no_leader(self.settings, leaderless))
            self._say(f"{waited_s:3.0f} s: no leader yet of {', '.join(leaderless)}: waits for one")
            time.sleep(5)

    def _recovery(self) -> Recovery:
        return Recovery(Backend(self.root, self.stack), self.reading, self._say)

    def _pulumi(self, lock: RunLock | None, *arguments: str) -> Outcome:
        command = ["pulumi", *arguments, "--stack", self.stack]
        environment = {**os.environ, "PULUMI_STACK": self.stack, OPEN: self.stack}
        if lock:
            environment[RUN] = f"{lock.claim.run}-{os.getpid()}"
        sys.stdout.flush()

        docker_socket = DockerSocket(self.root, self.stack, lambda: self.settings)
        gathers = gathering(lambda: self.settings, self.root / FOLDER, self.stack, command)
        with docker_socket.opened(), gathers as facts:
            done = run_process(command, self.root, {**environment, **facts})
            if done.code and docker_socket.unavailable:
                self._say(why_no_manager(self.root, self.stack, docker_socket.unavailable, facts))
        return done

    def _consent(self) -> tuple[str, ...]:
        """Without asking in the lab, and where nobody can answer."""
        asks = self.stack != "lab" and sys.stdin.isatty()
        return () if asks else ("--yes", "--skip-preview")

    def _say(self, text: str) -> None:
        self.console.print(text, style="yellow", markup=False, soft_wrap=True)

    def _lost(self, text: str, held: bool) -> None:
        self._say(text)
        if not held:
            self._say("run lock: this run is interrupted, since another one may begin")
            os.kill(os.getpid(), signal.SIGTERM)
