# ruff: noqa: D102 - the methods are described in backend.Backend
"""Services: `docker:index/service:Service`."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from lab.plugins.docker.client import Client, NotFoundError
from lab.plugins.docker.convergence import Patience, Waiter
from lab.plugins.docker.duration import parse_ns
from lab.plugins.docker.fields import Values
from lab.plugins.docker.registry import pinned
from lab.plugins.docker.service_schema import SERVICE
from lab.plugins.docker.service_spec import service_spec
from lab.plugins.docker.service_state import awaits_ports, service_state
from lab.plugins.docker.tasks import is_live
from lab.plugins.resource import Operation, PluginError

Json = dict[str, Any]

_ENDPOINT_LIMIT_S = 5.0
_POLL_S = 0.2
_STOP_MARGIN_S = 10.0


class ServiceBackend:
    """Creates, reads, rolls and removes services."""

    schema = SERVICE

    def __init__(self, client: Client) -> None:
        self._client = client

    async def create(self, operation: Operation, values: Values) -> str:
        """A service that does not converge is removed again, as is one whose creation was cancelled."""
        image = values["taskSpec"]["containerSpec"]["image"]
        spec = await pinned(self._client, service_spec(values), operation)
        made = await self._client.post("/services/create", spec, image)
        id = str(made["ID"])
        converge = values.get("convergeConfig")
        if converge:
            try:
                await Waiter(self._client, id, operation, Patience.of(converge)).until_created()
            except (PluginError, asyncio.CancelledError):
                await asyncio.shield(self._client.delete(f"/services/{id}"))
                raise
        return id

    async def read(self, id: str, known: Values) -> tuple[str, Json] | None:
        """By id, else by name: a service made anew under the same name is the same one."""
        service = await self._inspect(id)
        if service is None and known.get("name"):
            service = await self._inspect(known["name"])
        if service is None:
            return None
        kept = {name: known[name] for name in ("auth", "convergeConfig") if name in known}
        return service["ID"], service_state(service) | kept

    async def update(self, operation: Operation, id: str, values: Values) -> None:
        before = await self._client.get(f"/services/{id}")
        image = values["taskSpec"]["containerSpec"]["image"]
        version = before["Version"]["Index"]
        await self._client.post(f"/services/{id}/update", service_spec(values), image, version=version)
        converge = values.get("convergeConfig")
        if converge:
            after = await self._client.get(f"/services/{id}")
            tasks_change = before["Spec"]["TaskTemplate"] != after["Spec"]["TaskTemplate"]
            await Waiter(self._client, id, operation, Patience.of(converge)).until_updated(tasks_change)

    async def delete(self, operation: Operation, id: str, known: Values) -> None:
        """Remove it and wait while its tasks stop, so that what they used can be removed next."""
        try:
            tasks = await self._client.get("/tasks", filters={"service": {id: True}})
            await self._client.delete(f"/services/{id}")
        except NotFoundError:
            return
        grace_s = parse_ns(known["taskSpec"]["containerSpec"].get("stopGracePeriod") or "") / 1e9
        limit = time.monotonic() + grace_s + _STOP_MARGIN_S
        while time.monotonic() < limit:
            stopping = {task["ID"]: True for task in tasks if is_live(task)}
            if not stopping:
                return
            await operation.status(f"{len(stopping)} tasks to stop")
            await asyncio.sleep(_POLL_S)
            tasks = await self._client.get("/tasks", filters={"id": stopping})

    async def _inspect(self, reference: str) -> Json | None:
        """The service, its ports allocated unless swarm takes too long over it; None when there is none."""
        limit = time.monotonic() + _ENDPOINT_LIMIT_S
        while True:
            try:
                service: Json = await self._client.get(f"/services/{reference}")
            except NotFoundError:
                return None
            if not awaits_ports(service) or time.monotonic() > limit:
                return service
            await asyncio.sleep(_POLL_S)
