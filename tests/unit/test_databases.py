"""A service's databases on another one: it makes their users, and knows none of its guests."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from components.checks.databases import database_faults
from components.contents import render
from components.declaration import Declaration
from components.topology import Plan, draft
from tests.unit import examples

SERVER = Path(__file__).resolve().parents[2] / "configs" / "services" / "mysql" / "server"
USERS = [
    {"name": "notes_schema", "secret": "notes_schema_password", "rights": "schema"},
    {"name": "notes", "secret": "notes_database_password", "rights": "data"},
]
NOTES = {"server": "db", "name": "notes", "users": USERS}


def plan(*databases: dict[str, Any], **server: Any) -> Plan:
    host = {"serves_databases": True, "user": "999", **server}
    declared = [
        examples.declaration("db", **host),
        *(examples.declaration(each["name"].split("_")[0], databases=[each]) for each in databases),
    ]
    return draft(examples.settings(), declared)


def service(found: Plan, name: str) -> Declaration:
    return next(each for each in found.services if each.name == name)


def faults(found: Plan) -> list[str]:
    return [str(fault) for each in found.services for fault in database_faults(found, each)]


@pytest.mark.parametrize(
    ("user", "owner"), [("999", ("999", "999")), ("99:98", ("99", "98")), (None, ("0", "0"))]
)
def test_the_server_can_read_the_passwords_of_the_users_that_it_makes(
    user: str | None, owner: tuple[str, str]
) -> None:
    secrets = service(plan(NOTES, user=user), "db").secrets
    assert [(each.name, str(each.path), each.uid, each.gid) for each in secrets] == [
        ("notes_database_password", "/run/secrets/notes_database_password", *owner),
        ("notes_schema_password", "/run/secrets/notes_schema_password", *owner),
    ]
    assert service(plan(NOTES, user=user), "notes").secrets == ()


def test_a_service_that_is_off_has_no_users() -> None:
    settings = examples.settings(services={"notes": {"enabled": False}})
    declared = [
        examples.declaration("db", serves_databases=True),
        examples.declaration("notes", databases=[NOTES]),
    ]
    assert service(draft(settings, declared), "db").secrets == ()


def test_two_services_may_not_name_the_same() -> None:
    assert faults(plan(NOTES)) == []
    twice = [examples.declaration(name, databases=[NOTES]) for name in ("notes", "notes-archive")]
    found = draft(examples.settings(), [examples.declaration("db", serves_databases=True), *twice])
    assert [each.partition(" on ")[0] for each in faults(found)] == [
        f"services/db/server.serves_databases: {name} is declared twice" for name in ("notes", "notes_schema")
    ]


def test_mysql_makes_each_user_with_its_rights_and_no_more(tmp_path: Path) -> None:
    declared = [
        examples.declaration(
            "mysql",
            folder=SERVER,
            serves_databases=True,
            configs=[{"file": "databases.j2", "path": "/databases"}],
        ),
        examples.declaration("notes", databases=[{**NOTES, "server": "mysql", "name": "notes_1"}]),
    ]
    found = draft(examples.settings(), declared)
    mysql = service(found, "mysql")
    (tmp_path / "databases").write_text(render(found, found.units(mysql)[0], mysql.configs[0]))
    script = f"""
        account() {{ echo "account $1 $2 $3"; }}
        . "{SERVER}/users.sh"
        account() {{ echo "account $1 $2 $3"; }}
        database_users
    """
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    rows = "SELECT, INSERT, UPDATE, DELETE"
    assert done.stdout.splitlines() == [
        "account notes_schema notes_schema_password REQUIRE SSL",
        rf"GRANT {rows}, CREATE, ALTER, DROP, INDEX, REFERENCES ON `notes\_1`.* TO 'notes_schema';",
        "account notes notes_database_password REQUIRE SSL",
        rf"GRANT {rows} ON `notes\_1`.* TO 'notes';",
    ]
