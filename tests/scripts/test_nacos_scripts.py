"""Nacos' scripts against a curl and a mysql that answer what was recorded."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
SERVER, SCHEMA = CONFIGS / "services/nacos/server", CONFIGS / "services/nacos/schema"
MEMBERS = ("nacos-1", "nacos-2", "nacos-3")
GROUPS = {"lock_acquire_service_v2": "nacos-3", "naming_service_metadata": "nacos-2"}


class Container:
    """A folder with what a container has mounted, and programs that come first on PATH."""

    def __init__(self, folder: Path, source: Path, mounted: str) -> None:
        self.folder, self.mounted = folder, mounted
        shutil.copytree(source, folder / "lib", ignore=shutil.ignore_patterns("lab-image"))
        shutil.copy(CONFIGS / "lib/member.sh", folder / "lib")
        for name in ("run", "secrets", "bin", "answers"):
            (folder / name).mkdir()
        for script in (folder / "lib").glob("*.sh"):
            text = script.read_text().replace(mounted, str(folder / "lib"))
            text = text.replace("/run/secrets", str(folder / "secrets"))
            script.write_text(text.replace("/run/nacos-schema", str(folder / "run")))

    def program(self, name: str, body: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(f"#!/bin/bash\ncd '{self.folder}'\n{body}\n")
        path.chmod(0o755)

    def start(self, script: str) -> subprocess.Popen[str]:
        environment = {
            **os.environ,
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "MEMBERS": " ".join(MEMBERS),
            "HOSTNAME": "nacos-2",
        }
        command = ["bash", str(self.folder / "lib" / script)]
        return subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def run(self, script: str) -> tuple[int, str, str]:
        process = self.start(script)
        out, err = process.communicate(timeout=60)
        return process.returncode, out.strip(), err


def view(leaders: dict[str, str | None], states: tuple[str, ...] = ("UP",) * 3) -> dict[str, Any]:
    """What a member tells of itself and of all, as Nacos 3.1 does."""
    groups = {
        name: {"leader": leader and f"{leader}:7848", "raftGroupMember": [f"{each}:7848" for each in MEMBERS]}
        for name, leader in leaders.items()
    }
    own = {"state": "UP", "extendInfo": {"raftMetaData": {"metaDataMap": groups}, "raftPort": "7848"}}
    return {
        "self": {"code": 0, "message": "success", "data": own},
        "list": {"code": 0, "message": "success", "data": [{"state": state} for state in states]},
        "readiness": {"code": 0, "message": "success", "data": "ok"},
    }


@pytest.fixture
def member(tmp_path: Path) -> Container:
    container = Container(tmp_path, SERVER, "/usr/local/lib/nacos")
    (tmp_path / "secrets/nacos_identity").write_text("whoever has it")
    # The URL is the last argument: http://<host>:8848/nacos/v3/…/<what is asked>
    container.program(
        "curl",
        """printf '%s\\n' "$*" >>arguments
url=${*: -1} host=${url#http://}
cat "answers/${host%%:*}.${url##*/}" """,
    )
    for name in (*MEMBERS, "127.0.0.1"):
        answer(container, name, view(dict(GROUPS)))
    return container


def answer(container: Container, host: str, given: dict[str, Any]) -> None:
    for what, value in given.items():
        text = json.dumps(value, separators=(",", ":"))
        (container.folder / "answers" / f"{host}.{what}").write_text(text)


def test_a_member_tells_what_it_is(member: Container) -> None:
    assert member.run("role.sh") == (0, "PRIMARY", "")
    answer(member, "127.0.0.1", view({**GROUPS, "naming_service_metadata": "nacos-1"}))
    assert member.run("role.sh") == (0, "SECONDARY", "")
    answer(member, "127.0.0.1", view({**GROUPS, "naming_service_metadata": None}))
    assert member.run("role.sh") == (0, "NONE", "")


def test_no_secret_is_in_an_argument(member: Container) -> None:
    member.run("ready-to-stop.sh")
    assert "whoever has it" not in (member.folder / "arguments").read_text()


def test_it_may_stop_when_all_members_see_the_same(member: Container) -> None:
    assert member.run("ready-to-stop.sh") == (0, "", "")
    answer(member, "nacos-3", view(dict(GROUPS), ("UP", "UP", "DOWN")))
    assert member.run("ready-to-stop.sh")[:2] == (1, "nacos-3 sees 2 of 3 members")
    (member.folder / "answers/nacos-1.self").unlink()
    assert member.run("ready-to-stop.sh")[:2] == (1, "nacos-1 does not answer")


def test_it_waits_for_one_that_has_not_loaded_everything(member: Container) -> None:
    (member.folder / "answers/nacos-3.readiness").write_text(
        '{"code":30000,"message":"naming not in readiness"}'
    )
    code, out, _ = member.run("ready-to-stop.sh")
    assert (code, out.partition(":")[0]) == (1, "nacos-3 is not ready")


@pytest.fixture
def schema(tmp_path: Path) -> Container:
    container = Container(tmp_path, SCHEMA, "/usr/local/lib/nacos-schema")
    (tmp_path / "secrets/nacos_schema_password").write_text("a'b")
    # What it is given is kept, one file a session; the first sessions fail as told.
    container.program(
        "mysql",
        """n=$(($(cat sessions 2>/dev/null || echo 0) + 1)); echo $n >sessions; cat >"session.$n"
[[ ! -e fails ]] || { cat fails; rm fails; exit 1; }
! grep -q 'CREATE DATABASE' "session.$n" || cat applied 2>/dev/null || true""",
    )
    return container


def sessions(schema: Container) -> list[str]:
    found = sorted(schema.folder.glob("session.*"), key=lambda path: int(path.suffix[1:]))
    return [path.read_text() for path in found]


def until_migrated(schema: Container) -> str:
    process = schema.start("migrate.sh")
    end = time.monotonic() + 60
    while not (schema.folder / "run/migrated").exists() and process.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.1)
    process.terminate()
    return process.communicate(timeout=60)[1]


def test_an_empty_database_gets_every_version_in_a_session_that_holds_the_lock(schema: Container) -> None:
    (schema.folder / "fails").write_text("ERROR 2003 (HY000): Can't connect to MySQL server\n")
    log = until_migrated(schema)
    assert "waits for MySQL" in log
    assert "of version 1" in log
    _, first, version = sessions(schema)
    assert "CREATE DATABASE IF NOT EXISTS nacos" in first
    assert (
        version.index("GET_LOCK")
        < version.index("CREATE TABLE")
        < version.index("INSERT INTO schema_version")
    )


def test_a_database_of_this_version_is_left_alone(schema: Container) -> None:
    until_migrated(schema)
    kept = sessions(schema)[-1].partition("VALUES (1, '")[2].partition("'")[0]
    for path in (*schema.folder.glob("session*"), schema.folder / "run/migrated"):
        path.unlink()
    (schema.folder / "applied").write_text(f"1:{kept}\n")
    until_migrated(schema)
    assert len(sessions(schema)) == 1


@pytest.mark.parametrize(
    ("fails", "applied"),
    [("ERROR 1064 (42000) at line 3: You have an error in your SQL syntax\n", ""), (None, "1:another\n")],
)
def test_it_fails_and_so_does_the_update(schema: Container, fails: str | None, applied: str) -> None:
    if fails:
        (schema.folder / "fails").write_text(fails)
    (schema.folder / "applied").write_text(applied)
    code, _, log = schema.run("migrate.sh")
    assert code == 1
    assert "failed: ERROR 1064" in log or "version 1 was changed after it was applied" in log
    assert not (schema.folder / "run/migrated").exists()
