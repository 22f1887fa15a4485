"""What the offline docker plugin makes of an engine that does not answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingUnixStreamServer

import pytest

from lab.plugins.docker.__main__ import provider
from lab.plugins.docker.client import Client
from lab.plugins.docker.objects import ConfigBackend
from lab.plugins.docker.reachable import ensure_answers
from lab.plugins.docker.read_errors import VARIABLE, ReadErrors
from lab.plugins.resource import PluginError
from lab.plugins.values import UNKNOWN


class Engine(ThreadingUnixStreamServer):
    """Answers everything with `status`; hangs up when that is empty."""

    daemon_threads = True
    status = b"200 OK"


class Answer(BaseRequestHandler):
    def handle(self) -> None:
        self.request.recv(65536)
        status = self.server.status  # type: ignore[attr-defined]
        if status:
            self.request.sendall(
                b"HTTP/1.1 " + status + b"\r\nApi-Version: 1.41\r\nContent-Length: 0\r\n\r\n"
            )


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    server = Engine(str(tmp_path / "docker.sock"), Answer)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def host(engine: Engine) -> str:
    return f"unix://{engine.server_address!s}"


def configure(given: object) -> None:
    async def run() -> None:
        made = provider(Client())
        assert made.configure
        await made.configure({"host": given})

    asyncio.run(run())


def test_an_engine_that_answers_passes(engine: Engine) -> None:
    configure(host(engine))


@pytest.mark.parametrize("status", [b"503 Service Unavailable", b""], ids=["503", "hangs up"])
def test_an_engine_that_does_not_ends_the_run(engine: Engine, status: bytes) -> None:
    engine.status = status
    with pytest.raises(PluginError, match="failed to connect to any docker daemon"):
        configure(host(engine))


def test_a_socket_that_is_missing_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="No such file"):
        ensure_answers(f"unix://{tmp_path}/none.sock")


@pytest.mark.parametrize("given", [UNKNOWN, "ssh://root@192.0.2.1:22"], ids=["not known yet", "over SSH"])
def test_other_hosts_are_not_asked(given: object) -> None:
    configure(given)


@pytest.mark.parametrize(
    ("rule", "answered", "gone"),
    [("", True, False), ("error", True, False), ("gone", True, True), ("gone", False, False)],
)
def test_a_failed_read_means_gone_only_by_the_switch_and_after_an_answer(
    engine: Engine, rule: str, answered: bool, gone: bool
) -> None:
    client, read_errors = Client(), ReadErrors({VARIABLE: rule})
    client.configure(type(client._settings)(host=host(engine)))
    engine.status = b"503 Service Unavailable"
    read_errors.answered = answered
    reading = ConfigBackend(client, read_errors).read("id", {})
    if gone:
        assert asyncio.run(reading) is None
    else:
        with pytest.raises(PluginError):
            asyncio.run(reading)


def test_a_rule_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "ignore")
    with pytest.raises(PluginError, match=VARIABLE):
        configure("ssh://root@192.0.2.1:22")
