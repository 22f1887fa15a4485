"""What can be known of MySQL's folders without a server; tests/lab/data/test_mysql.py has the rest."""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from components.reading import Reading, read
from components.stack import RawStack
from tests.unit import examples
from tests.unit.secret_values import sound

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ROOT / "configs" / "services"
BACKUP, LIBRARY = SERVICES / "mysql" / "backup", ROOT / "configs" / "lib"
MEMBERS = ("mysql-1", "mysql-2", "mysql-3")
#: Removed by 8.4 or 9.x, or wrong for group replication: https://dev.mysql.com/doc/refman/9.7/en/added-deprecated-removed.html
GONE = {
    "query_cache_size",
    "binlog_do_db",
    "innodb_log_file_size",
    "log_slave_updates",
    "default_authentication_plugin",
    "expire_logs_days",
}


def reading(**mysql: object) -> Reading:
    given = examples.house({"mysql": mysql})
    return read(RawStack(given, sound()))


def cnf(found: Reading, member: str) -> dict[str, str]:
    parser = configparser.ConfigParser(strict=False, allow_no_value=True, interpolation=None)
    parser.read_string(found.texts[member, "my.cnf.j2"])
    return {key.replace("-", "_"): value for key, value in parser["mysqld"].items()}


def test_members_live_on_the_nodes_that_the_labels_name_each_on_its_own() -> None:
    plan = reading().plan
    mysql = next(service for service in plan.services if service.name == "mysql")
    assert [(unit.name, unit.home) for unit in plan.units(mysql)] == [
        ("mysql-1", "node-1"),
        ("mysql-2", "node-4"),
        ("mysql-3", "node-5"),
    ]


@pytest.mark.parametrize(
    ("memory_mib", "pool", "connections", "transaction_mib"),
    [
        (800, "64M", "200", 2),
        (1664, "128M", "416", 102),
        (2048, "448M", "512", 110),
        (4096, "1984M", "1000", 143),
    ],
)
def test_sizes_follow_the_memory_limit(
    memory_mib: int, pool: str, connections: str, transaction_mib: int
) -> None:
    found = cnf(reading(memory_mib=memory_mib, reserve_memory_mib=256), "mysql-2")
    assert (found["innodb_buffer_pool_size"], found["max_connections"]) == (pool, connections)
    assert int(found["loose_group_replication_transaction_size_limit"]) >> 20 == transaction_mib


def test_members_differ_in_nothing_but_who_is_preferred() -> None:
    found = reading()
    one, two, three = (cnf(found, member) for member in MEMBERS)
    assert two == three
    assert {key for key in one if one[key] != two[key]} == {"loose_group_replication_member_weight"}


def test_what_was_acknowledged_is_on_disk_and_travels_by_tls_alone() -> None:
    found = cnf(reading(), "mysql-1")
    assert not GONE & found.keys()
    assert (found["sync_binlog"], found["innodb_flush_log_at_trx_commit"]) == ("1", "1")
    assert found["require_secure_transport"] == "ON"
    assert found["loose_group_replication_ssl_mode"] == "VERIFY_IDENTITY"
    assert found["loose_group_replication_ip_allowlist"].split(",") == list(MEMBERS)
    assert found["loose_group_replication_bootstrap_group"] == "OFF"
    assert found["loose_group_replication_start_on_boot"] == "OFF"


def test_the_router_knows_every_member_and_applications_know_the_router() -> None:
    found = reading()
    text = found.texts["mysql-router", "haproxy.cfg.j2"]
    for member in MEMBERS:
        assert text.count(f"server {member} {member}:3306\n") == 1
        assert text.count(f"server {member} {member}:3306 track alive/{member}\n") == 2
    router = next(service for service in found.plan.services if service.name == "mysql-router")
    assert router.aliases == ("mysql",)


