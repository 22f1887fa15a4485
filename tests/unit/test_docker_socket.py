"""The swarm's Docker socket on this machine: its name, its runs, and that nothing is left of it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from components.errors import ConfigurationError, Fault
from components.settings import Settings
from components.ssh.docker_socket import FOLDER, DockerSocket, socket_url
from ops.connected import stack_of

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
    assert list(FOLDER.iterdir()) == []


def test_a_dead_runs_socket_is_cleared_away(tmp_path: Path) -> None:
    FOLDER.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(FOLDER / "lab.1.sock"))
    with DockerSocket(tmp_path, "lab", faulty).opened():
        assert not (FOLDER / "lab.1.sock").exists()


@pytest.mark.parametrize("first_ends", ["first", "last"])
def test_two_runs_beside_each_other_both_have_it(tmp_path: Path, first_ends: str) -> None:
    code = (
        "import sys; from pathlib import Path; from tests.unit.test_docker_socket import *\n"
        "with DockerSocket(Path.cwd(), 'lab', faulty).opened(): print('open', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert other.stdin
    assert other.stdout
    assert other.stdout.readline() == b"open\n"
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
