"""What an engine that does not answer does to the state, with whatever docker plugin is installed.

Official: a local socket is asked for a ping when the provider is configured, and a run ends there if nothing
answers. After that any error in reading a network, secret or config means that it is gone: `refresh` and
`up --refresh` drop it from the state. Ours takes errors for errors, unless a test asks for the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from lab.plugins.docker.read_errors import VARIABLE
from tests.contract.conftest import OFFICIAL, Project, Run
from tests.contract.docker_corpus import Place, network, pools
from tests.contract.docker_program import Resources, declare, encoded, succeeded
from tests.contract.faulty_socket import FaultySocket, Mood
from tests.contract.swarm import Swarm
from tests.contract.target import Target

pytestmark = pytest.mark.contract

SILENT: tuple[Mood, ...] = ("missing", "closes", "refuses")
BREAKING: tuple[Mood, ...] = ("headless", "drops")
LOSABLE = {"net", "token", "page"}
NAMES = LOSABLE | {"web"}


@dataclass
class Made:
    """A stack with one object of each kind behind a socket, and its state to go back to."""

    project: Project
    socket: FaultySocket
    resources: Resources
    state: str

    def run(self, mood: Mood, *arguments: str) -> Run:
        """Run `pulumi` with the state as it was, while the socket has this mood."""
        self.project.state_file.write_text(self.state)
        self.socket.be(mood)
        try:
            return self.project.run(*arguments)
        finally:
            self.socket.be("works")

    def lost(self) -> set[str]:
        """What the last run dropped from the state."""
        return NAMES - self.project.state().keys()


@pytest.fixture(scope="module")
def made(target: Target, swarm: Swarm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    project = Project(tmp_path_factory.mktemp("faults"), target)
    socket = FaultySocket(target)
    web = Place(swarm.node, swarm.image).idle("faulty")
    resources: Resources = {
        "net": network("faulty", ipam_configs=pools(90)),
        "token": {"type": "secret", "inputs": {"name": "contract-faulty", "data": encoded("x")}},
        "page": {"type": "config", "inputs": {"name": "contract-faulty", "data": encoded("x")}},
        "web": web,
    }
    declare(project, resources, socket.host)
    succeeded(project.up())
    yield Made(project, socket, resources, project.state_file.read_text())
    socket.close()


@pytest.mark.parametrize("mood", SILENT)
def test_a_socket_that_does_not_answer_ends_a_refresh_and_the_state_stays(made: Made, mood: Mood) -> None:
    run = made.run(mood, "refresh", "--yes", "--skip-preview")
    assert run.exit_code != 0
    assert "failed to connect to any docker daemon" in run.output
    assert not made.lost()


def test_it_ends_a_run_that_has_nothing_to_do_too(made: Made) -> None:
    run = made.run("closes", "up", "--yes", "--skip-preview")
    assert run.exit_code != 0
    assert "failed to connect to any docker daemon" in run.output
    assert not made.lost()


@pytest.mark.parametrize("mood", BREAKING)
def test_reads_that_fail_after_a_ping_empty_the_state_where_they_mean_gone(
    made: Made, mood: Mood, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(made.project.environment, VARIABLE, "gone")  # the official plugin does it anyway
    run = made.run(mood, "refresh", "--yes", "--skip-preview")
    assert run.exit_code != 0  # for a service an error is an error
    assert made.lost() == LOSABLE


def test_a_preview_never_writes_what_it_took_for_gone(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(made.project.environment, VARIABLE, "gone")
    assert made.run("headless", "preview", "--refresh").exit_code != 0
    assert not made.lost()


@pytest.mark.skipif(OFFICIAL, reason="the official plugin loses them")
def test_ours_takes_a_failed_read_for_an_error(made: Made) -> None:
    run = made.run("headless", "refresh", "--yes", "--skip-preview")
    assert run.exit_code != 0
    assert "The swarm does not have a leader" in run.output
    assert not made.lost()
