"""MySQL: who is let in by the router, and backups. The rest: test_conformance.py, test_failover.py."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from components.topology import Plan
from tests.lab.backups import in_task, make, verdict
from tests.lab.measure import measured
from tests.lab.nodes import on_node
from tests.lab.runner import Run, Tree
from tests.lab.stores import Store, whole_store
from tests.lab.writer import Place

pytestmark = pytest.mark.data_tier
#: Tries every login that it is given, and prints a line for each.
CLIENT = """
import pymysql, sys
secret = lambda name: open("/run/secrets/" + name).read().strip()
for arguments in sys.argv[1:]:
    try:
        pymysql.connect(host="mysql", port=3306, connect_timeout=3, **eval(arguments))
        print("let in")
    except pymysql.err.OperationalError as fault:
        print("refused", fault.args[0])
"""
TLS = "'ssl_ca': '/run/secrets/internal_ca_certificate', 'ssl_verify_cert': True, 'ssl_verify_identity': True"
REFUSED = {
    "a wrong password": f"{{'user': 'app', 'password': 'wrong', {TLS}}}",
    "no password": f"{{'user': 'app', 'password': '', {TLS}}}",
    "nobody": f"{{'user': '', 'password': '', {TLS}}}",
    "root from elsewhere": f"{{'user': 'root', 'password': '', {TLS}}}",
    "a router's old account": f"{{'user': 'haproxy', 'password': '', {TLS}}}",
    "no TLS": "{'user': 'app', 'password': secret('mysql_app_password'), 'ssl_disabled': True}",
}
LET_IN = {"password and TLS": f"{{'user': 'app', 'password': secret('mysql_app_password'), {TLS}}}"}


@pytest.fixture(scope="module")
def mysql(stores: list[Store]) -> Store:
    return whole_store(stores, "mysql")


@pytest.fixture(scope="module")
def answers(mysql: Store, place: Place) -> dict[str, str]:
    """What a client in the overlay is told, by the name of its login."""
    logins = {**REFUSED, **LET_IN}
    names = ("mysql_app_password", "internal_ca_certificate")
    files = {"client.py": CLIENT, **{name: place.secrets[name] for name in names}}
    command = ["timeout", "60", "python3", "/run/secrets/client.py", *logins.values()]
    script = place.container(f"client-{uuid.uuid4().hex[:8]}", command, files)
    lines = on_node(place.settings, place.node, script).strip().splitlines()
    return dict(zip(logins, lines, strict=True))


@pytest.mark.parametrize("name", REFUSED)
def test_nobody_gets_in_without_password_and_tls(name: str, answers: dict[str, str]) -> None:
    assert re.fullmatch(r"refused (1045|3159|1698)", answers[name])


@pytest.mark.parametrize("name", LET_IN)
def test_password_and_tls_are_let_in(name: str, answers: dict[str, str]) -> None:
    assert answers[name] == "let in"


def sql(mysql: Store, statement: str) -> str:
    """As root on the leader, through its socket."""
    command = f"mysql --defaults-file=/var/run/mysqld/root.cnf -NB <<'SQL'\n{statement}\nSQL"
    return mysql.inside(mysql.leader(), command).strip()


@pytest.fixture(scope="module")
def keepsake(mysql: Store) -> Iterator[None]:
    """A table of three rows in the application's database."""
    sql(mysql, "CREATE TABLE IF NOT EXISTS app.keepsake (id INT PRIMARY KEY, text VARCHAR(20))")
    sql(mysql, "REPLACE INTO app.keepsake VALUES (1, 'one'), (2, 'two'), (3, 'drei')")
    yield
    sql(mysql, "DROP TABLE IF EXISTS app.keepsake")


@pytest.fixture(scope="module")
def backup(mysql: Store, keepsake: None, checkout: Tree) -> tuple[str, Run]:
    """A backup of the three rows: its ID, and the run that made it."""
    return make(checkout, "mysql")


def test_a_backup_is_read_from_a_secondary_and_proven(
    mysql: Store, backup: tuple[str, Run], checkout: Tree
) -> None:
    name, done = backup
    measured("mysql, a backup with its proof", took_s=done.seconds)
    source = re.search(r"reads from (mysql-\d)", done.text)
    assert source
    assert source[1] != mysql.leader()
    assert re.search(rf"{name}.*proven", checkout.ops("backups", "mysql").text)


def test_a_restore_overwrites_only_what_is_named_and_reaches_a_given_moment(
    mysql: Store, backup: tuple[str, Run], checkout: Tree
) -> None:
    name, _ = backup
    early = datetime.now(UTC) - timedelta(hours=1)
    refused = checkout.ops("restore", "mysql", "--backup", name, "--until", f"{early:%Y-%m-%dT%H:%M:%SZ}")
    assert refused.code != 0
    assert "was made after" in refused.text
    time.sleep(2)
    sql(mysql, "INSERT INTO app.keepsake VALUES (4, 'after the backup')")
    time.sleep(1.5)
    moment = datetime.now(UTC)
    time.sleep(1.5)
    sql(mysql, "DELETE FROM app.keepsake")
    refused = checkout.ops("restore", "mysql", "--backup", name, "--only", "app")
    assert refused.code != 0
    assert "add --overwrite app" in refused.text
    assert sql(mysql, "SELECT COUNT(*) FROM app.keepsake") == "0"
    wanted = ("restore", "mysql", "--backup", name, "--only", "app", "--overwrite", "app")
    done = checkout.ops(*wanted, "--until", f"{moment:%Y-%m-%dT%H:%M:%SZ}")
    measured("mysql, a restore to a moment", took_s=done.seconds)
    assert done.code == 0, done.text
    texts = sql(mysql, "SELECT GROUP_CONCAT(text ORDER BY id) FROM app.keepsake")
    assert texts == "one,two,drei,after the backup"
    plain = checkout.ops(*wanted)
    assert plain.code == 0, plain.text
    assert sql(mysql, "SELECT COUNT(*) FROM app.keepsake") == "3"


def test_a_damaged_backup_is_found_out_and_not_restored(
    plan: Plan, backup: tuple[str, Run], checkout: Tree
) -> None:
    name, _ = backup
    in_task(plan, "mysql", f"truncate -s -64 /backup/{name}/dump.sql.zst")
    told = verdict(plan, "mysql", name)
    assert f"backup {name} is bad: files differ from the manifest: dump.sql.zst" in told
    refused = checkout.ops("restore", "mysql", "--backup", name, "--overwrite", "app")
    assert refused.code != 0
    assert "is bad" in refused.text
