"""MySQL's temporary space is on disk: a large transaction and an index fit, on the secondaries too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from components.topology import Plan
from tests.lab import faults
from tests.lab.backups import in_task
from tests.lab.runner import until
from tests.lab.stores import Store, in_container, whole_store

pytestmark = pytest.mark.data_tier
ROW_BYTES = 1024
#: Rows of a transaction of 80 MiB, and of a table of 200 MiB that it makes the beginning of.
TRANSACTION_ROWS, TABLE_ROWS = 80 * 1024, 200 * 1024
STEP_ROWS = 10 * 1024
STEP_LIMIT_S = 240
TABLE = "app.temporary_space"
NUMBERS = "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < {rows})"
FILL = f"INSERT INTO {TABLE} (text) {NUMBERS} SELECT RANDOM_BYTES({ROW_BYTES}) FROM n"
INDEXED = (
    "SELECT COUNT(*) FROM information_schema.statistics WHERE index_name = 'by_text' "
    "AND CONCAT(table_schema, '.', table_name) = '" + TABLE + "'"
)


def sql(mysql: Store, member: str, statements: str) -> str:
    """As root on a member, through its socket, for as long as a large statement takes here."""
    script = f"mysql --defaults-file=/var/run/mysqld/root.cnf -NB <<'SQL'\n{statements}\nSQL"
    return in_container(mysql.settings, mysql.homes[member], member, script, STEP_LIMIT_S).strip()


def everywhere(mysql: Store, query: str, expected: str) -> float:
    """Wait until every member answers so; the seconds it took."""

    def agrees() -> bool:
        return all(sql(mysql, member, query) == expected for member in mysql.homes)

    return until(agrees, STEP_LIMIT_S, f"{query} is {expected} on every member")


@pytest.fixture(scope="module")
def mysql(stores: list[Store]) -> Store:
    return whole_store(stores, "mysql")


@pytest.fixture(scope="module")
def table(mysql: Store) -> Iterator[str]:
    """An empty table; the leader that it was made on."""
    leader = mysql.leader()
    columns = "id BIGINT AUTO_INCREMENT PRIMARY KEY, text VARBINARY(1024) NOT NULL"
    sql(mysql, leader, f"DROP TABLE IF EXISTS {TABLE}; CREATE TABLE {TABLE} ({columns})")
    yield leader
    sql(mysql, mysql.leader(), f"DROP TABLE IF EXISTS {TABLE}")


@pytest.fixture
def survivors(mysql: Store) -> Iterator[None]:
    """No member's container may end meanwhile, as one does that needs more memory than it may have."""
    began = mysql.start_times()
    yield
    assert mysql.start_times() == began


def test_temporary_files_lie_on_a_disk_and_are_the_servers_alone(mysql: Store) -> None:
    for member in mysql.homes:
        kind, mode = mysql.inside(member, "stat --file-system --format %T /tmp; stat -c %a /tmp").split()
        assert kind not in ("tmpfs", "ramfs"), member
        assert mode == "1777", member
        told = sql(mysql, member, "SELECT @@tmpdir, @@innodb_tmpdir, @@replica_load_tmpdir")
        assert told.split() == ["/tmp"] * 3, member


@pytest.mark.usefixtures("survivors")
def test_a_transaction_of_80_mib_is_accepted_and_applied_by_every_secondary(mysql: Store, table: str) -> None:
    depth = f"SET SESSION cte_max_recursion_depth = {TRANSACTION_ROWS}"
    told = sql(
        mysql,
        table,
        f"{depth}; START TRANSACTION; {FILL.format(rows=TRANSACTION_ROWS)}; COMMIT; "
        "SHOW GLOBAL STATUS LIKE 'Binlog_cache_disk_use'",
    )
    assert int(told.split()[-1]) > 0, "the transaction did not need temporary space"
    took_s = everywhere(mysql, f"SELECT COUNT(*) FROM {TABLE}", str(TRANSACTION_ROWS))
    print(f"mysql, a transaction of 80 MiB: on every member {took_s:.0f} s after its commit")


def test_a_large_transaction_is_archived(plan: Plan, table: str) -> None:
    """It needs as much room for a moment as it is large: more than the backup's memory."""
    told = in_task(plan, "mysql", "/usr/local/lib/backup/hooks/archive.sh 2>&1; echo code $?")
    assert told.splitlines()[-1] == "code 0", told


@pytest.mark.usefixtures("survivors")
def test_an_index_on_a_table_of_200_mib_is_made_and_applied_by_every_secondary(
    mysql: Store, table: str
) -> None:
    depth = f"SET SESSION cte_max_recursion_depth = {STEP_ROWS}"
    held = int(sql(mysql, table, f"SELECT COUNT(*) FROM {TABLE}"))
    for _ in range(held, TABLE_ROWS, STEP_ROWS):
        sql(mysql, table, f"{depth}; {FILL.format(rows=STEP_ROWS)}")
    sql(mysql, table, f"ALTER TABLE {TABLE} ADD INDEX by_text (text), ALGORITHM = INPLACE")
    took_s = everywhere(mysql, INDEXED, "1")
    print(f"mysql, an index on 200 MiB: on every member {took_s:.0f} s after the leader had it")
    assert sorted(mysql.roles().values()) == ["PRIMARY", "SECONDARY", "SECONDARY"]


def test_what_a_killed_server_left_is_gone_when_it_is_up_again(mysql: Store) -> None:
    member = next(name for name, role in mysql.roles().items() if role == "SECONDARY")
    mysql.inside(member, "touch /tmp/left-behind")
    faults.kill(mysql, member)
    whole_store([mysql], "mysql")
    assert "left-behind" not in mysql.inside(member, "ls -A /tmp")
