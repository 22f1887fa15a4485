"""Nacos: what a member is, whether it may stop, which versions of the schema are applied: decide.sh."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

PRODUCT = Path(__file__).parents[2] / "configs/services/nacos"
MEMBERS = ("nacos-1", "nacos-2", "nacos-3")
WHOLE = "naming_service_metadata=nacos-2/3 lock=nacos-1/3 up=3"


def bash(part: str, script: str) -> list[str]:
    source = (PRODUCT / part / "decide.sh").read_text()
    done = subprocess.run(
        ["bash", "-euo", "pipefail"],
        input=f"{source}\n{script}\n",
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("view", "role"),
    [
        ("", "NONE"),
        (" up=1", "NONE"),
        ("lock=nacos-1/3 up=3", "NONE"),
        ("naming_service_metadata=/3 up=3", "NONE"),
        ("naming_service_metadata=nacos-1/3 up=3", "PRIMARY"),
        ("naming_service_metadata=nacos-11/3 up=3", "SECONDARY"),
        ("lock=nacos-1/3 naming_service_metadata=nacos-2/3 up=3", "SECONDARY"),
    ],
)
def test_the_leader_of_the_services_metadata_is_primary(view: str, role: str) -> None:
    assert bash("server", f"decide_role '{view}' nacos-1; echo $ROLE") == [role]


def reasons(cases: Iterable[tuple[str, ...]]) -> list[str]:
    """What each case of three views keeps a member from stopping."""
    given = [
        " ".join(f"[{member}]='{view}'" for member, view in zip(MEMBERS, case, strict=True)) for case in cases
    ]
    names = " ".join(MEMBERS)
    lines = [f"declare -A VIEWS=({each}); decide_stop '{names}'; echo \"$REASON\"" for each in given]
    return bash("server", "\n".join(lines))


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (WHOLE, ""),
        ("", "nacos-2 does not answer"),
        (" up=3", "nacos-2 has no raft group yet"),
        (WHOLE.replace("up=3", "up=2"), "nacos-2 sees 2 of 3 members"),
        (WHOLE.replace("=nacos-2/3", "=/3"), "nacos-2 knows no leader of naming_service_metadata"),
        (WHOLE.replace("1/3", "1/2"), "lock has 2 of 3 members at nacos-2"),
        (WHOLE.replace("1/3", "1/4"), "lock has 4 of 3 members at nacos-2"),
        (WHOLE.replace("nacos-1/3", "nacos-3/3"), "nacos-1 and nacos-2 name different leaders"),
        ("naming_service_metadata=nacos-2/3 up=3", "nacos-1 and nacos-2 name different leaders"),
    ],
)
def test_a_member_stops_when_all_members_see_the_same(view: str, expected: str) -> None:
    assert reasons([(WHOLE, view, WHOLE)]) == [expected]


def test_whatever_one_member_sees_otherwise_keeps_each_from_stopping() -> None:
    other = WHOLE.replace("nacos-2", "nacos-3")
    cases = [*itertools.product((WHOLE, other, "", " up=1", WHOLE.replace("up=3", "up=1")), repeat=3)]
    may = {case for case, reason in zip(cases, reasons(cases), strict=True) if not reason}
    assert may == {(WHOLE,) * 3, (other,) * 3}


@pytest.mark.parametrize(
    ("known", "applied", "todo", "wrong"),
    [
        ("1:a", "", "1", ""),
        ("1:a 2:b", "", "1 2", ""),
        ("1:a 2:b", "1:a", "2", ""),
        ("1:a 2:b", "1:a 2:b", "", ""),
        # A later release was rolled back: what it added stays.
        ("1:a", "1:a 2:b", "", ""),
        (
            "1:a 2:b",
            "1:z",
            "",
            "version 1 was changed after it was applied; put it back and add a new version",
        ),
        ("1:a 3:c", "1:a", "", "version 2 is missing"),
        ("1:a 2:b", "2:b", "", "the database has version 2, and not 1"),
    ],
)
def test_versions_are_applied_once_and_in_order(known: str, applied: str, todo: str, wrong: str) -> None:
    found = bash("schema", f"decide_versions '{known}' '{applied}'; echo \"$TODO|$WRONG\"")
    assert found == [f"{todo}|{wrong}"]