def test_roles_are_told_over_tls_with_certificates_on_both_sides_and_no_member_is_used_before() -> None:
    text = reading().texts["mysql-router", "haproxy.cfg.j2"]
    (bind,) = re.findall(r"bind :8305 (.*)", text)
    assert "ssl crt /run/secrets/mysql.pem" in bind
    assert bind.endswith("ca-file /run/secrets/internal_ca_certificate verify required")
    assert text.count("default-server disabled on-marked-down shutdown-sessions") == 2
    # HAProxy 3.2 serves it in plain text, whatever `ssl` says.
    assert not re.search("^ *stats socket", text, re.M)


def test_members_and_routers_mean_the_same_port_and_name() -> None:
    found = reading()
    script = (SERVICES / "mysql" / "server" / "routers.sh").read_text()
    router = next(service for service in found.plan.services if service.name == "mysql-router")
    assert re.search(r"ROUTERS=(\S+) ROUTER_PORT=(\d+) ROUTER_NAME=(\S+)", script).groups() == (  # type: ignore[union-attr]
        router.name,
        str(next(port.port for port in router.ports if port.name == "roles")),
        *router.aliases,
    )


def test_nothing_of_mysql_is_published() -> None:
    services = [service for service in reading().plan.services if service.name.startswith("mysql")]
    assert len(services) == 3
    assert not [port for service in services for port in service.ports if port.published]


def test_temporary_space_is_on_a_disk_and_not_in_the_data_folder() -> None:
    found = reading()
    given = cnf(found, "mysql-1")
    spaces = {given[name] for name in ("tmpdir", "innodb_tmpdir", "replica_load_tmpdir")}
    mysql = next(service for service in found.plan.services if service.name == "mysql")
    assert spaces <= {str(volume.path) for volume in mysql.volumes}
    assert not spaces & {str(each.path) for each in mysql.tmpfs}
    # InnoDB refuses an innodb_tmpdir in the data folder; docs/decisions/0010-mysql.md
    assert not [space for space in spaces if space.startswith(given["datadir"])]


@pytest.mark.parametrize("writable", [True, False])
def test_temporary_space_is_emptied_before_the_server_starts(tmp_path: Path, writable: bool) -> None:
    space = tmp_path / "space"
    (space / "#sql").mkdir(parents=True)
    (space / "#sql" / "left").write_text("x")
    (space / ".hidden").write_text("x")
    code = f"""
    log() {{ echo "$*"; }}
    TEMPORARY={space if writable else tmp_path / "none"}
    empty_temporary 2>/dev/null && echo empty
    """
    script = SERVICES / "mysql" / "server" / "run-member.sh"
    said = shell(script, code + "true")
    assert (said.strip() == "empty") == writable
    assert ("can't be emptied or written by user" in said) != writable
    assert (list(space.iterdir()) == []) == writable
    main = script.read_text()
    main = main[main.index("\nmain() {") :]
    assert main.index("empty_temporary") < main.index("initialise")
    assert "while empty_temporary; do\n    serve" in main


