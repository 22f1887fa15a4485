"""Which member leads, as `ops status` asks and tells it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from components.topology import Plan
from ops import roles
from tests.unit.examples import declaration, settings

MEMBERS = [{"name": f"db-{number}"} for number in (1, 2, 3)]
DB = declaration("db", members=MEMBERS, hooks={"role": ["role", "it's"]})
PLAN = Plan(settings(), (DB, declaration("api")))


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"db-1": "PRIMARY", "db-2": "SECONDARY", "db-3": "unknown"}, None),
        (
            {"db-1": "PRIMARY", "db-2": "PRIMARY", "db-3": "NONE"},
            "db has 2 PRIMARY: db-1 is PRIMARY, db-2 is",
        ),
        (
            {},
            "db has no PRIMARY: db-1 is unknown, db-2 is unknown, db-3 is unknown; see: docker service logs",
        ),
    ],
)
def test_exactly_one_member_leads(said: dict[str, str], fault: str | None) -> None:
    found = list(roles.faults(PLAN, said))
    assert [line[: len(fault)] for line in found] == [fault] if fault else found == []


def test_members_are_asked_by_their_hooks(tmp_path: Path) -> None:
    """Who can't be asked is unknown; one that need not stay says nothing."""
    db = declaration("db", members=MEMBERS, hooks={"role": ["role", "it's"], "ready_to_stop": ["ready"]})
    fake = tmp_path / "docker"
    fake.write_text(
        '#!/bin/bash\ncase "$*" in ps*db-1*) echo one ;; ps*db-2*) echo two ;; ps*) ;;\n'
        """'exec one role it'"'"'s') echo PRIMARY ;; 'exec one ready') ;;\n"""
        """'exec two ready') printf 'two queues\nmore\n'; exit 1 ;; *) exit 1 ;; esac\n"""
    )
    fake.chmod(0o755)
    done = subprocess.run(
        ["bash", "-s"],
        input=roles.script(PLAN.units(db)),
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        text=True,
        capture_output=True,
        check=True,
    )
    assert sorted(done.stdout.splitlines()) == [
        *("role db-1 PRIMARY", "role db-2 unknown", "role db-3 unknown"),
        *("stays db-2 two queues", "stays db-3 it does not say why"),
    ]


@pytest.mark.parametrize(
    ("answers", "stay"),
    [
        ("role db-1 PRIMARY\nrole db-2 SECONDARY\nrole db-3 SECONDARY\n", {}),
        ("role db-1 PRIMARY\nrole db-3 NONE\n", {"db-1": "db-2 is unknown, db-3 is NONE"}),
        (
            "role db-1 PRIMARY\nrole db-2 SECONDARY\nrole db-3 SECONDARY\nstays db-2 it is full\n",
            {"db-2": "it is full"},
        ),
    ],
)
def test_while_one_is_out_the_others_must_not_stop(
    answers: str, stay: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = iter([answers])

    async def ask(*_: object) -> str:
        return next(given, "")

    monkeypatch.setattr(roles, "_ask", ask)
    assert roles.read_members(PLAN).stay == stay
