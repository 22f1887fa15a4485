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


def test_a_member_that_cannot_be_asked_is_unknown(tmp_path: Path) -> None:
    fake = tmp_path / "docker"
    fake.write_text(
        '#!/bin/bash\ncase "$*" in ps*db-1*) echo one ;; ps*db-2*) echo two ;; ps*) ;;\n'
        """'exec one role it'"'"'s') echo PRIMARY ;; *) exit 1 ;; esac\n"""
    )
    fake.chmod(0o755)
    done = subprocess.run(
        ["bash", "-s"],
        input=roles.script(PLAN.units(DB)),
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        text=True,
        capture_output=True,
        check=True,
    )
    assert sorted(done.stdout.splitlines()) == ["db-1 PRIMARY", "db-2 unknown", "db-3 unknown"]
