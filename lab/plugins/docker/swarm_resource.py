# ruff: noqa: D102 - the methods are described in lab.plugins.resource.Resource
"""Pulumi's operations on any kind of swarm object: check, diff, create, read, update, delete."""

from __future__ import annotations

from components.identity import without_notes
from lab.plugins.docker.align import aligned
from lab.plugins.docker.backend import Backend
from lab.plugins.docker.check import conflicts, faults, with_defaults
from lab.plugins.docker.difference import changes
from lab.plugins.docker.ignored import ignored_steps, is_ignored, with_ignored
from lab.plugins.docker.inputs import imported, refreshed
from lab.plugins.docker.plan import planned
from lab.plugins.docker.sealing import sealed
from lab.plugins.resource import Change, Diff, Failure, InitFailedError, Operation, PluginError
from lab.plugins.values import Props, plain


class SwarmResource:
    """One resource type in front of its backend (implements `lab.plugins.resource.Resource`)."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._fields = backend.schema.fields

    async def check(self, operation: Operation, olds: Props, news: Props) -> tuple[Props, list[Failure]]:
        given = plain(news)
        inputs = with_defaults(self._fields, given)
        found = [*faults(self._fields, inputs), *conflicts(given, self._backend.schema.conflicts)]
        failures = [Failure(fault.path, fault.reason) for fault in found]
        return sealed(self._fields, inputs, news), failures

    async def diff(
        self, operation: Operation, old_inputs: Props, state: Props, news: Props, ignore: list[str]
    ) -> Diff:
        before, given = plain(state), plain(news)
        ignored = ignored_steps(ignore, before, given)
        found = {
            change.path: _kind(change.kind, change.replaces)
            for change in changes(self._fields, before, planned(self._fields, before, given))
            if not is_ignored(change.steps, ignored)
        }
        return Diff(found, delete_before_replace=any(kind.endswith("-replace") for kind in found.values()))

    async def create(self, operation: Operation, inputs: Props, preview: bool) -> tuple[str, Props]:
        given = plain(inputs)
        if preview:
            return "", sealed(self._fields, planned(self._fields, {}, given, creating=True), inputs)
        id = await self._backend.create(operation, planned(self._fields, {}, given))
        try:
            return id, await self._outputs(id, inputs)
        except PluginError as error:
            raise InitFailedError(str(error), id, inputs, inputs) from error

    async def read(
        self, operation: Operation, id: str, inputs: Props, state: Props
    ) -> tuple[str, Props, Props]:
        known = without_notes(plain(state))
        found = await self._backend.read(id, known)
        if found is None:
            return "", {}, {}
        id, outputs = found
        outputs = aligned(self._fields, outputs, known)
        old_inputs = plain(inputs)
        now = refreshed(self._fields, old_inputs, outputs) if old_inputs else imported(self._fields, outputs)
        return id, sealed(self._fields, now, inputs), sealed(self._fields, outputs, state)

    async def update(
        self, operation: Operation, id: str, state: Props, news: Props, ignore: list[str], preview: bool
    ) -> Props:
        before, given = plain(state), plain(news)
        ignored = ignored_steps(ignore, before, given)
        after = with_ignored(planned(self._fields, before, given), before, ignored)
        if preview:
            return sealed(self._fields, after, news)
        try:
            await self._backend.update(operation, id, after)
            return await self._outputs(id, news)
        except PluginError as error:
            raise InitFailedError(str(error), id, sealed(self._fields, after, news), news) from error

    async def delete(self, operation: Operation, id: str, state: Props) -> None:
        await self._backend.delete(operation, id, plain(state))

    async def _outputs(self, id: str, inputs: Props) -> Props:
        """What the swarm made of the inputs."""
        known = plain(inputs)
        found = await self._backend.read(id, known)
        if found is None:
            raise PluginError(f"{known['name']}: was made, but is gone again")
        return sealed(self._fields, aligned(self._fields, found[1], known), inputs)


def _kind(kind: str, replaces: bool) -> Change:
    kinds: dict[tuple[str, bool], Change] = {
        ("add", False): "add",
        ("add", True): "add-replace",
        ("update", False): "update",
        ("update", True): "update-replace",
        ("delete", False): "delete",
        ("delete", True): "delete-replace",
    }
    return kinds[kind, replaces]
