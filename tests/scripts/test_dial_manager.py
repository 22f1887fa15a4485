"""dial-manager.sh: to which manager the Docker provider's ssh is connected. Its own ssh is a fake."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "components" / "dial-manager.sh"
ADDRESSES = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
DEAD = "sleep 3; exit 255"
NO_SWARM = "echo 'false 0 '"
NO_LEADER = "echo 'true 0 '"
ALONE = "echo 'true 1 foreign'"
STOPPED = "echo 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock.'; exit 1"


def of(swarm: str) -> str:
    return f"echo 'true 5 {swarm}'"


@pytest.fixture
def port() -> Iterator[int]:
    """A port on which each address says which one it is."""
    servers = [socket.create_server((ADDRESSES[0], 0))]
    number = int(servers[0].getsockname()[1])
    servers += [socket.create_server((address, number)) for address in ADDRESSES[1:]]

    def serve(server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.sendall(server.getsockname()[0].encode())

    for server in servers:
        threading.Thread(target=serve, args=(server,), daemon=True).start()
    yield number
    for server in servers:
        server.close()


def dial(folder: Path, port: int, *answers: str) -> tuple[str, str, float]:
    """What it is connected to, what it says, and the seconds, given each manager's answer as shell."""
    cases = "".join(f"  *@{address}*) {said} ;;\n" for address, said in zip(ADDRESSES, answers, strict=True))
    fake = folder / "ssh"
    fake.write_text(f'#!/bin/bash\ncase "$*" in\n{cases}esac\n')
    fake.chmod(0o755)
    began = time.monotonic()
    with subprocess.Popen(
        ["bash", SCRIPT, "root", str(port), *ADDRESSES, "--", "-o", "BatchMode=yes"],
        env={"PATH": f"{folder}:/usr/bin:/bin", "XDG_RUNTIME_DIR": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=(errors := (folder / "stderr").open("w+")),
        text=True,
    ) as process:
        assert process.stdout
        said = process.stdout.read(len(ADDRESSES[0]))
        seconds = time.monotonic() - began
    errors.seek(0)
    return said, errors.read(), seconds


@pytest.mark.parametrize(
    ("answers", "chosen"),
    [
        ((of("ours"), DEAD, DEAD), {ADDRESSES[0]}),
        ((f"sleep 0.5; {of('ours')}", f"sleep 0.5; {of('ours')}", of("foreign")), {*ADDRESSES[:2]}),
        ((of("foreign"), of("ours"), f"sleep 0.5; {of('ours')}"), {*ADDRESSES[1:]}),
        ((STOPPED, NO_LEADER, of("ours")), {ADDRESSES[2]}),
        ((of("ours"), NO_SWARM, NO_SWARM), {ADDRESSES[0]}),
        ((f"sleep 0.5; {of('ours')}", STOPPED, ALONE), {ADDRESSES[0]}),
        ((DEAD, DEAD, ALONE), {""}),
    ],
    ids=[
        "the only one alive",
        "a quick stranger",
        "a stranger first",
        "the only one that can",
        "the first of several",
        "one alone in a swarm, and ours",
        "one alone in a swarm, and nobody else",
    ],
)
def test_it_leads_to_the_swarm_that_most_managers_are_in(
    answers: tuple[str, ...], chosen: set[str], port: int, tmp_path: Path
) -> None:
    assert dial(tmp_path, port, *answers)[0] in chosen


def test_a_dead_manager_is_not_waited_for(port: int, tmp_path: Path) -> None:
    said, _, seconds = dial(tmp_path, port, DEAD, of("ours"), of("ours"))
    assert said in ADDRESSES[1:]
    assert seconds < 2


def test_where_managers_disagree_and_none_is_outvoted_it_leads_nowhere(port: int, tmp_path: Path) -> None:
    said, errors, _ = dial(tmp_path, port, of("one"), of("another"), STOPPED)
    assert said == ""
    assert "managers are in different swarms: " in errors
    assert "127.0.0.3: its Docker Engine does not answer" in errors
    assert "no manager of 127.0.0.1 127.0.0.2 127.0.0.3 manages a swarm that has a leader" in errors
