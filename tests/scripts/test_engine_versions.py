"""Scripts against Docker Engines and clients of several versions, running and stopped."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.docker_socket import ENGINES, FakeEngine, listening
from tests.scripts.conftest import Machine
from tests.scripts.test_swarm_scripts import DOCKER, JOIN, TOKEN, info

QUESTIONS = ("../../ops/list-objects.sh", "../../ops/list-nodes.sh")
#: What `docker info --format …` does when no engine answers: its fields are empty, if it prints them at all.
DOWN = {
    "20.10": "echo 'template: :1:2: executing at <.Swarm.Error>: nil pointer' >&2; exit 1",
    "26.1": "echo Cannot connect to the Docker daemon >&2; echo '{empty}'",
    "28.2": "echo Cannot connect to the Docker daemon >&2; echo '{empty}'; exit 1",
    "29.1": "echo failed to connect to the docker API >&2; echo '{empty}'; exit 1",
}


@pytest.fixture
def host(machine: Machine) -> Machine:
    """A host in no swarm, before a manager whose port answers; its curl is the real one."""
    machine.fake("docker", DOCKER)
    machine.write("info", info("inactive"))
    machine.write("info.after", info("active", True, "10.0.0.1", " 127.0.0.1:2377"))
    machine.fake("timeout", "exit 0")
    machine.fake("curl", f'exec {shutil.which("curl")} "$@"')
    return machine


@contextmanager
def engine(
    host: Machine, limits: tuple[str, str], *, refuses: str = "", names_version: bool = True
) -> Iterator[FakeEngine]:
    """The host's engine: it lets it join, or says why not."""

    def answer(*_: Any) -> tuple[int, Any]:
        if refuses:
            return 503, {"message": refuses}
        host.write("info", (host.folder / "info.after").read_text())
        return 200, {}

    fake = FakeEngine(*limits, answer=answer, names_version=names_version)
    with listening(fake, host.docker_socket):
        yield fake


@pytest.mark.parametrize("limits", ENGINES.values(), ids=ENGINES)
def test_a_node_joins_by_every_engine_with_the_token_in_no_argument(
    host: Machine, limits: tuple[str, str]
) -> None:
    with engine(host, limits) as asked:
        run = host.run("join-swarm.sh", **JOIN)
    assert (run.code, run.out) == (0, "node node-id\n"), run.err
    assert [(method, path) for method, path, _ in asked.asked] == [
        ("GET", "/_ping"),
        ("POST", f"/v{limits[1]}/swarm/join"),
    ]
    assert asked.asked[-1][2] == {
        "ListenAddr": "0.0.0.0:2377",
        "AdvertiseAddr": "10.0.0.1",
        "RemoteAddrs": ["127.0.0.1:2377"],
        "JoinToken": TOKEN,
    }
    assert TOKEN not in "".join(run.calls) + run.err


def test_a_failed_join_says_why_without_the_token(host: Machine) -> None:
    with engine(host, ENGINES["29.1"], refuses=f"rpc error: invalid join token {TOKEN}"):
        run = host.run("join-swarm.sh", **JOIN)
    assert run.code == 1
    assert "invalid join token <token>" in run.last_words
    assert TOKEN not in run.out + run.err


def test_an_engine_that_names_no_version_is_not_asked_to_join(host: Machine) -> None:
    with engine(host, ENGINES["26.1"], names_version=False) as asked:
        run = host.run("join-swarm.sh", **JOIN)
    assert (run.code, len(asked.asked)) == (1, 1)
    assert "names no version of its API" in run.last_words


def test_an_engine_whose_socket_is_gone_is_told_as_such(host: Machine) -> None:
    run = host.run("join-swarm.sh", **JOIN)
    assert run.code == 1
    assert "could not join the swarm of 127.0.0.1: curl: (7)" in run.err


@pytest.mark.parametrize("down", DOWN.values(), ids=DOWN)
@pytest.mark.parametrize("script", QUESTIONS)
def test_an_engine_that_is_down_does_not_say_that_there_is_no_swarm(
    machine: Machine, script: str, down: str
) -> None:
    machine.fake("dockerd", "")
    machine.fake("docker", down.replace("{empty}", " false"))
    run = machine.run(script, LABEL="stack")
    assert run.code != 0
    assert run.out == ""
    assert run.called("docker ") == [
        "docker info --format {{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}"
    ]


@pytest.mark.parametrize("script", QUESTIONS)
def test_a_docker_client_without_an_engine_is_in_no_swarm(machine: Machine, script: str) -> None:
    machine.fake("docker", DOWN["26.1"].replace("{empty}", " false"))
    run = machine.run(script, LABEL="stack")
    assert (run.code, run.out, run.calls) == (0, "no-swarm inactive\n", ())


@pytest.mark.parametrize("down", DOWN.values(), ids=DOWN)
def test_nothing_is_done_to_a_swarm_by_way_of_an_engine_that_is_down(machine: Machine, down: str) -> None:
    machine.fake("docker", down.replace("{empty}", "||" + "|false|||" + "|||"))
    run = machine.run("join-swarm.sh", **JOIN)
    assert run.code == 1
    assert "the Docker Engine does not answer" in run.last_words
    assert run.called("docker swarm") == []
