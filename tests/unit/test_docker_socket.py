"""The swarm's Docker socket on this machine: its name, its runs, and that nothing is left of it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import Mock

import asyncssh
import pytest

from components.errors import ConfigurationError, Fault
from components.settings import Node, Settings
from components.ssh import docker_proxy, swarm_managers
from components.ssh.docker_proxy import UnavailableError
from components.ssh.docker_socket import FOLDER, LOOK_S, OPEN, DockerSocket, SocketError, socket_url
from components.ssh.election import NoSwarmManagerError, Vote
from components.ssh.swarm_managers import SwarmManagers
from ops import connected
from ops.connected import stack_of
from tests.unit.examples import settings

ROOT = Path(__file__).parents[2]


def faulty() -> Settings:
    raise ConfigurationError([Fault("nodes", "is missing", "add it")])


def ask(folder: Path) -> str:
    """What the socket of stack `lab` answers."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(folder / FOLDER / "lab.sock"))
        client.sendall(b"GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n")
        return client.recv(65536).decode()


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_address_names_no_machine_and_no_checkout() -> None:
    assert socket_url("lab") == "unix://.tools/run/lab.sock"


def test_a_faulty_stack_file_is_told_to_the_client(tmp_path: Path) -> None:
    with DockerSocket(tmp_path, "lab", faulty).opened():
        answer = ask(tmp_path)
    assert answer.startswith("HTTP/1.1 503")
    assert "nodes: is missing; add it" in json.loads(answer.partition("\r\n\r\n")[2])["message"]


def test_nothing_is_left_behind_and_only_the_owner_may_use_it(tmp_path: Path) -> None:
    with DockerSocket(tmp_path, "lab", faulty).opened():
        names = sorted(file.name for file in FOLDER.iterdir())
        assert names == [f"lab.{os.getpid()}.sock", "lab.sock"]
        assert FOLDER.stat().st_mode & 0o077 == 0
        assert (FOLDER / "lab.sock").stat().st_mode & 0o077 == 0
    assert list(FOLDER.iterdir()) == []


def test_a_run_that_can_have_no_socket_does_not_begin(tmp_path: Path) -> None:
    FOLDER.parent.write_text("")
    begun = DockerSocket(tmp_path, "lab", faulty).opened()
    with pytest.raises(SocketError, match="see that you may write there"), begun:
        pytest.fail("the run began")


def test_connections_that_are_open_at_the_end_are_ended_in_silence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        with DockerSocket(tmp_path, "lab", faulty).opened():
            client.connect(str(FOLDER / "lab.sock"))
            ask(tmp_path)  # so that the first one has been taken, too
        client.settimeout(10)
        assert client.recv(1) == b""
    assert caplog.records == []


def test_an_election_without_a_result_is_held_once_for_all_who_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    held = []

    async def elect(*_: object) -> None:
        held.append(1)
        await asyncio.sleep(0.05)
        raise NoSwarmManagerError(["node-1: no answer within 10 s"])

    async def ask_at_once() -> list[object]:
        managers = SwarmManagers(lambda: None)  # type: ignore[arg-type, return-value]
        return await asyncio.gather(*(managers.open() for _ in range(20)), return_exceptions=True)

    monkeypatch.setattr(swarm_managers, "elect", elect)
    errors = asyncio.run(ask_at_once())
    assert {str(error) for error in errors} == {str(NoSwarmManagerError(["node-1: no answer within 10 s"]))}
    assert all(isinstance(error, UnavailableError) for error in errors)
    assert len(held) == 1


def test_a_manager_that_denies_the_login_is_asked_once_in_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def ask(_: Settings, node: Node) -> Vote:
        asked.append(node.name)
        denied = node.name != "node-2"
        return Vote(node.name, None, "Permission denied" if denied else "no answer", denied=denied)

    async def ask_twice() -> None:
        managers = SwarmManagers(settings)
        for _ in range(2):
            with pytest.raises(UnavailableError, match="Permission denied"):
                await managers.open()

    monkeypatch.setattr(swarm_managers, "ask_manager", ask)
    asyncio.run(ask_twice())
    assert sorted(asked) == ["node-1", "node-2", "node-2", "node-3"]


