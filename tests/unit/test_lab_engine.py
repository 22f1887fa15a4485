from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab import shell
from lab.engine import clear_stale_pid
from lab.shell import LabError, run


def test_no_pid_file_is_nothing_to_clear(tmp_path: Path) -> None:
    assert clear_stale_pid(tmp_path / "docker.pid", "dockerd") is False


def test_a_pid_that_another_program_took_over_is_cleared(tmp_path: Path) -> None:
    file = tmp_path / "docker.pid"
    file.write_text(str(os.getpid()))
    assert clear_stale_pid(file, "dockerd") is True
    assert not file.exists()


def test_the_pid_of_the_running_program_stays(tmp_path: Path) -> None:
    file = tmp_path / "docker.pid"
    file.write_text(str(os.getpid()))
    name = Path("/proc/self/comm").read_text().strip()
    assert clear_stale_pid(file, name) is False
    assert file.exists()


def test_the_pid_of_a_program_that_ended_unreaped_is_cleared(tmp_path: Path) -> None:
    file = tmp_path / "docker.pid"
    with subprocess.Popen(["true"]) as ended:
        file.write_text(str(ended.pid))
        while "State:\tZ" not in Path(f"/proc/{ended.pid}/status").read_text():
            time.sleep(0.01)
        assert clear_stale_pid(file, "true") is True


@pytest.mark.parametrize("content", ["", "garbage"])
def test_a_damaged_pid_file_is_cleared(tmp_path: Path, content: str) -> None:
    file = tmp_path / "docker.pid"
    file.write_text(content)
    assert clear_stale_pid(file, "dockerd") is True


def test_a_failing_command_is_a_fault_with_its_last_words() -> None:
    with pytest.raises(LabError, match=r"exit code 3\nthe reason"):
        run([sys.executable, "-c", "import sys; print('the reason', file=sys.stderr); sys.exit(3)"])


def test_a_silent_command_is_a_fault_after_its_time() -> None:
    with pytest.raises(LabError, match=r"no answer within 0\.2 s"):
        run(["sleep", "5"], timeout_s=0.2)


def test_a_missing_program_is_a_fault_with_its_remedy() -> None:
    with pytest.raises(LabError, match=r"packages\.sh"):
        run(["no-such-program-here"])


def test_the_lab_means_this_machines_engine_wherever_a_shell_points_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "ssh://elsewhere.test")
    assert not [key for key in shell.local_engine() if key.startswith("DOCKER_")]


def test_an_engine_that_cannot_be_asked_is_not_an_absent_object(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: str) -> str:
        raise LabError("docker container inspect: no answer within 120 s")

    monkeypatch.setattr(shell, "docker", silent)
    with pytest.raises(LabError, match="no answer"):
        shell.exists("container", "node-1")
