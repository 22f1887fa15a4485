"""A preview reads: neither the stack file, nor the state, nor a node is written."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from components.reading import Reading
from ops.backend import BackendError
from ops.managers import NoManagerError
from ops.run import Runner
from tests.unit.machines import a_plan

ROOT = Path(__file__).resolve().parents[2]
#: Answers to what only reads, and keeps what it was asked.
PULUMI = """#!/bin/bash
echo "$*" >>"$ASKED"
case "$*" in
  *"stack export"*)
    [[ -z $NO_STACK ]] || { echo "error: no stack named 'test' found" >&2; exit 255; }
    echo '{}' ;;
esac
"""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the fake CLI was asked, a line each."""
    (tmp_path / "pulumi").write_text(PULUMI)
    (tmp_path / "pulumi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("ASKED", str(tmp_path / "asked"))
    monkeypatch.setenv("NO_STACK", "")
    monkeypatch.setattr("ops.run.holders", lambda _: {})
    monkeypatch.setattr("ops.swarm_objects.list_objects", no_manager)
    return tmp_path / "asked"


def no_manager(_: object) -> None:
    raise NoManagerError("none answers")


def preview(folder: Path) -> int:
    return Runner(folder, "test", Reading(a_plan(), {}), Console(quiet=True)).preview()


def test_a_preview_asks_pulumi_for_nothing_but_the_state_and_a_preview(asked: Path) -> None:
    assert preview(asked.parent) == 0
    assert asked.read_text().splitlines() == [
        "--non-interactive stack export --stack test",
        "preview --diff --stack test",
    ]


def test_a_preview_of_a_stack_that_does_not_exist_makes_none(
    asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_STACK", "1")
    with pytest.raises(BackendError, match=r"stack test: does not exist .*; run: make secrets STACK=test"):
        preview(asked.parent)
    assert asked.read_text().splitlines() == ["--non-interactive stack export --stack test"]


@pytest.mark.parametrize("stack", ["lab", "beta"])
def test_make_preview_makes_neither_secrets_nor_a_lab_and_make_up_does(stack: str) -> None:
    def lines(target: str) -> str:
        command = ["make", "--dry-run", target, f"STACK={stack}"]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert "ops preview" in lines("preview")
    assert "secrets" not in lines("preview")
    assert "toolchain.sh lab" not in lines("preview")
    assert "--make-secrets" in lines("up")
    assert ("toolchain.sh lab" in lines("up")) == (stack == "lab")