class Connections:
    """Elections, each won by a connection of its own. `broken`: those that open no channel any more."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[Mock] = []
        self.broken: set[int] = set()
        self.error: NoSwarmManagerError | None = None
        monkeypatch.setattr(swarm_managers, "elect", self._elect)
        self.managers = SwarmManagers(lambda: None)  # type: ignore[arg-type, return-value]

    async def _elect(self, *_: object) -> tuple[str, Mock]:
        if self.error:
            raise self.error
        number = len(self.made)

        async def open_channel(_: str) -> tuple[Mock, Mock]:
            if number in self.broken:
                raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "the engine is down")
            return Mock(), Mock()

        self.made.append(Mock(open_unix_connection=open_channel, **{"is_closed.return_value": False}))
        return "node-1", self.made[-1]

    async def opened(self) -> object:
        """The connection that carries the next stream; the text of the error when none does."""
        try:
            return (await self.managers.open()).connection
        except UnavailableError as error:
            return str(error)


def test_one_connection_carries_all_streams_until_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    given = Connections(monkeypatch)

    async def talk() -> None:
        assert [await given.opened(), await given.opened()] == [given.made[0]] * 2
        given.broken.add(0)
        assert await given.opened() == "the engine is down"
        assert await given.opened() is given.made[1]
        given.made[1].is_closed.return_value = True
        assert await given.opened() is given.made[2]
        given.managers.close()

    asyncio.run(talk())
    assert all(each.close.called for each in (given.made[0], given.made[2]))


def test_a_manager_is_waited_for_where_there_was_one_or_one_is_being_elected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = Connections(monkeypatch)
    waits: list[float] = []

    async def talk() -> None:
        for error in (NoSwarmManagerError([]), NoSwarmManagerError([], electing=True)):
            given.error = error
            await given.opened()
            waits.append(given.managers.patience_s())

    asyncio.run(talk())
    assert waits == [0, docker_proxy.WAIT_S]
    seen = Connections(monkeypatch)
    asyncio.run(seen.opened())
    assert seen.managers.patience_s() == docker_proxy.WAIT_S


def test_a_command_has_the_socket_of_its_stack_and_its_code_is_handed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_STACK", "beta")
    script = f'test -S {FOLDER}/"${OPEN}".sock && test "${OPEN}" = beta && exit 7'
    assert connected.main(["sh", "-c", script], tmp_path) == 7
    assert list(FOLDER.iterdir()) == []


def test_a_dead_runs_socket_is_cleared_away(tmp_path: Path) -> None:
    FOLDER.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(FOLDER / "lab.1.sock"))
    with DockerSocket(tmp_path, "lab", faulty).opened():
        assert not (FOLDER / "lab.1.sock").exists()


def another_run(folder: Path) -> subprocess.Popen[bytes]:
    """Another process that has the socket open until its stdin ends."""
    code = (
        "import sys; from pathlib import Path; from tests.unit.test_docker_socket import *\n"
        "with DockerSocket(Path.cwd(), 'lab', faulty).opened(): print('open', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert other.stdout
    assert other.stdout.readline() == b"open\n"
    return other


def test_a_later_run_that_is_killed_leaves_the_earlier_one_its_socket(tmp_path: Path) -> None:
    with DockerSocket(tmp_path, "lab", faulty).opened():
        other = another_run(tmp_path)
        assert (FOLDER / "lab.sock").readlink() == Path(f"lab.{other.pid}.sock")
        other.kill()
        other.communicate()
        time.sleep(LOOK_S + 1)
        assert ask(tmp_path).startswith("HTTP/1.1 503")


@pytest.mark.parametrize("first_ends", ["first", "last"])
def test_two_runs_beside_each_other_both_have_it(tmp_path: Path, first_ends: str) -> None:
    other = another_run(tmp_path)
    with DockerSocket(tmp_path, "lab", faulty).opened():
        assert ask(tmp_path).startswith("HTTP/1.1 503")
        if first_ends == "first":
            other.communicate()
            assert ask(tmp_path).startswith("HTTP/1.1 503")
    if first_ends == "last":
        assert ask(tmp_path).startswith("HTTP/1.1 503")
        other.communicate()
    assert list(FOLDER.iterdir()) == []


@pytest.mark.parametrize(
    ("line", "stack"),
    [
        ("pulumi up --yes --stack beta", "beta"),
        ("pulumi -s beta preview", "beta"),
        ("pulumi preview --stack=beta", "beta"),
        ("pulumi up", "lab"),
    ],
)
def test_the_stack_is_the_one_that_the_command_names(line: str, stack: str) -> None:
    assert stack_of(line.split(), {"PULUMI_STACK": "lab"}) == stack
