"""Waiting until a service does what was asked of it: all tasks run and pass their health check.

Swarm reports a task as running only when its first health check has passed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from lab.plugins.docker.client import Client
from lab.plugins.docker.duration import format_ns, parse_ns
from lab.plugins.docker.fields import Values
from lab.plugins.docker.tasks import count_running, trouble
from lab.plugins.resource import Operation, PluginError

Json = dict[str, Any]

_POLL_S = 0.5
_QUIET_S = 7.0
"""How long after an update swarm may take to say that it has begun; the official plugin waits as long."""
_ENDED = {
    "rollback_completed": "service rollback completed",
    "paused": "service update paused",
    "rollback_paused": "service rollback paused",
}


@dataclass(frozen=True)
class Patience:
    """How long to wait before the first look, and in all."""

    delay_s: float
    timeout_s: float

    @staticmethod
    def of(converge: Values) -> Patience:
        """From a `convergeConfig` whose defaults are filled in."""
        return Patience(parse_ns(converge["delay"]) / 1e9, parse_ns(converge["timeout"]) / 1e9)


@dataclass(frozen=True)
class Waiter:
    """Waits for one service."""

    client: Client
    service_id: str
    operation: Operation
    patience: Patience

    async def until_created(self) -> None:
        """Return when every replica runs; raises PluginError when time is up."""
        await asyncio.sleep(self.patience.delay_s)
        async for service in self._looks():
            if await self._all_running(service):
                return

    async def until_updated(self, tasks_change: bool) -> None:
        """Return when swarm has rolled to the new version; raises PluginError when it rolled back or paused.

        `tasks_change`: whether the task template is another one. Swarm then reports an update status, but
        not at once: before it does, the old tasks running prove nothing.
        """
        trusted_from = time.monotonic() + (_QUIET_S if tasks_change else 0.0)
        async for service in self._looks():
            status = service.get("UpdateStatus") or {}
            if status.get("State") == "completed":
                return
            if status.get("State") in _ENDED:
                await self._fail(f"{_ENDED[status['State']]}: {status.get('Message', '')}")
            trusted = not status.get("State") and time.monotonic() >= trusted_from
            if await self._all_running(service) and trusted:
                return

    async def _looks(self) -> AsyncIterator[Json]:
        limit = time.monotonic() + self.patience.timeout_s
        while time.monotonic() < limit:
            yield await self.client.get(f"/services/{self.service_id}")
            await asyncio.sleep(_POLL_S)
        waited = format_ns(int(self.patience.timeout_s * 1e9))
        await self._fail(f"Service with ID ({self.service_id}) did not converge after {waited}")

    async def _all_running(self, service: Json) -> bool:
        replicas = (service["Spec"]["Mode"].get("Replicated") or {}).get("Replicas")
        if replicas is None:
            raise PluginError(
                f"service {service['Spec']['Name']}: no replica count; a global service can't converge"
            )
        filters = {"service": {self.service_id: True}, "desired-state": {"running": True}}
        tasks = await self.client.get("/tasks", filters=filters)
        nodes = await self.client.get("/nodes")
        down = frozenset(node["ID"] for node in nodes if node["Status"]["State"] == "down")
        running = count_running(tasks, down)
        return bool(running == replicas)

    async def _fail(self, reason: str) -> None:
        service = await self.client.get(f"/services/{self.service_id}")
        tasks = await self.client.get("/tasks", filters={"service": {self.service_id: True}})
        nodes = await self.client.get("/nodes")
        names = {node["ID"]: node["Description"]["Hostname"] for node in nodes}
        raise PluginError(f"{reason}; {trouble(service['Spec']['Name'], tasks, names, hint=reason)}")
