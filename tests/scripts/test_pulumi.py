"""ops/bin/pulumi: which command lines open the swarm's Docker socket."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

WRAPPER = Path(__file__).parents[2] / "ops/bin/pulumi"
#: Prints how it was called: `python -m ops.connected …/pulumi up`.
CALLED = '#!/bin/sh\necho "${0##*/} $*"\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("bin/pulumi", "venv/bin/python"):
        file = tmp_path / ".tools" / name
        file.parent.mkdir(parents=True)
        file.write_text(CALLED)
        file.chmod(0o755)
    (tmp_path / "ops/bin").mkdir(parents=True)
    (tmp_path / "ops/connected.py").touch()
    shutil.copy(WRAPPER, tmp_path / "ops/bin/pulumi")
    return tmp_path


def called(project: Path, line: str, folder: Path | None = None, **environment: str) -> str:
    return subprocess.run(
        [project / "ops/bin/pulumi", *line.split()],
        cwd=folder or project,
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


@pytest.mark.parametrize(
    "line",
    [
        "up",
        "--stack beta --color never preview --diff",
        "-C . refresh",
        "--non-interactive destroy",
        "--otel-traces file://traces up",
        "-v 3 import --file objects.json",
    ],
)
def test_what_asks_plugins_opens_the_socket(project: Path, line: str) -> None:
    assert called(project, line) == f"python -m ops.connected {project}/.tools/bin/pulumi {line}"


@pytest.mark.parametrize(
    "line", ["", "stack export --stack up", "config set up 1", "--stack up whoami", "-v"]
)
def test_anything_else_is_pulumi_itself(project: Path, line: str) -> None:
    assert called(project, line) == f"pulumi {line}".strip()


def test_within_a_run_and_outside_the_project_it_is_pulumi_itself(project: Path, tmp_path: Path) -> None:
    assert called(project, "up", PLATFORM_BETA_DOCKER_SOCKET="lab") == "pulumi up"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert called(project, "up", elsewhere) == "pulumi up"
