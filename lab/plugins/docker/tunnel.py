"""One SSH connection to a node's Docker socket, by the system's ssh, however many requests run at once."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from lab.plugins.resource import PluginError

_REMOTE_SOCKET = "/var/run/docker.sock"
_CONNECT_LIMIT_S = 60.0


@dataclass(frozen=True)
class Destination:
    """Where to connect: an `ssh://[user@]host[:port][/path/of/docker.sock]` taken apart."""

    host: str
    user: str | None
    port: int | None
    remote_socket: str

    @staticmethod
    def parse(url: str) -> Destination:
        """Raises PluginError for a URL that ssh could not be called with."""
        parts = urlsplit(url)
        if not parts.hostname or parts.hostname.startswith("-") or parts.password or parts.query:
            raise PluginError(f"host {url!r}: give ssh://user@address:port, no password and no query")
        path = parts.path if parts.path not in ("", "/") else _REMOTE_SOCKET
        return Destination(parts.hostname, parts.username, parts.port, path)


class Tunnel:
    """A running `ssh -L`. It ends with this process, even a killed one: the remote command reads our pipe."""

    def __init__(self, url: str, ssh_options: list[str]) -> None:
        self._url = url
        self._folder = Path(tempfile.mkdtemp(prefix="docker-plugin-"))
        self.socket = self._folder / "docker.sock"
        self._errors = self._folder / "stderr"
        command = _command(Destination.parse(url), ssh_options, self.socket)
        with self._errors.open("wb") as errors:
            self._ssh = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )

    @property
    def alive(self) -> bool:
        """Whether ssh still runs."""
        return self._ssh.poll() is None

    def wait_until_open(self) -> None:
        """Return when the socket accepts; raises PluginError with ssh's own words when it ends instead."""
        limit = time.monotonic() + _CONNECT_LIMIT_S
        while not self._accepts():
            if not self.alive:
                raise PluginError(f"{self._url}: ssh ended with {self._ssh.returncode}: {self.last_words()}")
            if time.monotonic() > limit:
                raise PluginError(
                    f"{self._url}: ssh did not connect in {_CONNECT_LIMIT_S:.0f} s: {self.last_words()}"
                )
            time.sleep(0.02)

    def last_words(self) -> str:
        """What ssh wrote to its stderr so far."""
        text = self._errors.read_text(errors="replace").strip() if self._errors.exists() else ""
        return "; ".join(line.strip() for line in text.splitlines()) or "(ssh wrote nothing)"

    def close(self) -> None:
        """End ssh and remove the socket."""
        self._ssh.kill()
        self._ssh.wait()
        if self._ssh.stdin:
            self._ssh.stdin.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _accepts(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.socket))
            except OSError:
                return False
        return True


def _command(destination: Destination, ssh_options: list[str], local_socket: Path) -> list[str]:
    """ssh's arguments; `cat` keeps the session open until our end of its stdin closes."""
    forwarding = [
        *("-o", "ExitOnForwardFailure=yes", "-o", "StreamLocalBindUnlink=yes"),
        *("-T", "-L", f"{local_socket}:{destination.remote_socket}"),
    ]
    user = ["-l", destination.user] if destination.user else []
    port = ["-p", str(destination.port)] if destination.port else []
    return ["ssh", *ssh_options, *user, *port, *forwarding, "--", destination.host, "cat >/dev/null"]
