# ruff: noqa: D102 - the methods are described in backend.Backend
"""Networks, secrets and configs: made, read and removed, never changed."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import time
from typing import Any

from lab.plugins.docker.client import Client, NotFoundError
from lab.plugins.docker.fields import Schema, Values
from lab.plugins.docker.object_schemas import CONFIG, NETWORK, SECRET
from lab.plugins.docker.read_errors import ReadErrors
from lab.plugins.docker.service_spec import labels
from lab.plugins.docker.service_state import label_set
from lab.plugins.resource import Operation, PluginError

Json = dict[str, Any]

_FREED_LIMIT_S = 30.0
_ALLOCATED_LIMIT_S = 10.0
_POLL_S = 0.2
_POOL = {"subnet": "Subnet", "ipRange": "IPRange", "gateway": "Gateway", "auxAddress": "AuxiliaryAddresses"}


class _Immutable:
    """What the three have in common: `path` is their place in the API."""

    schema: Schema
    path: str

    def __init__(self, client: Client, read_errors: ReadErrors) -> None:
        self._client = client
        self._read_errors = read_errors

    async def update(self, operation: Operation, id: str, values: Values) -> None:
        raise PluginError(f"{values['name']}: can't be changed in place")

    async def _inspect(self, id: str) -> Json | None:
        try:
            found: Json = await self._client.get(f"{self.path}/{id}")
        except NotFoundError:
            return None
        except PluginError:
            if self._read_errors.mean_gone():
                return None
            raise
        self._read_errors.answered = True
        return found

    async def delete(self, operation: Operation, id: str, known: Values) -> None:
        with contextlib.suppress(NotFoundError):
            await self._client.delete(f"{self.path}/{id}")


class NetworkBackend(_Immutable):
    """Networks: `docker:index/network:Network`."""

    schema = NETWORK
    path = "/networks"

    async def create(self, operation: Operation, values: Values) -> str:
        body = {
            "Name": values["name"],
            "CheckDuplicate": True,
            "Driver": values.get("driver") or "",
            "Options": values.get("options") or {},
            "Labels": labels(values.get("labels")),
            "Internal": bool(values.get("internal")),
            "Attachable": bool(values.get("attachable")),
            "Ingress": bool(values.get("ingress")),
            "EnableIPv6": bool(values.get("ipv6")),
            "IPAM": {
                "Driver": values.get("ipamDriver") or "default",
                "Options": values.get("ipamOptions") or {},
                "Config": [_pool(pool) for pool in values.get("ipamConfigs") or []],
            },
        }
        try:
            made = await self._client.post("/networks/create", body)
        except PluginError as error:
            raise PluginError(f"Unable to create network: {error}") from error
        return str(made["Id"])

    async def read(self, id: str, known: Values) -> tuple[str, Json] | None:
        limit = time.monotonic() + _ALLOCATED_LIMIT_S
        while (found := await self._inspect(id)) and not _is_allocated(found) and time.monotonic() < limit:
            await asyncio.sleep(_POLL_S)
        if found is None:
            return None
        ipam = found.get("IPAM") or {}
        return found["Id"], {
            "name": found["Name"],
            "labels": label_set(found.get("Labels")),
            "driver": found["Driver"],
            "options": found.get("Options") or {},
            "internal": found["Internal"],
            "attachable": found["Attachable"],
            "ingress": found["Ingress"],
            "ipv6": found["EnableIPv6"],
            "ipamDriver": ipam.get("Driver") or "",
            "ipamOptions": ipam.get("Options") or {},
            "ipamConfigs": [_pool_state(pool) for pool in ipam.get("Config") or []],
            "scope": found["Scope"],
        }

    async def delete(self, operation: Operation, id: str, known: Values) -> None:
        """Waits while containers that were just stopped hold it."""
        limit = time.monotonic() + _FREED_LIMIT_S
        while True:
            try:
                return await super().delete(operation, id, known)
            except PluginError as error:
                if time.monotonic() > limit or not _is_in_use(error):
                    raise
            await asyncio.sleep(_POLL_S)


class SecretBackend(_Immutable):
    """Secrets: `docker:index/secret:Secret`. Swarm never gives the data back, so none can be imported."""

    schema = SECRET
    path = "/secrets"

    async def create(self, operation: Operation, values: Values) -> str:
        body = {"Name": values["name"], "Labels": labels(values.get("labels")), "Data": values["data"]}
        return str((await self._client.post("/secrets/create", body))["ID"])

    async def read(self, id: str, known: Values) -> tuple[str, Json] | None:
        found = await self._inspect(id) if "data" in known else None
        if found is None:
            return None
        spec = found["Spec"]
        state = {"name": spec["Name"], "labels": label_set(spec.get("Labels")), "data": known["data"]}
        return found["ID"], state


class ConfigBackend(_Immutable):
    """Configs: `docker:index/serviceConfig:ServiceConfig`."""

    schema = CONFIG
    path = "/configs"

    async def create(self, operation: Operation, values: Values) -> str:
        if ("data" in values) == ("dataRaw" in values):
            raise PluginError(f"config {values['name']}: give exactly one of data and dataRaw")
        data = values.get("data") or base64.b64encode(values["dataRaw"].encode()).decode()
        body = {"Name": values["name"], "Labels": labels(values.get("labels")), "Data": data}
        return str((await self._client.post("/configs/create", body))["ID"])

    async def read(self, id: str, known: Values) -> tuple[str, Json] | None:
        found = await self._inspect(id)
        if found is None:
            return None
        spec = found["Spec"]
        data = spec.get("Data") or ""
        raw = {"dataRaw": base64.b64decode(data).decode()} if known.get("dataRaw") else {"data": data}
        return found["ID"], {"name": spec["Name"], "labels": label_set(spec.get("Labels")), **raw}


def _pool(pool: Values) -> Json:
    names = {
        "subnet": "Subnet",
        "ipRange": "IPRange",
        "gateway": "Gateway",
        "auxAddress": "AuxiliaryAddresses",
    }
    return {theirs: pool[ours] for ours, theirs in names.items() if pool.get(ours)}


def _pool_state(pool: Json) -> Json:
    names = {
        "subnet": "Subnet",
        "ipRange": "IPRange",
        "gateway": "Gateway",
        "auxAddress": "AuxiliaryAddresses",
    }
    return {ours: pool[theirs] for ours, theirs in names.items() if pool.get(theirs)}


def _is_allocated(network: Json) -> bool:
    """Whether swarm has given its network what it needs; before, subnet, gateway and options lack."""
    pools = (network.get("IPAM") or {}).get("Config")
    return network["Scope"] != "swarm" or bool(network.get("Driver") and pools)


def _is_in_use(error: PluginError) -> bool:
    return "has active endpoints" in str(error) or "in use by" in str(error)
