"""MySQL: who is let in, and its backups. Under faults: tests/lab/test_60_data_tier.py."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from components.topology import Plan
from tests.lab.backups import in_task, make, verdict
from tests.lab.nodes import on_node
from tests.lab.runner import Tree
from tests.lab.stores import Store, whole_store
from tests.lab.writer import Place

pytestmark = pytest.mark.data_tier
CLIENT = """
import pymysql, sys
secret = lambda name: open("/run/secrets/" + name).read().strip()
try:
    pymysql.connect(host="mysql", port=3306, connect_timeout=3, **eval(sys.argv[1]))
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


@pytest.fixture(scope="module")
def mysql(stores: list[Store]) -> Store:
    return whole_store(stores, "mysql")


def client(place: Place, arguments: str) -> str:
    """What a client in the overlay is told."""
    names = ("mysql_app_password", "internal_ca_certificate")
    files = {"client.py": CLIENT, **{name: place.secrets[name] for name in names}}
    command = ["timeout", "20", "python3", "/run/secrets/client.py", arguments]
    script = place.container(f"client-{uuid.uuid4().hex[:8]}", command, files)
    return on_node(place.settings, place.node, script).strip()


@pytest.mark.parametrize("name", REFUSED)
def test_nobody_gets_in_without_password_and_tls(name: str, mysql: Store, place: Place) -> None:
    assert re.fullmatch(r"refused (1045|3159|1698)", client(place, REFUSED[name]))


def test_who_has_both_is_let_in(mysql: Store, place: Place) -> None:
    own = f"{{'user': 'app', 'password': secret('mysql_app_password'), {TLS}}}"
    assert client(place, own) == "let in"


def test_nothing_of_it_listens_on_a_node(mysql: Store) -> None:
    for node in mysql.settings.nodes:
        listening = on_node(mysql.settings, node.name, "ss -Hltn | awk '{print $4}'")
        ports = {line.rpartition(":")[2] for line in listening.splitlines()}
        assert not ports & {"3306", "3307", "33060", "33061", "33062", "8306", "8404"}


def sql(mysql: Store, statement: str) -> str:
    """As root on the leader, through its socket."""
    command = f"mysql --defaults-file=/var/run/mysqld/root.cnf -NB <<'SQL'\n{statement}\nSQL"
    return mysql.inside(mysql.leader(), command).strip()


@pytest.fixture
def keepsake(mysql: Store) -> Iterator[None]:
    """A table of three rows in the application's database."""
    sql(mysql, "CREATE TABLE IF NOT EXISTS app.keepsake (id INT PRIMARY KEY, text VARCHAR(20))")
    sql(mysql, "REPLACE INTO app.keepsake VALUES (1, 'one'), (2, 'two'), (3, 'drei')")
    yield
    sql(mysql, "DROP TABLE IF EXISTS app.keepsake")


def test_a_backup_is_read_from_a_secondary_proven_and_a_damaged_one_is_found_out(
    plan: Plan, mysql: Store, keepsake: None, checkout: Tree
) -> None:
    name, done = make(checkout, "mysql")
    print(f"mysql, a backup with its proof: {done.seconds:.0f} s")
    source = re.search(r"reads from (mysql-\d)", done.text)
    assert source
    assert source[1] != mysql.leader()
    assert re.search(rf"{name}.*proven", checkout.ops("backups", "mysql").text)
    in_task(plan, "mysql", f"truncate -s -64 /backup/{name}/dump.sql.zst")
    assert f"backup {name} is bad: files differ from the manifest: dump.sql.zst" in verdict(
        plan, "mysql", name
    )
    refused = checkout.ops("restore", "mysql", "--backup", name, "--overwrite", "app")
    assert refused.code != 0
    assert "is bad" in refused.text


def test_a_restore_overwrites_only_what_is_named_and_reaches_a_given_moment(
    mysql: Store, keepsake: None, checkout: Tree
) -> None:
    name, _ = make(checkout, "mysql")
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
    refused = checkout.ops("restore", "mysql", "--backup", name)
    assert refused.code != 0
    assert "add --overwrite app" in refused.text
    assert sql(mysql, "SELECT COUNT(*) FROM app.keepsake") == "0"
    wanted = ("restore", "mysql", "--backup", name, "--overwrite", "app")
    done = checkout.ops(*wanted, "--until", f"{moment:%Y-%m-%dT%H:%M:%SZ}")
    print(f"mysql, a restore to a moment: {done.seconds:.0f} s")
    assert done.code == 0, done.text
    texts = sql(mysql, "SELECT GROUP_CONCAT(text ORDER BY id) FROM app.keepsake")
    assert texts == "one,two,drei,after the backup"
    plain = checkout.ops(*wanted)
    assert plain.code == 0, plain.text
    assert sql(mysql, "SELECT COUNT(*) FROM app.keepsake") == "3"
