"""Which version of the Docker API to speak: the engine names its newest one, and serves old ones no longer.

https://docs.docker.com/reference/api/engine/#versioned-api-and-sdk
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lab.plugins.resource import PluginError

if TYPE_CHECKING:
    from docker import APIClient

OLDEST = (1, 41)  # Docker Engine 20.10; older ones know no jobs and no capabilities of a service
NEWEST = (1, 45)  # Docker Engine 26.1: what newer ones answer was not tried; 29.1 serves 1.44 and later
_PING_LIMIT_S = 120.0


def chosen(offered: str, host: str) -> str:
    """The version to speak with the engine of `host`, whose newest is `offered`. Raises PluginError."""
    named = re.fullmatch(r"([0-9]+)\.([0-9]+)", offered)
    if not named:
        raise PluginError(
            f"host {host!r}: names no version of the Docker API in its answer to /_ping; "
            "see which engine runs there"
        )
    theirs = (int(named[1]), int(named[2]))
    if theirs < OLDEST:
        raise PluginError(
            f"host {host!r}: serves Docker API {offered} at most; "
            f"install Docker Engine 20.10 (API {_text(OLDEST)}) or newer"
        )
    return _text(min(theirs, NEWEST))


class VersionedApi:
    """One connection to an engine. It asks for the version at its first request, once."""

    def __init__(self, api: APIClient, host: str) -> None:
        self.api = api
        self._host = host
        self._version = ""

    def url(self, path: str) -> str:
        """The address of `path`, version included. Raises PluginError or requests.RequestException.

        Requests at the same moment may each ask: an engine that hangs holds up none but its own.
        """
        if not self._version:
            answer = self.api.get(f"{self.api.base_url}/_ping", timeout=_PING_LIMIT_S)
            self._version = chosen(answer.headers.get("Api-Version", ""), self._host)
        return f"{self.api.base_url}/v{self._version}{path}"


def _text(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
