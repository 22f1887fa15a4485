"""RocketMQ: what what members do next, over every combination of what they can see."""

from __future__ import annotations

import itertools
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "configs/services/rocketmq"
NAMESRV = (FOLDER / "namesrv/decide.sh").read_text()
BROKER = (FOLDER / "broker/decide.sh").read_text()
SEEN = ("leads", "votes", "waits", "unknown")
SEEN_BY_ALL_S = 5
Starts = list[tuple[tuple[str, str, str, int], str]]
Turns = list[tuple[tuple[str, int, int, str, str, str, int], str]]


def decided(text: str, function: str, cases: list[str]) -> list[str]:
    """The first word of each case's action, decided by one bash that can start no program."""
    lines = "\n".join(f'{case}; {function}; echo "$ACTION"' for case in cases)
    done = subprocess.run(
        ["bash", "-u"],
        input=f"{text}\nPATH=\n{lines}\n",
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def start(
    has_data: str = "", ordered: str = "", peers: str = "unknown unknown", all_waited_s: int = -1
) -> str:
    return f"HAS_DATA='{has_data}' ORDERED='{ordered}' PEERS='{peers}' ALL_WAITED_S={all_waited_s}"


EVERY_START = list(
    itertools.product(
        ("", "yes"),
        ("", "yes"),
        map(" ".join, itertools.product(SEEN, SEEN)),
        (-1, 0, SEEN_BY_ALL_S - 1, SEEN_BY_ALL_S, 60),
    )
)


@pytest.fixture(scope="module")
def starts() -> Starts:
    said = decided(NAMESRV, "decide_start", [start(*case) for case in EVERY_START])
    return list(zip(EVERY_START, (line.split()[0] for line in said), strict=True))


def test_a_controller_with_data_starts_whatever_it_sees(
    starts: Starts,
) -> None:
    assert {action for case, action in starts if case[0]} == {"start"}


def test_an_empty_controller_votes_only_where_nobody_can_have_forgotten_anything(
    starts: Starts,
) -> None:
    for (has_data, ordered, peers, all_waited_s), action in starts:
        if has_data:
            continue
        led = "leads" in peers.split()
        all_were_empty = all_waited_s >= SEEN_BY_ALL_S
        expected = "join" if led else "found" if ordered or all_were_empty else "wait"
        assert action == expected, (ordered, peers, all_waited_s)


@pytest.mark.parametrize(
    ("peers", "holds"),
    [("waits waits", True), ("waits", True), ("", False)]
    + [(f"waits {other}", False) for other in ("leads", "votes", "unknown")],
)
def test_all_wait_is_what_is_known_of_all(peers: str, holds: bool) -> None:
    text = f"{NAMESRV}\nPEERS='{peers}'\nif all_wait; then echo yes; else echo no; fi"
    done = subprocess.run(["bash"], input=text, capture_output=True, text=True, check=True, timeout=10)
    assert done.stdout.strip() == ("yes" if holds else "no")


def test_a_waiting_controller_says_what_it_sees_and_the_order() -> None:
    [said] = decided(NAMESRV, "decide_start", [start(peers="votes unknown")])
    assert said.startswith("wait its volume is empty, the other controllers are: votes unknown")
    assert "touch /home/rocketmq/store/FOUND" in said


ROLES = ("PRIMARY", "SECONDARY", "NONE")
STUCK_S = 12
EVERY_TURN = list(
    itertools.product(
        *(ROLES, range(4), range(2, 5), ("", "7", "7;8"), ("", "yes"), ("", "rocketmq-broker-2")),
        (-1, STUCK_S - 1, STUCK_S),
    )
)


@pytest.fixture(scope="module")
def turns() -> Turns:
    cases = [
        f"ROLE={role} IN_SYNC_COUNT={in_sync} MEMBER_COUNT=3 ACKS={acks} "
        f"STALE_IDS='{stale}' DECLARED='{declared}' MASTER='{master}' ME=rocketmq-broker-1 OUT_FOR_S={out_s}"
        for role, in_sync, acks, stale, declared, master, out_s in EVERY_TURN
    ]
    return list(zip(EVERY_TURN, decided(BROKER, "decide_next", cases), strict=True))


def test_a_master_asks_for_a_copy_of_each_member_in_sync_and_two_at_least(
    turns: Turns,
) -> None:
    for (role, in_sync, acks, *_), action in turns:
        if role == "PRIMARY" and acks != max(2, in_sync):
            assert action == f"acks {max(2, in_sync)}"


def test_only_the_controllers_word_lowers_the_number_of_copies(
    turns: Turns,
) -> None:
    for (role, _, acks, *_), action in turns:
        lowered = action.startswith("acks") and int(action.split()[1]) < acks
        assert role == "PRIMARY" or not lowered or acks > 3
        assert role != "NONE" or not action.startswith("acks")


def test_a_member_out_of_the_set_is_told_whom_to_follow(turns: Turns) -> None:
    for (role, _, _, _, _, master, _), action in turns:
        if action.startswith("follow"):
            assert (role, action) == ("NONE", f"follow {master}")


def test_only_who_was_in_sync_and_whose_master_stands_alone_starts_anew(turns: Turns) -> None:
    for (role, in_sync, _, _, declared, master, out_s), action in turns:
        stuck = role == "NONE" and bool(master) and in_sync < 2 and out_s >= STUCK_S
        assert (action == "restart") == (stuck and bool(declared))


def test_a_member_out_of_the_set_removes_nothing(
    turns: Turns,
) -> None:
    for (role, _, _, stale, *_), action in turns:
        if action.startswith("clean"):
            assert (role != "NONE", action) == (True, f"clean {stale}")


def test_what_is_declared_is_made_once_and_needs_a_master(
    turns: Turns,
) -> None:
    for (_, _, _, _, declared, master, _), action in turns:
        if action == "declare":
            assert (bool(master), declared) == (True, "")
    assert "none" in {action for case, action in turns if case[4] == "yes"}
