"""The Docker API of one swarm manager, over its local socket or through SSH."""

from __future__ import annotations

import asyncio
import atexit
import base64
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.plugins.docker.tunnel import Tunnel
from lab.plugins.docker.versions import OLDEST, VersionedApi
from lab.plugins.resource import PluginError

if TYPE_CHECKING:
    from requests import Response

Query = Mapping[str, Any]

_REQUEST_LIMIT_S = 120.0


class NotFoundError(PluginError):
    """The swarm has no such object: told apart from a swarm that could not be asked."""


@dataclass(frozen=True)
class Settings:
    """How to reach the Docker API; `registries` is name and password by registry host."""

    host: str = "unix:///var/run/docker.sock"
    ssh_options: tuple[str, ...] = ()
    registries: Mapping[str, tuple[str, str]] = field(default_factory=dict, repr=False)


class Client:
    """Requests to the Docker API; connects at the first one, so that an unused provider costs nothing."""

    def __init__(self) -> None:
        self._settings = Settings()
        self._lock = threading.Lock()
        self._tunnel: Tunnel | None = None
        self._api: VersionedApi | None = None
        atexit.register(self.close)

    def configure(self, settings: Settings) -> None:
        """Set where to connect; before the first request."""
        self._settings = settings

    async def get(self, path: str, image: str = "", **query: Any) -> Any:
        """The JSON answer of a GET; raises NotFoundError, or PluginError with Docker's own message."""
        return await asyncio.to_thread(self._call, "GET", path, query, None, self._headers(image))

    async def post(self, path: str, body: Any, image: str = "", **query: Any) -> Any:
        """The JSON answer of a POST; with `image`, the credentials of its registry go along."""
        return await asyncio.to_thread(self._call, "POST", path, query, body, self._headers(image))

    async def delete(self, path: str) -> None:
        """Remove an object."""
        await asyncio.to_thread(self._call, "DELETE", path, {}, None, {})

    def close(self) -> None:
        """End the SSH connection, if there is one."""
        if self._tunnel:
            self._tunnel.close()
            self._tunnel = None

    def _call(
        self, method: str, path: str, query: Mapping[str, Any], body: Any, headers: Mapping[str, str]
    ) -> Any:
        import requests

        connection = self._connected()
        params = {
            name: json.dumps(value) if isinstance(value, dict) else value for name, value in query.items()
        }
        try:
            answer = connection.api.request(
                method,
                connection.url(path),
                params=params,
                json=body,
                headers=headers,
                timeout=_REQUEST_LIMIT_S,
            )
        except requests.RequestException as error:
            raise PluginError(self._unreachable(error)) from error
        return _content(answer, method, path)

    def _connected(self) -> VersionedApi:
        with self._lock:
            if self._api is None or (self._tunnel and not self._tunnel.alive):
                self.close()
                self._api = self._connect()
            return self._api

    def _connect(self) -> VersionedApi:
        from docker import APIClient

        host = self._settings.host
        if host.startswith("ssh://"):
            self._tunnel = Tunnel(host, list(self._settings.ssh_options))
            self._tunnel.wait_until_open()
            host = f"unix://{self._tunnel.socket}"
        elif not host.startswith("unix://"):
            raise PluginError(f"host {host!r}: the offline docker plugin reaches ssh:// and unix:// only")
        else:  # docker-py takes a path for absolute; Docker's own client takes it as it is
            host = f"unix://{Path(host.removeprefix('unix://')).absolute()}"
        # A version is named so that the constructor asks nothing; every request names its own.
        api = APIClient(base_url=host, version=f"{OLDEST[0]}.{OLDEST[1]}", max_pool_size=64)
        return VersionedApi(api, self._settings.host)

    def _unreachable(self, error: Exception) -> str:
        words = f"; ssh: {self._tunnel.last_words()}" if self._tunnel else ""
        asked = f"please make sure that {self._settings.host} is reachable"
        return f"Error pinging Docker server, {asked}: {error}{words}"

    def _headers(self, image: str) -> dict[str, str]:
        if not image:
            return {}
        registry, slash, _ = image.partition("/")
        name, password = self._settings.registries.get(registry if slash else "", ("", ""))
        auth = {"username": name, "password": password, "serveraddress": registry} if name else {}
        return {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(auth).encode()).decode()}


def _content(answer: Response, method: str, path: str) -> Any:
    if answer.ok:
        return answer.json() if answer.content else None
    try:
        message = answer.json()["message"]
    except (ValueError, KeyError):
        message = answer.text or answer.reason
    kind = NotFoundError if answer.status_code == 404 else PluginError
    raise kind(
        f"Error response from daemon: {message} ({method} {path.partition('?')[0]}: {answer.status_code})"
    )
