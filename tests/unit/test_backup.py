from __future__ import annotations

import asyncio
import io
import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from components.topology import Plan
from ops import backup
from tests.unit.examples import declaration, settings

MANIFEST = {
    "id": "20261125T013000Z",
    "made_at": "2026-11-25T01:30:00Z",
    "source": "mysql-3",
    "files": {"dump.sql.zst": {"bytes": 2048, "sha256": "0"}},
    "contents": [{"name": "app.notes", "rows": 3, "checksum": "1"}],
    "state": "proven",
}


def plan() -> Plan:
    return Plan(settings(), (declaration("db"), declaration("db-backup")))


def test_only_what_has_a_backup_service_can_be_backed_up() -> None:
    assert backup.backup_service(plan(), "db") == "db-backup"
    with pytest.raises(backup.BackupError, match="those that have one: db"):
        backup.backup_service(plan(), "web")


def test_the_bucket_is_asked_where_it_is_on_and_told_which_data_is_meant() -> None:
    off = Plan(settings(), plan().services, {backup.BUCKET: "no bucket"})
    with pytest.raises(backup.BackupError, match="backup-bucket is off: no bucket"):
        backup.bucket_script(off, "db", "list-backups", [])
    environment = Plan(settings(), (*plan().services, declaration(backup.BUCKET)))
    with pytest.raises(backup.BackupError, match="those that have one: db"):
        backup.bucket_script(environment, "web", "list-backups", [])
    text = backup.bucket_script(environment, "db", "fetch-backup", ["20261125T013000Z"])
    assert "swarm.service.name=backup-bucket" in text
    assert "/fetch-backup.sh db 20261125T013000Z " in text


@pytest.mark.parametrize("running", [True, False])
def test_the_script_runs_in_the_tasks_container_and_its_arguments_stay_arguments(
    tmp_path: Path, running: bool
) -> None:
    fake = tmp_path / "docker"
    fake.write_text(
        "#!/bin/bash\n"
        f'if [ "$1" = ps ]; then printf "{"c1" if running else ""}"; else printf "[%s]" "$@"; fi\n'
    )
    fake.chmod(0o755)
    text = backup.script("db-backup", "restore", ["--backup", "a b; touch x", "--overwrite", "$HOME"])
    done = subprocess.run(
        ["bash", "-s"], input=text, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True, text=True
    )
    if running:
        command = "[/usr/local/lib/backup/restore.sh][--backup][a b; touch x][--overwrite][$HOME]"
        assert (done.returncode, done.stdout) == (0, f"[exec][c1]{command}")
    else:
        assert done.returncode == 1
        assert "db-backup has no container" in done.stderr


def test_a_bad_backup_is_seen_in_the_list() -> None:
    lines = "\n".join(json.dumps({**MANIFEST, "id": name, "state": name}) for name in ("bad", "proven"))
    told: list[str] = []
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(backup.table(backup.parse(f'{{"id": "cut-\n{lines}', told.append)))
    text = console.export_text()
    assert text.index("proven") < text.index("bad")
    assert "1 of 3 rows" in text
    assert "2 KiB" in text
    assert told == ['a manifest is damaged, so its backup can\'t be listed: {"id": "cut-']


class Spoken:
    """A remote process that says these lines on stderr, and an empty one in the end as asyncssh does."""

    def __init__(self, code: int, *lines: str) -> None:
        self.exit_status, self._lines = code, [*(f"{line}\n" for line in lines), ""]
        self.stdin = self.stdout = self.stderr = self

    def write(self, text: str) -> None: ...

    def write_eof(self) -> None: ...

    async def read(self) -> str:
        return "20261125T013000Z\n"

    async def __aiter__(self) -> AsyncIterator[str]:
        for line in self._lines:
            yield line

    async def wait(self) -> Spoken:
        return self

    async def create_process(self, command: str) -> Spoken:
        return self


@pytest.mark.parametrize(
    ("code", "told"), [(2, "db refused: say --overwrite app"), (1, r"db failed \(1\): say --overwrite app")]
)
def test_a_refusal_is_told_in_the_scripts_own_last_words(code: int, told: str) -> None:
    said: list[str] = []
    process: Any = Spoken(code, "rebuilds", "say --overwrite app")
    with pytest.raises(backup.BackupError, match=told):
        asyncio.run(backup._streamed(process, "bash -s", "", "db", said.append))
    assert said == ["rebuilds", "say --overwrite app"]
    done: Any = Spoken(0)
    assert asyncio.run(backup._streamed(done, "bash -s", "", "db", said.append)) == "20261125T013000Z\n"
