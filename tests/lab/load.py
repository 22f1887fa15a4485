"""A steady, bounded stream of requests, by a client that knows both edges as DNS would give them.

A connection that fails is tried on the other edge, as browsers and curl do with two A records; anything
else that isn't a whole 2xx answer is a failed request.
"""

from __future__ import annotations

import http.client
import itertools
import json
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Edge:
    """Where requests go: addresses of the edge nodes, the name they answer to, whom to trust."""

    addresses: tuple[str, ...]
    domain: str
    trust: ssl.SSLContext

    def get(self, path: str, start: int = 0) -> tuple[int, bytes]:
        """Status and body from the first edge that takes the connection. Raises OSError, HTTPException."""
        return self._ask("GET", path, start)

    def post(self, path: str, content: object, token: str, start: int = 0) -> tuple[int, bytes]:
        """As `get`: sent once, to the first edge that takes the connection."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return self._ask("POST", path, start, json.dumps(content), headers)

    def _ask(
        self, method: str, path: str, start: int, body: str | None = None, headers: Mapping[str, str] = {}
    ) -> tuple[int, bytes]:
        refused: OSError | None = None
        for offset in range(len(self.addresses)):
            address = self.addresses[(start + offset) % len(self.addresses)]
            try:
                connection = self._connect(address)
            except OSError as error:  # refused, or reset before a byte of the request was sent
                refused = error
                continue
            try:
                connection.request(method, path, body, {"Host": self.domain, **headers})
                response = connection.getresponse()
                return response.status, response.read()
            finally:
                connection.close()
        raise refused or OSError("no edge is known")

    def _connect(self, address: str) -> http.client.HTTPSConnection:
        connection = _Pinned(self.domain, address, self.trust)
        connection.connect()
        return connection


class _Pinned(http.client.HTTPSConnection):
    """TLS to `address` in the name of `domain`."""

    def __init__(self, domain: str, address: str, trust: ssl.SSLContext) -> None:
        super().__init__(domain, 443, timeout=10, context=trust)
        self._address, self._trust = address, trust

    def connect(self) -> None:
        plain = socket.create_connection((self._address, 443), timeout=2)
        self.sock = self._trust.wrap_socket(plain, server_hostname=self.host)
        self.sock.settimeout(10)


@dataclass
class Load:
    """Requests to `paths` in turn, one every `interval_s`, from `with` until its end, `limit` at most."""

    edge: Edge
    paths: Sequence[str]
    interval_s: float = 0.05
    limit: int = 20_000
    answered: int = 0
    failures: list[str] = field(default_factory=list)
    slowest_s: float = 0.0

    def __enter__(self) -> Load:
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(worker,)) for worker in range(2)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=30)

    def _run(self, worker: int) -> None:
        for number in itertools.count(worker):
            if self._stop.wait(self.interval_s) or number > self.limit:
                return
            path = self.paths[number // 2 % len(self.paths)]
            began = time.monotonic()
            try:
                status, _ = self.edge.get(path, start=number)
                if not 200 <= status < 300:
                    self.failures.append(f"{time.strftime('%X')} {path}: {status}")
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(f"{time.strftime('%X')} {path}: {type(error).__name__} {error}")
            self.answered += 1
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)
