"""Facts that wait for the program: used for the same settings and while they are fresh."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from components.errors import ConfigurationError
from components.observation import facts_of_this_run
from components.observe import Facts, facts_file
from components.observe.facts_file import FACTS, gathered, gathering
from components.settings import Settings
from tests.unit.examples import settings
from tests.unit.machines import a_plan, machines, spoilt

Run = Callable[..., AbstractContextManager[dict[str, str]]]


@pytest.fixture(autouse=True)
def _nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    async def observe_all(_: object) -> Facts:
        return machines(a_plan())

    monkeypatch.delenv(FACTS, raising=False)
    monkeypatch.setattr("components.observe.over_ssh.observe_all", observe_all)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run of a command of Pulumi's, in whose environment the program is."""

    @contextmanager
    def begun(command: str, load: Callable[[], Settings] = settings) -> Iterator[dict[str, str]]:
        with (
            gathering(load, tmp_path, "lab", ["pulumi", command]) as variables,
            monkeypatch.context() as told,
        ):
            for name, value in variables.items():
                told.setenv(name, value)
            yield variables

    return begun


def test_the_program_has_the_facts_that_were_gathered_while_it_started(run: Run, tmp_path: Path) -> None:
    with run("preview") as variables:
        assert gathered(settings()) == machines(a_plan())
        assert Path(variables[FACTS]).stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == []


def test_facts_of_other_settings_are_not_used(run: Run) -> None:
    with run("up"):
        assert gathered(settings(swarm={"task_history_limit": 7})) is None


def test_old_facts_are_not_used(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts_file, "FRESH_S", -1)
    with run("up"):
        assert gathered(settings()) is None


def test_settings_that_cannot_be_read_leave_the_program_to_say_so(run: Run) -> None:
    def load() -> Settings:
        raise ConfigurationError([])

    with run("up", load) as variables:
        assert gathered(settings()) is None
        assert Path(variables[FACTS]).read_bytes() == b""


def test_what_a_killed_run_left_is_removed(run: Run, tmp_path: Path) -> None:
    (tmp_path / "lab.99999999.facts").touch()
    (tmp_path / f"beta.{os.getppid()}.facts").touch()
    with run("up"):
        assert gathered(settings())
    assert [file.name for file in tmp_path.iterdir()] == [f"beta.{os.getppid()}.facts"]


def test_a_program_without_a_run_around_it_asks_by_itself() -> None:
    assert FACTS not in os.environ
    assert gathered(settings()) is None


def test_a_command_that_runs_no_program_asks_nobody(run: Run) -> None:
    with run("destroy") as variables:
        assert variables == {}


def test_facts_from_an_election_are_not_used(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = a_plan()
    electing = spoilt(machines(plan), "node-1", engine="stopped", swarm_state=None)
    for name in ("node-2", "node-3"):
        electing = spoilt(electing, name, swarm_cluster_id="", members=None)

    async def observe_all(_: object) -> Facts:
        return electing

    monkeypatch.setattr("components.observe.over_ssh.observe_all", observe_all)
    monkeypatch.setattr("components.observe.over_ssh.observe", lambda _: machines(plan))
    with run("preview", lambda: plan.settings):
        assert gathered(plan.settings) == electing
        assert facts_of_this_run(plan.settings, os.environ) == machines(plan)
