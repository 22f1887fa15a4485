"""configs/lib/health.sh: the first check at once, later ones rarely."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "configs/lib/health.sh"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """With a place of its own in the stead of the container's /dev/shm."""
    copy = tmp_path / "health.sh"
    copy.write_text(SCRIPT.read_text().replace("/dev/shm/healthy", str(tmp_path / "healthy")))
    return copy


def check(script: Path, start_s: int, every_s: int, *command: str) -> tuple[int, float]:
    began = time.monotonic()
    done = subprocess.run(["bash", script, str(start_s), str(every_s), *command], timeout=30)
    return done.returncode, time.monotonic() - began


def test_a_server_that_starts_is_healthy_as_soon_as_it_answers(script: Path, tmp_path: Path) -> None:
    up = tmp_path / "up"
    with subprocess.Popen(["sh", "-c", f"sleep 0.5; touch {up}"]):
        code, took_s = check(script, 10, 20, "test", "-e", str(up))
    assert code == 0
    assert 0.5 <= took_s < 4


def test_a_server_that_does_not_come_is_unhealthy_in_the_end(script: Path) -> None:
    code, took_s = check(script, 2, 20, "false")
    assert code == 1
    assert 1 <= took_s < 8
    assert check(script, 0, 20, "false")[0] == 1


def test_later_checks_wait_first_and_tell_a_server_that_died(script: Path) -> None:
    assert check(script, 5, 1, "true")[1] < 1
    code, took_s = check(script, 5, 1, "false")
    assert code == 1
    assert 1 <= took_s < 4