def shell(script: Path, code: str, **environment: str) -> str:
    """Run functions of a script of the folder by themselves."""
    text = script.read_text()
    functions = "\n".join(
        match[0] for match in re.finditer(r"(?ms)^\w+\(\) \{\n.*?^\}$|^\w+\(\) \{ .*? \}$", text)
    )
    done = subprocess.run(
        ["bash", "-c", f"{functions}\n{code}"],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


#: A server and clients that answer as told; what member.sh and PID 1 set up.
BENCH = """
ME=mysql-1; MEMBER_NAMES=(mysql-1 mysql-2 mysql-3); CLIENT_ENDED=ended; SECONDS=100
declare -A CLIENT=() GROUP=() UNANSWERED_S=()
log() { echo "$*"; }; log_once() { echo "$*"; }
"""


@pytest.mark.parametrize(
    ("answers", "code", "rows"),
    [
        (["one", "two", "answered 1"], 0, "one two"),
        (["answered 1"], 0, ""),
        (["ERROR 3098 (HY000) at line 1: no", "answered 1"], 1, "ERROR 3098 (HY000) at line 1: no"),
        (["ERROR 2013 (HY000) at line 1: lost"], 1, "(closed)"),
        (["one", "ended"], 1, "one (closed)"),
        (["one"], 1, "one (closed)"),
    ],
    ids=["rows", "none", "an-error", "lost", "ended", "silent"],
)
def test_an_answer_of_the_server_ends_with_its_mark(answers: list[str], code: int, rows: str) -> None:
    lines = "\n".join(answers)
    said = shell(
        SERVICES / "mysql" / "server" / "sql.sh",
        f"""{BENCH}
        RUN=/none; ASKED=0; CLIENT[mysql-1]=1; exec 5<<<"{lines}"
        client_say() {{ :; }}; client_end() {{ ROWS+=("(closed)"); }}
        client_hear() {{ IFS= read -r -u 5 HEARD; }}
        sql "SELECT 1"; echo "$?" "${{ROWS[*]}}"
        """,
    )
    assert said.strip() == f"{code} {rows}".strip()


@pytest.mark.parametrize(
    ("accepts", "joins_with"), [("new", "new"), ("previous", "previous"), ("none", "new")]
)
def test_a_member_that_still_has_the_previous_password_is_asked_and_joined_with_it(
    tmp_path: Path, accepts: str, joins_with: str
) -> None:
    for name, text in (("repl_password", "new"), ("repl_password.previous", "previous")):
        (tmp_path / f".{name}").write_text(text)
        (tmp_path / f"{name}.cnf").touch()
    said = shell(
        SERVICES / "mysql" / "server" / "sql.sh",
        f"""{BENCH}
        declare -A LOGIN=(); RUN={tmp_path} REPL_PASSWORD={tmp_path}/.repl_password
        client_start() {{ [[ $3 == */repl_password* && $4 == --host=mysql-2 ]] && GIVEN=$3; }}
        ask() {{ [[ {accepts} == previous && $GIVEN == *previous.cnf || {accepts} == new ]]; }}
        log_in mysql-2; echo $?; quote_joining_password; echo $QUOTED
        """,
    )
    assert said.split() == ["1" if accepts == "none" else "0", joins_with]


@pytest.mark.parametrize("secret", ["it's", "back\\slash", "plain"])
def test_a_password_stays_what_it_is_between_quotes(secret: str) -> None:
    said = shell(
        SERVICES / "mysql" / "server" / "sql.sh", 'quote "$GIVEN"; printf %s "$QUOTED"', GIVEN=secret
    )
    assert said == secret.replace("\\", "\\\\").replace("'", "\\'")


def test_the_primary_tells_the_roles_of_all_and_who_is_none_any_more_its_own_alone() -> None:
    said = shell(
        SERVICES / "mysql" / "server" / "routers.sh",
        f"""{BENCH}
        GROUP=([mysql-1]=ONLINE [mysql-2]=ONLINE [mysql-3]=RECOVERING) VIEW=17:3
        connect_routers() {{ :; }}; client_say() {{ echo "$1 is told $2"; }}; hear_router() {{ :; }}
        drop_router() {{ echo "$1 is let go"; }}
        UNANSWERED_S=([10.0.0.9]='')
        tell_all_roles mysql-1; tell_all_roles mysql-2; ROLE=NONE; tell_own_role
        """,
    )
    assert said.splitlines() == [
        "10.0.0.9 is told 17:3 mysql-1=PRIMARY mysql-2=SECONDARY mysql-3=NONE",
        "10.0.0.9 is told 17:3 mysql-1=SECONDARY mysql-2=PRIMARY mysql-3=NONE",
        "10.0.0.9 is told 17:3 mysql-1=NONE",
        "10.0.0.9 is let go",
    ]


@pytest.mark.parametrize(
    ("heard", "asked_s", "silent", "dropped"),
    [
        (["verify return:1", "told"], 100, "", False),
        (["refused: an older view of the group"], 100, "", False),
        ([], 100, "yes", False),
        ([], 97, "yes", True),
        (["ended"], 100, "yes", True),
    ],
    ids=["told", "refused", "not-yet", "too-late", "gone"],
)
def test_a_router_that_does_not_answer_gets_a_new_connection(
    heard: list[str], asked_s: int, silent: str, dropped: bool
) -> None:
    lines = "\n".join(heard)
    said = shell(
        SERVICES / "mysql" / "server" / "routers.sh",
        f"""{BENCH}
        PATIENCE_S=3 ALERT_S=10 ROUTER_SILENT=''; UNANSWERED_S=([r]={asked_s}); exec 5<<<"{lines}"
        client_hear() {{ IFS= read -r -u 5 HEARD && [[ -n $HEARD ]]; }}; client_end() {{ :; }}
        log_once() {{ :; }}
        hear_router r; echo "$ROUTER_SILENT,${{UNANSWERED_S[r]-dropped}}"
        """,
    )
    left = "dropped" if dropped else (str(asked_s) if silent else "")
    assert said.strip() == f"{silent},{left}"


SIGN = "Plugin group_replication reported"


def test_what_group_replication_logs_is_an_event_once_a_second_and_so_is_the_end_of_the_server() -> None:
    assert f'pass_log "{SIGN}" 1 >&2' in (SERVICES / "mysql/server/run-member.sh").read_text()
    line = "[Repl] Plugin group_replication reported: Group membership changed"
    said = shell(
        LIBRARY / "member.sh",
        f"wake() {{ echo $1; }}; printf '%s\\n' other '{line}' '{line}' | pass_log '{SIGN}' 1",
    )
    assert said.splitlines() == ["other", line, "log", line, "ended"]


@pytest.mark.parametrize(
    ("given", "count"),
    [
        ("", "0"),
        ("7a1f0c52-6f0e-4c0e-9d57-1f2d6f5a9b10:7", "1"),
        ("7a1f0c52-6f0e-4c0e-9d57-1f2d6f5a9b10:1-5:8-9,8a1f0c52-6f0e-4c0e-9d57-1f2d6f5a9b10:3", "8"),
        ("11111111-2222-3333-4444-555555555555:1-5", "5"),
    ],
)
def test_transactions_of_a_gtid_set_are_counted(given: str, count: str) -> None:
    script = BACKUP / "hooks" / "archive.sh"
    assert shell(script, f"count '{given}'").strip() == count


LOG = """\
# at 1
#261125  1:30:00 server id 1 GTID
# original_commit_timestamp=1795570200000000 (2026-11-25 01:30:00.000000 UTC)
SET @@SESSION.GTID_NEXT= 'a:1'/*!*/;
INSERT 1
COMMIT
# at 2
# original_commit_timestamp=1795570201000001 (2026-11-25 01:30:01.000001 UTC)
SET @@SESSION.GTID_NEXT= 'a:2'/*!*/;
INSERT 2
COMMIT
"""


@pytest.mark.parametrize(
    ("limit", "kept"), [("1795570199999999", ""), ("1795570201000000", "1"), ("1795570201000001", "12")]
)
def test_a_replay_ends_with_the_last_transaction_that_was_committed_in_time(
    tmp_path: Path, limit: str, kept: str
) -> None:
    fake = tmp_path / "zstd"
    fake.write_text(f"#!/bin/bash\ncat <<'EOF'\n{LOG}EOF\n")
    fake.chmod(0o755)
    script = BACKUP / "hooks" / "replay.sh"
    text = shell(script, f"PATH={tmp_path}:$PATH; up_to {limit} x")
    assert "".join(re.findall(r"^INSERT (\d)$", text, re.M)) == kept
    assert text.count("COMMIT") == len(kept)


def hooks(folder: Path, **scripts: str) -> str:
    """A folder with hooks of these contents."""
    folder.mkdir(exist_ok=True)
    for name, text in scripts.items():
        (folder / f"{name}.sh").write_text(f"#!/bin/bash\n{text}\n")
        (folder / f"{name}.sh").chmod(0o755)
    return str(folder)


def binlogs() -> str:
    text = (BACKUP / "mysql.sh").read_text()
    return text[text.index("# lock_archive") : text.index("# live:")]


@pytest.mark.parametrize(
    ("archived", "last", "line", "refused"),
    [
        ("true", "20261125T010000Z", "old", False),
        ("false", "20261125T013001Z", "old", False),
        ("false", "20261125T013000Z", "old", True),
        ("false", "", "old", True),
        ("true", "20261125T010000Z", "", True),
        ("true", "20261125T010000Z", "new", True),
        ("true", "20261125T013001Z", "new", False),
    ],
    ids=["just-archived", "beyond", "short", "none", "fetched-back", "another-life", "of-the-former-life"],
)
def test_a_moment_that_the_binary_logs_do_not_reach_is_refused(
    tmp_path: Path, archived: str, last: str, line: str, refused: bool
) -> None:
    if last:
        (tmp_path / f"{last}.json").write_text('{"line": "old"}')
    (tmp_path / "20261125T020000Z.json").write_text('{"line": "new"}')
    if line:
        (tmp_path / "position").write_text(f"a:1-5\n{line}\n")
    code = f"""
    fail() {{ echo "$2"; exit 0; }}; log() {{ :; }}
    {binlogs()}
    HOOKS={hooks(tmp_path, archive=archived)}
    LINE=old BINLOGS={tmp_path} ID=20261125T000000Z UNTIL=2026-11-25T01:30:00.5Z
    follow; echo whole
    """
    said = shell(BACKUP / "hooks" / "replay.sh", code)
    assert (said.strip() != "whole") == refused
    assert (f"end at {last or 'the backup itself'}, nothing was touched" in said) == refused


@pytest.mark.parametrize(
    ("online", "same", "holding", "chosen", "told"),
    [
        ("1 2 3", "1 2 3", "1 2 3", "mysql-3", ""),
        ("1 2 3", "1 2 3", "1 2", "mysql-2", ""),
        ("1 2 3", "1 2", "1 2 3", "mysql-2", ""),
        ("1 2 3", "1 2 3", "1", "mysql-1", "reads from the primary"),
        ("1 2 3", "1 2 3", "", "code 3", "the next proven backup"),
        ("1 2 3", "", "1 2 3", "code 3", "another history"),
        ("", "1", "1", "code 1", "no member is ONLINE"),
    ],
)
def test_binary_logs_come_from_a_member_that_has_them(
    tmp_path: Path, online: str, same: str, holding: str, chosen: str, told: str
) -> None:
    library = (SERVICES / "mysql" / "backup" / "mysql.sh").read_text()
    functions = library[library.index("# find_source") : library.index("# lock_archive")]
    code = f"""
    MYSQL_NAMES=(mysql-1 mysql-2 mysql-3); log() {{ echo "$*" >>{tmp_path}/told; }}
    fail() {{ printf '%s\\n' "$2" >&2; exit "$1"; }}
    {functions}
    ask() {{
      local sql; sql=$(cat)
      [[ " {online} " == *" ${{1#mysql-}} "* ]] || return 1
      [[ $sql != *gtid_executed* || " {same} " == *" ${{1#mysql-}} "* ]] || return 0
      [[ $sql != *gtid_purged* || " {holding} " == *" ${{1#mysql-}} "* ]] || return 0
      if [[ $1 == mysql-1 ]]; then echo PRIMARY; else echo SECONDARY; fi
    }}
    (choose_log a:1-5) 2>>{tmp_path}/told || echo "code $?"
    """
    said = shell(BACKUP / "hooks" / "archive.sh", code, BINLOGS=str(tmp_path))
    assert said.strip() == chosen
    assert (tmp_path / "ended").exists() == (told == "another history")
    assert told in (tmp_path / "told").read_text() if told else True


@pytest.mark.parametrize(
    ("position", "code", "line", "kept"),
    [
        (None, 0, "20261125T013000Z", "new:1-9"),
        ("old:1-5\n", 0, "", "old:1-5"),
        ("old:1-5\nfirst\n", 0, "first", "old:1-5"),
        ("old:1-5\nfirst\n", 1, "first", "old:1-5"),
        ("old:1-5\nfirst\n", 3, "20261125T013000Z", "new:1-9"),
    ],
    ids=["first-backup", "from-before-lines", "goes-on", "fails-for-now", "another-history"],
)
def test_a_backup_begins_a_line_of_binary_logs_only_where_none_can_be_gone_on_with(
    tmp_path: Path, position: str | None, code: int, line: str, kept: str
) -> None:
    store = tmp_path / "binlog"
    store.mkdir()
    (store / "ended").touch()
    manifest = tmp_path / "manifest.json"
    manifest.write_text('{"id": "20261125T013000Z", "position": "new:1-9", "state": "unproven"}')
    if position:
        (store / "position").write_text(position)
    for script in (LIBRARY / "member.sh", *LIBRARY.glob("backup/*.sh"), *BACKUP.glob("*.sh")):
        shutil.copy(script, tmp_path)
    hooks(tmp_path / "hooks", archive=f"exit {code}", proven=(BACKUP / "hooks" / "proven.sh").read_text())
    given = {"MEMBERS": "mysql-backup", "MYSQL_MEMBERS": "mysql-1", "STORE": str(tmp_path)}
    script = tmp_path / "hooks/proven.sh"
    subprocess.run([script, tmp_path], env={**os.environ, **given}, check=True)
    assert json.loads(manifest.read_text())["line"] == line
    assert (store / "position").read_text().split()[0] == kept
    assert (store / "ended").exists() == (kept == "old:1-5")


@pytest.mark.parametrize(
    ("until", "told"),
    [
        ("2026-11-25T01:30:00Z", ""),
        ("2026-11-25T01:30:00.25Z", ""),
        ("2026-11-25T01:29:59Z", "was made after"),
        ("2026-11-25T25:00:00Z", "is no moment"),
        ("2026-11-25", "is no moment"),
        ("noon", "is no moment"),
    ],
)
def test_a_moment_is_one_and_after_the_backup(until: str, told: str) -> None:
    text = (BACKUP / "hooks" / "moment.sh").read_text()
    script = f"""
    fail() {{ echo "$2"; exit 0; }}; field() {{ echo 2026-11-25T01:30:00Z; }}
    set -- /backup/20261125T013000Z {until}
    {text[text.index("if [[") :]}"""
    said = subprocess.run(["bash", "-eu", "-c", script], capture_output=True, text=True, check=True).stdout
    assert (told in said) if told else said == ""


def test_what_differs_after_a_restore_is_named(tmp_path: Path) -> None:
    (tmp_path / "wanted").write_text("app.a\t1\t7\napp.b\t2\t8\nother.c\t1\t1\n")
    (tmp_path / "restored").write_text("app.a\t1\t7\napp.b\t3\t9\nother.c\t2\t2\napp.d\t0\t0\n")
    said = shell(BACKUP / "hooks" / "replace.sh", "differing app", WORK=str(tmp_path))
    assert sorted(said.split()) == ["app.b", "app.d"]


def test_a_replay_takes_segments_of_the_backups_own_line_alone(tmp_path: Path) -> None:
    for number, line in enumerate(("old", "new", "old"), start=1):
        (tmp_path / f"2026112{number}T013000Z.json").write_text(
            json.dumps({"line": line, "from": "f", "to": f"t{number}", "transactions": 1, "sha256": "s"})
        )
        (tmp_path / f"2026112{number}T013000Z.sql.zst").touch()
    code = f"""
    log() {{ :; }}; fail() {{ echo "$2"; exit 0; }}; sha256sum() {{ echo "s  -"; }}; scratch() {{ cat; }}
    up_to() {{ echo "replayed ${{2##*/}}"; }}
    held() {{ [[ $1 != f && ! -e {tmp_path}/$1 ]] || echo 1; touch {tmp_path}/$1; }}
    LINE=new BINLOGS={tmp_path} UNTIL=2026-11-25T01:30:00Z
    replay
    """
    said = shell(BACKUP / "hooks" / "replay.sh", code)
    assert re.findall(r"replayed (\S+)", said) == ["20261122T013000Z.sql.zst"]
