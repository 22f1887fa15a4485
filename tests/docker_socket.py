"""A Docker Engine's socket that serves some versions of the API and refuses the others."""

from __future__ import annotations

import json
import re
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

#: Oldest and newest API of the engines of Debian 12, Debian 13 and Ubuntu 24.04, and of a limited lab node.
ENGINES = {
    "20.10": ("1.12", "1.41"),
    "26.1": ("1.24", "1.45"),
    "26.1 limited": ("1.44", "1.45"),
    "29.1": ("1.44", "1.52"),
}


@dataclass
class FakeEngine:
    """What it serves and what it was asked; `answer` gets method, path and body, returns status and JSON."""

    oldest: str
    newest: str
    answer: Callable[[str, str, Any], tuple[int, Any]] = lambda *_: (200, {})
    names_version: bool = True
    asked: list[tuple[str, str, Any]] = field(default_factory=list)

    def respond(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        self.asked.append((method, path, body))
        if path == "/_ping":
            return 200, "OK"
        versioned = re.match(r"/v([0-9.]+)(/.*)", path)
        version, plain = (versioned[1], versioned[2]) if versioned else (self.newest, path)
        if _numbers(version) < _numbers(self.oldest):
            told = f"client version {version} is too old. Minimum supported API version is {self.oldest}"
            return 400, {"message": f"{told}, please upgrade your client to a newer version"}
        if _numbers(version) > _numbers(self.newest):
            told = f"client version {version} is too new. Maximum supported API version is {self.newest}"
            return 400, {"message": told}
        return self.answer(method, plain.partition("?")[0], body)


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 128


@contextmanager
def listening(engine: FakeEngine, socket: Path) -> Iterator[FakeEngine]:
    """The engine behind a socket."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, said = engine.respond(self.command, self.path, json.loads(sent) if sent else None)
            content = said.encode() if isinstance(said, str) else json.dumps(said).encode()
            self.send_response(status)
            if engine.names_version:
                self.send_header("Api-Version", engine.newest)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = _serve  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with _Server(str(socket), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield engine
        finally:
            server.shutdown()
            thread.join()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
