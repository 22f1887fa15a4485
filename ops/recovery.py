"""Before a run: what an interrupted one left behind is ended, explained and settled. Under the run lock."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from components.checks import NAMING_KEY
from components.errors import ConfigurationError, Fault
from components.lifecycle import entry_manager, swarm_exists
from components.observe.over_ssh import observe
from components.reading import Reading
from components.settings import Settings
from ops import adoption, forget, processes, swarm_objects
from ops.backend import Backend, hostname, stale
from ops.managers import NoManagerError
from ops.pending import Deployment, Operation, Settlement, operations, settle, settled
from ops.repoint import repointed
from ops.secrets import stored_secrets
from ops.swarm_objects import SwarmObject

Say = Callable[[str], None]
Missing = list[tuple[adoption.Declared, SwarmObject]]


class ForeignObjectError(ConfigurationError):
    """The swarm has objects with our names that are not ours; nothing was touched."""

    subject = "in the swarm"


@dataclass(frozen=True)
class Recovery:
    """One stack, to be made fit for a run. `say` is given one sentence per thing done."""

    backend: Backend
    reading: Reading
    say: Say

    @property
    def settings(self) -> Settings:
        """The environment's."""
        return self.reading.plan.settings

    def recover(self) -> None:
        """Raises BackendError, NoManagerError, NodeAliveError or ForeignObjectError, each with what to do."""
        self._unlock()
        self._end_leftovers()
        with ThreadPoolExecutor(1) as beside:
            listing = beside.submit(swarm_objects.list_objects, self.settings)
            exported = self.backend.export()
        before: Deployment = exported.get("deployment") or {}
        after, removed = self._settle(before, listing)
        after = self._adopt(self._without_dead_nodes(after), listing, removed)
        after = adoption.with_local_socket(after, self.backend.stack)
        if after != before:
            self.backend.replace({**exported, "deployment": after})

    def explain(self) -> None:
        """Say what `recover` would find; changes nothing. Raises ForeignObjectError."""
        with ThreadPoolExecutor(1) as beside:
            listing = beside.submit(swarm_objects.list_objects, self.settings)
            deployment = self.backend.look().get("deployment") or {}
        open_operations = operations(deployment)
        pending = {each.urn for each in open_operations}
        for declared, _ in self._missing(deployment, listing):
            if declared.urn(self.backend.stack) not in pending:
                self.say(f"{declared.kind} {declared.name}: exists, is not in the state; `make up` adopts it")
        for each in open_operations:
            if each.resource.get("custom"):
                kind = each.resource["type"].rpartition(":")[2].lower()
                self.say(f"{kind} {each.name}: {each.doing} it was interrupted")
        if open_operations:
            self.say("an interrupted run left that open; `python -m ops up` settles it first")

    def _unlock(self) -> None:
        locked = stale(self.backend.locks(), hostname(), processes.alive)
        for file in self.backend.torn_attributes():
            self.say(f"state: {file.name} was half-written by a run that was killed; it is removed")
            file.unlink()
        if locked:
            self.say("state: still locked by a run whose process is dead; the lock is removed")
            self.backend.cancel()

    def _end_leftovers(self) -> None:
        left = list(processes.leftovers(self.backend.stack))
        if left:
            numbers = ", ".join(str(each.pid) for each in left)
            self.say(f"processes {numbers}: left by a run that was killed; they are ended")
            processes.end(left)

    def _adopt(
        self, deployment: Deployment, listing: Future[tuple[SwarmObject, ...]], removed: frozenset[str]
    ) -> Deployment:
        missing = self._missing(deployment, listing, removed)
        if not missing:
            return deployment
        for declared, found in missing:
            self.say(f"{declared.kind} {declared.name}: exists as {found.id[:12]}, adopted into the state")
        network = self.settings.network.name
        return adoption.adopted(deployment, self.backend.stack, network, missing)

    def _missing(
        self,
        deployment: Deployment,
        listing: Future[tuple[SwarmObject, ...]],
        removed: frozenset[str] = frozenset(),
    ) -> Missing:
        """What is declared and exists, and is not in the state. Raises ForeignObjectError.

        removed: ids of what was removed since it was listed.
        """
        try:
            objects = tuple(each for each in listing.result() if each.id not in removed)
        except NoManagerError as error:
            self.say(f"what exists in the swarm was not compared with the state: {error}")
            return []
        declared = list(adoption.declared_objects(self.reading))
        names = self.reading.plan.secret_names
        if adoption.may_be_secrets(deployment, objects, names):
            values = stored_secrets(self.backend.root, self.backend.stack)
            declared += adoption.declared_secrets(names, values, values[NAMING_KEY])
        missing = adoption.lost(deployment, self.backend.stack, objects, declared)
        faults: list[Fault] = list(adoption.foreign_faults(missing, self.backend.stack, objects))
        if faults:
            raise ForeignObjectError(faults)
        return missing

    def _settle(
        self, before: Deployment, listing: Future[tuple[SwarmObject, ...]]
    ) -> tuple[Deployment, frozenset[str]]:
        """The deployment without open operations, and the ids of what was removed from the swarm."""
        listed = operations(before)
        if not listed:
            return before, frozenset()
        unseen = [each for each in listed if each.made_unseen]
        found = swarm_objects.find(listing.result(), unseen) if unseen else {}
        settlements = [settle(each, found.get(each.urn)) for each in listed]
        for settlement in settlements:
            if settlement.sentence:
                self.say(settlement.sentence)
        self._act(settlements)
        removed = frozenset(each.id for each in settlements if each.action == "remove")
        return settled(before, settlements), removed

    def _act(self, settlements: list[Settlement]) -> None:
        secrets = [each.operation for each in settlements if each.action == "remove"]
        if secrets:
            swarm_objects.remove_secrets(self.settings, secrets)
        rolling = [each.operation for each in settlements if _rolls(each)]
        if rolling:
            self._await(rolling)

    def _await(self, rolling: list[Operation]) -> None:
        """A service that still rolls would be read half-way, and the run would not wait for it."""
        timeout_s = self.settings.swarm.converge_timeout_s
        self.say(f"waits until {', '.join(each.name for each in rolling)} rest")
        for line in swarm_objects.await_rest(self.settings, rolling, timeout_s):
            self.say(f"still rolls after {timeout_s} s: {line}; the run goes on, its status says more")

    def _without_dead_nodes(self, deployment: Deployment) -> Deployment:
        nodes = forget.undeclared(deployment, [node.name for node in self.settings.nodes])
        if not nodes:
            return deployment
        readable: dict[str, Any] = self.backend.export("--show-secrets")["deployment"]
        facts = observe(self.settings)
        if swarm_exists(self.settings, facts):
            entry = entry_manager(self.settings, facts)
            deployment = repointed(deployment, readable, tuple(nodes), entry)
        for name, urns in nodes.items():
            if not urns:
                continue
            silence = forget.silence(self.settings, forget.connection(readable, urns))
            ready = swarm_objects.ready_nodes(self.settings) if silence else {}
            sentence = forget.verdict(name, silence, ready)
            if sentence:
                self.say(sentence)
                deployment = forget.without(deployment, urns)
        return deployment


def _rolls(settlement: Settlement) -> bool:
    operation = settlement.operation
    return operation.rolls and (settlement.action == "adopt" or operation.doing == "updating")
