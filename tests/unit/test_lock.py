from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.lock.holder import (
    Claim,
    Holder,
    LockedError,
    in_words,
    loss,
    parse_holder,
    without_majority,
)

FOLDER = Path(__file__).parents[2] / "components" / "lock"
CLAIM = Claim("ops up (lab)", run="1f2e3d4c", owner="ann@desk", pid=812, started="2026-11-25T10:00:00+00:00")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (7500, "2 h 5 min"), (100_000, "1 d 3 h")],
)
def test_ages_in_words(seconds: int, words: str) -> None:
    assert in_words(seconds) == words


def test_the_age_is_by_the_holders_own_clock() -> None:
    assert parse_holder(f"held 1180\n77 1000\n{CLAIM.text()}\n") == Holder(CLAIM, 180)


@pytest.mark.parametrize("text", ["", "free\n", "taken\n"])
def test_nobody_holds_it(text: str) -> None:
    assert parse_holder(text) is None


@pytest.mark.parametrize("text", ["held 5\n", "held 5\n1 2\nnonsense\n", 'held 5\n1 2\n{"run": "x"}\n'])
def test_an_unreadable_holder_still_holds_it(text: str) -> None:
    holder = parse_holder(text)
    assert holder == Holder(None, None)
    assert "can't be read" in str(LockedError({"node-1": holder}))


def test_a_refusal_says_who_since_when_where_and_what_to_do() -> None:
    text = str(LockedError({name: Holder(CLAIM, 180) for name in ("node-1", "node-2")}))
    assert text == (
        "run lock on node-1, node-2: ann@desk runs ops up (lab) since 3 min (2026-11-25T10:00:00+00:00), "
        "as run 1f2e3d4c (process 812); wait for it, "
        "or break it on purpose: python -m ops unlock --run 1f2e3d4c"
    )


def test_one_manager_that_answers_is_enough_and_none_is_not() -> None:
    assert without_majority(3, {"node-1": "down", "node-2": "down"}) is None
    assert "node-1: down" in str(without_majority(1, {"node-1": "down"}))


def test_a_loss_says_what_is_left() -> None:
    assert loss(["node-1"], ["node-2"]) == "run lock: lost on node-1, still held on node-2"
    assert "nowhere" in loss(["node-1"], [])


def shell(script: str, lock: Path, *arguments: str, silence_s: str = "60") -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["bash", "-c", (FOLDER / script).read_text(), "platform-beta-run", *arguments],
        env={"PATH": "/usr/bin:/bin", "LOCK_FILE": str(lock), "LOCK_SILENCE_S": silence_s},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def said(script: str, lock: Path, *arguments: str) -> str:
    return shell(script, lock, *arguments).communicate(timeout=10)[0]


@pytest.fixture
def held(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    lock = tmp_path / "lock"
    with shell("hold.sh", lock, CLAIM.text()) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "taken\n"
        yield lock, holder
        holder.kill()


Held = tuple[Path, "subprocess.Popen[str]"]


def test_a_second_one_is_refused_and_told_who_has_it(held: Held) -> None:
    lock, _ = held
    for script in ("hold.sh", "show.sh"):
        holder = parse_holder(said(script, lock, "{}"))
        assert holder is not None
        assert holder.claim == CLAIM
        assert holder.age_s is not None
        assert holder.age_s < 10


def test_the_end_of_the_session_frees_it(held: Held) -> None:
    lock, holder = held
    assert holder.stdin
    holder.stdin.close()
    holder.wait(timeout=5)
    assert said("show.sh", lock) == "free\n"
    assert lock.read_text() == ""


def test_a_killed_shell_frees_it(held: Held) -> None:
    lock, holder = held
    holder.kill()
    holder.wait(timeout=5)
    assert said("show.sh", lock) == "free\n"


def test_silence_frees_it(tmp_path: Path) -> None:
    with shell("hold.sh", tmp_path / "lock", CLAIM.text(), silence_s="0.3") as holder:
        assert holder.wait(timeout=5) == 0
    assert said("show.sh", tmp_path / "lock") == "free\n"


def test_heartbeats_keep_it_and_stop_ends_it(tmp_path: Path) -> None:
    with shell("hold.sh", tmp_path / "lock", CLAIM.text(), silence_s="2") as holder:
        assert holder.stdin
        assert holder.stdout
        assert holder.stdout.readline() == "taken\n"
        holder.stdin.write("\n\n")
        holder.stdin.flush()
        assert said("show.sh", tmp_path / "lock").startswith("held")
        holder.stdin.write("stop\n")
        holder.stdin.flush()
        assert holder.wait(timeout=1) == 0


def test_it_is_broken_only_for_the_run_that_is_named(held: Held) -> None:
    lock, holder = held
    assert said("break.sh", lock, "another0") == "other\n"
    assert holder.poll() is None
    assert said("break.sh", lock, CLAIM.run) == "broken\n"
    assert said("break.sh", lock, CLAIM.run) == "free\n"


def test_an_untouched_host_is_free(tmp_path: Path) -> None:
    assert said("show.sh", tmp_path / "none") == said("break.sh", tmp_path / "none", "x") == "free\n"
