"""The proxy to Docker's API: what is only read is asked again, what changes something is sent once."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from components.ssh import docker_proxy
from components.ssh.docker_proxy import Conversation, Link, UnavailableError, settled

READ = b"GET /services HTTP/1.1\r\nHost: docker\r\n\r\n"
WRITE = b"POST /services/create HTTP/1.1\r\nHost: docker\r\nContent-Length: 2\r\n\r\n{}"
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"
NOT_A_MANAGER = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
NO_LEADER = b'HTTP/1.1 500 Internal Server Error\r\n\r\n{"message":"rpc error: code = Unknown"}'
FAULT = b'HTTP/1.1 500 Internal Server Error\r\n\r\n{"message":"subnet is taken"}'
SILENT = b""


class Engines:
    """Engines behind sockets. Each answers every request it gets with its bytes; SILENT hangs up."""

    def __init__(self, folder: Path, *answers: bytes, patience_s: float = 0) -> None:
        self.folder, self.answers, self.asked = folder, list(answers), [0] * len(answers)
        self.distrusted: list[object] = []
        self.current, self._patience_s = 0, patience_s
        self.unavailable_until = 0.0

    async def start(self) -> None:
        for number in range(len(self.answers)):
            await asyncio.start_unix_server(self._serve(number), self.folder / f"{number}.sock")

    def _serve(self, number: int) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await reader.read(65536):
                self.asked[number] += 1
                if not self.answers[number]:
                    break
                writer.write(self.answers[number])
            writer.close()

        return serve

    async def open(self) -> Link:
        if time.monotonic() < self.unavailable_until:
            raise UnavailableError("no leader")
        path = self.folder / f"{self.current}.sock"
        return Link(await asyncio.open_unix_connection(path), self.current)

    def patience_s(self) -> float:
        return self._patience_s

    def distrust(self, connection: object) -> None:
        if connection == self.current:
            self.current = min(self.current + 1, len(self.answers) - 1)


def asked(engines: Engines, *requests: bytes, then: Callable[[], None] = lambda: None) -> list[bytes]:
    """What one client gets, request by request, by way of a Conversation; `then`: done after each answer."""

    async def run() -> list[bytes]:
        await engines.start()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await Conversation((reader, writer), engines).hold()

        await asyncio.start_unix_server(serve, engines.folder / "proxy.sock")
        reader, writer = await asyncio.open_unix_connection(engines.folder / "proxy.sock")
        answers = []
        for request in requests:
            writer.write(request)
            answers.append(await asyncio.wait_for(reader.read(65536), 10))
            then()
        writer.close()
        return answers

    return asyncio.run(run())


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_proxy, "PAUSE_S", 0.01)
    monkeypatch.setattr(docker_proxy, "WAIT_S", 1)


def test_requests_of_one_connection_are_answered_in_turn(tmp_path: Path) -> None:
    engines = Engines(tmp_path, GOOD)
    assert asked(engines, READ, WRITE, READ) == [GOOD] * 3
    assert engines.asked == [3]


@pytest.mark.parametrize("first", [SILENT, NOT_A_MANAGER, NO_LEADER], ids=["hangs up", "503", "no leader"])
def test_what_only_reads_is_asked_again_elsewhere(first: bytes, tmp_path: Path) -> None:
    engines = Engines(tmp_path, first, GOOD)
    assert asked(engines, READ) == [GOOD]
    assert engines.asked == [1, 1]


@pytest.mark.parametrize("first", [SILENT, NOT_A_MANAGER, NO_LEADER], ids=["hangs up", "503", "no leader"])
def test_what_changes_something_is_sent_once(first: bytes, tmp_path: Path) -> None:
    engines = Engines(tmp_path, first, GOOD)
    assert asked(engines, WRITE) == [first]
    assert engines.asked == [1, 0]


def test_a_fault_that_stays_is_handed_over_at_once(tmp_path: Path) -> None:
    engines = Engines(tmp_path, FAULT, GOOD)
    assert asked(engines, READ) == [FAULT]


def test_after_its_time_the_last_answer_is_handed_over(tmp_path: Path) -> None:
    began = time.monotonic()
    assert asked(Engines(tmp_path, NOT_A_MANAGER), READ) == [NOT_A_MANAGER]
    assert 0.9 < time.monotonic() - began < 5


def test_the_time_for_an_answer_begins_with_its_request(tmp_path: Path) -> None:
    engines = Engines(tmp_path, GOOD, GOOD)

    def idle_while_the_manager_leaves() -> None:
        time.sleep(docker_proxy.WAIT_S + 0.1)
        engines.answers[0] = NOT_A_MANAGER

    assert asked(engines, READ, READ, then=idle_while_the_manager_leaves) == [GOOD, GOOD]
    assert engines.asked == [2, 1]


def test_a_client_that_goes_away_is_no_fault(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    engines = Engines(tmp_path, GOOD * 10_000)

    async def run() -> None:
        await engines.start()
        over = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await Conversation((reader, writer), engines).hold()
            over.set()

        await asyncio.start_unix_server(serve, tmp_path / "proxy.sock")
        _, writer = await asyncio.open_unix_connection(tmp_path / "proxy.sock", limit=1)
        writer.write(READ)
        await asyncio.sleep(0.2)
        writer.transport.abort()
        await asyncio.wait_for(over.wait(), 10)

    asyncio.run(run())
    assert caplog.records == []


def test_without_any_manager_the_client_is_told_why(tmp_path: Path) -> None:
    engines = Engines(tmp_path, GOOD)
    engines.unavailable_until = time.monotonic() + 60
    (answer,) = asked(engines, WRITE)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503")
    assert json.loads(body) == {"message": "no leader"}


def test_an_election_is_waited_for_whatever_the_request(tmp_path: Path) -> None:
    engines = Engines(tmp_path, GOOD, patience_s=5)
    engines.unavailable_until = time.monotonic() + 0.3
    assert asked(engines, WRITE) == [GOOD]
    assert engines.asked == [1]


def test_an_answer_is_told_from_a_passing_trouble() -> None:
    assert settled(GOOD)
    assert settled(FAULT)
    assert settled(b"HTTP/1.1 404 Not Found\r\n\r\n")
    assert not settled(b"")
    assert not settled(NOT_A_MANAGER)
    assert not settled(NO_LEADER)
