"""A local Docker socket that leads to the target, and answers badly when a test says so."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Literal

from tests.contract.target import Target

#: `works`; `missing`: no socket; `closes`: accepts and hangs up; `refuses`: answers 503 to everything;
#: `headless`: answers a ping, and 503 to all else, as a manager does whose swarm has no leader;
#: `drops`: answers a ping, and hangs up on all else, as sshd does that has too many connections.
Mood = Literal["works", "missing", "closes", "refuses", "headless", "drops"]

_OPEN_LIMIT_S = 20.0
_MESSAGE = b'{"message":"rpc error: code = Unknown desc = The swarm does not have a leader."}\n'
_PING = b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
_REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nApi-Version: 1.41\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n%s"
)


class FaultySocket:
    """A socket at `host`; `be` sets its mood between runs."""

    def __init__(self, target: Target) -> None:
        self._mood: Mood = "works"
        self._folder = Path(tempfile.mkdtemp(prefix="contract-"))
        self._path, self._away = self._folder / "docker.sock", self._folder / "away.sock"
        self._real = self._folder / "real.sock"
        forwarding = ["-N", "-L", f"{self._real}:/var/run/docker.sock"]
        self._ssh = subprocess.Popen(target.ssh_command(*forwarding), stdin=subprocess.DEVNULL)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._path))
        self._listener.listen(128)
        threading.Thread(target=self._serve, daemon=True).start()
        _wait_for(self._real)

    @property
    def host(self) -> str:
        """What a provider is given as its host."""
        return f"unix://{self._path}"

    def be(self, mood: Mood) -> None:
        """Answer so from now on."""
        self._mood = mood
        if mood == "missing" and self._path.exists():
            self._path.rename(self._away)
        elif mood != "missing" and self._away.exists():
            self._away.rename(self._path)

    def close(self) -> None:
        """End the forwarding, remove the socket."""
        self._listener.close()
        self._ssh.kill()
        self._ssh.wait()
        shutil.rmtree(self._folder)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        with client:
            if self._mood == "works":
                self._forward(client)
            elif self._mood != "closes":
                _misbehave(client, self._mood)

    def _forward(self, client: socket.socket) -> None:
        with socket.socket(socket.AF_UNIX) as real:
            real.connect(str(self._real))
            back = threading.Thread(target=_copy, args=(real, client), daemon=True)
            back.start()
            _copy(client, real)
            back.join()


def _misbehave(client: socket.socket, mood: Mood) -> None:
    method, path, *_ = client.recv(65536).split(b" ", 2)
    pings = mood in ("headless", "drops") and path.endswith(b"/_ping")
    if pings:
        client.sendall(_PING % (2, b"" if method == b"HEAD" else b"OK"))
    elif mood != "drops":
        client.sendall(_REFUSAL % (len(_MESSAGE), b"" if method == b"HEAD" else _MESSAGE))


def _copy(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


def _wait_for(path: Path) -> None:
    limit = time.monotonic() + _OPEN_LIMIT_S
    while not path.exists():
        assert time.monotonic() < limit, f"{path}: ssh did not forward it in time"
        time.sleep(0.05)
