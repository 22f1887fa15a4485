"""Whether a Docker engine answers at a local socket: asked before anything else, as the official plugin does.

It asks hosts that aren't `ssh://`, once, when it is configured; what doesn't answer ends the run there.
https://github.com/pulumi/pulumi-docker/blob/v5.2.0/provider/image.go (configureDockerClient)
"""

from __future__ import annotations

import http.client
import socket

from lab.plugins.resource import PluginError

_LIMIT_S = 30.0


class _Connection(http.client.HTTPConnection):
    """HTTP over a local socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_LIMIT_S)
        self._path = path

    def connect(self) -> None:
        """Called at the first request."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_LIMIT_S)
        self.sock.connect(self._path)


def is_local(host: str) -> bool:
    """Whether the official plugin asks this host when it is configured."""
    return host.startswith("unix://")


def ensure_answers(host: str) -> None:
    """Raises PluginError unless the engine at `unix://<path>` answers a ping with 200."""
    connection = _Connection(host.removeprefix("unix://"))
    try:
        connection.request("GET", "/_ping")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise PluginError(_fault(host, str(error) or type(error).__name__)) from None
    finally:
        connection.close()
    if status != http.HTTPStatus.OK:
        raise PluginError(_fault(host, f"/_ping answers {status}"))


def _fault(host: str, reason: str) -> str:
    return (
        f"failed to connect to any docker daemon: {host}: {reason}; start the engine, or what forwards to it"
    )
