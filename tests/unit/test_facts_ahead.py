"""Facts that wait for the program: used for the same settings and while they are fresh."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from components.errors import ConfigurationError
from components.observe import Unreachable, ahead
from components.observe.ahead import FACTS, gathered, gathering
from components.settings import Settings
from tests.unit.examples import settings
from tests.unit.machines import a_plan, machines


@contextmanager
def told(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as context:
        for name, value in variables.items():
            context.setenv(name, value)
        yield


@pytest.fixture(autouse=True)
def _nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FACTS, raising=False)
    monkeypatch.setattr("components.observe.over_ssh.observe", lambda _: machines(a_plan()))


def test_the_program_has_the_facts_that_were_gathered_while_it_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with gathering(settings, ["pulumi", "preview"]) as variables, told(variables, monkeypatch):
        assert gathered(settings()) == machines(a_plan())
        assert Path(variables[FACTS]).parent.stat().st_mode & 0o077 == 0
    assert not Path(variables[FACTS]).parent.exists()


def test_facts_of_other_settings_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with gathering(settings, ["pulumi", "up"]) as variables, told(variables, monkeypatch):
        assert gathered(settings(swarm={"task_history_limit": 7})) is None


def test_old_facts_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "FRESH_S", -1)
    with gathering(settings, ["pulumi", "up"]) as variables, told(variables, monkeypatch):
        assert gathered(settings()) is None


def test_facts_of_just_now_are_handed_on_and_nobody_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"node-1": Unreachable("no answer")}
    with gathering(settings, ["pulumi", "up"], known) as variables, told(variables, monkeypatch):
        assert gathered(settings()) == known


def test_settings_that_cannot_be_read_leave_the_program_to_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def load() -> Settings:
        raise ConfigurationError([])

    with gathering(load, ["pulumi", "up"]) as variables, told(variables, monkeypatch):
        assert gathered(settings()) is None
        assert pickle.loads(Path(variables[FACTS]).read_bytes())[2] is None


def test_a_program_without_a_run_around_it_asks_by_itself() -> None:
    assert FACTS not in os.environ
    assert gathered(settings()) is None


def test_a_command_that_runs_no_program_asks_nobody() -> None:
    with gathering(settings, ["pulumi", "destroy"]) as variables:
        assert variables == {}
