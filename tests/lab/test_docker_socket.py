"""The swarm's Docker socket of a run: one SSH connection carries it; a manager that dies does not show."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from components.ssh.docker_proxy import WAIT_S
from components.ssh.docker_socket import FOLDER, DockerSocket
from components.topology import Plan
from ops import status
from tests.lab.measure import measured
from tests.lab.nodes import lab, on_node
from tests.lab.runner import ROOT, until

STACK = "test"
#: As many reads as Pulumi's refresh asks for at once.
PARALLEL = 64
LOGINS = "ss -Htn state established sport = :22 | wc -l"


def ask(path: str) -> Any:
    """Docker's answer to a GET by way of the socket; fails for any but 200."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2 * WAIT_S)
        client.connect(str((ROOT / FOLDER / f"{STACK}.sock").relative_to(Path.cwd())))
        client.sendall(f"GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b" 200 " in head.partition(b"\r\n")[0], answer[:500]
    return json.loads(body)


@pytest.fixture
def _opened(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(ROOT)
    with DockerSocket(ROOT, STACK, lambda: plan.settings).opened():
        yield
    assert not list((ROOT / FOLDER).glob(f"{STACK}.*")), "something is left of it"


@pytest.mark.usefixtures("_opened")
def test_many_reads_at_once_are_one_login(plan: Plan) -> None:
    manager = ask("/info")["Name"]
    before = int(on_node(plan.settings, manager, LOGINS))
    with ThreadPoolExecutor(PARALLEL) as pool:
        reads = [pool.submit(ask, "/services") for _ in range(4 * PARALLEL)]
        during = int(on_node(plan.settings, manager, LOGINS))
        answers = [read.result() for read in reads]
    assert all(len(answer) == len(answers[0]) > 0 for answer in answers)
    assert during <= before, "no further login"


@pytest.mark.usefixtures("_opened")
def test_a_manager_that_dies_is_not_noticed_but_for_the_wait(plan: Plan) -> None:
    services = len(ask("/services"))
    used = ask("/info")["Name"]
    lab("stop-node", used, "--kill")
    try:
        began = time.monotonic()
        assert len(ask("/services")) == services
        measured("the manager in use dies", answered_again_s=time.monotonic() - began)
        assert ask("/info")["Name"] != used
    finally:
        lab("start-node", used)
        until(lambda: ready(plan), 120, "all nodes ready")


def ready(plan: Plan) -> bool:
    rows = status.read(plan.settings).nodes
    return all(row["Status"] == "Ready" and row["ManagerStatus"] != "Unreachable" for row in rows)
