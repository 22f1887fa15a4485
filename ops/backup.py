"""Backups by hand: runs a data service's own scripts in its backup task, wherever that runs.

What the scripts promise is told in docs/decisions/0016-backups.md; nothing here knows any database.
"""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import asyncssh
from rich.table import Table

from components.observe.over_ssh import connect, shell
from components.settings import Node, Settings
from components.topology import Plan
from ops.managers import first_answer

SCRIPTS = "/usr/local/lib/backup"
#: The service that copies backups to a bucket; its scripts take the name of the data first.
BUCKET = "backup-bucket"
TIMEOUT_S = 20
#: The scripts' own exit code for "not without being told to", see docs/decisions/0016-backups.md.
REFUSED = 2

Manifest = dict[str, Any]
Say = Callable[[str], None]


class BackupError(Exception):
    """A backup or restore did not come about; the text says what and what to do."""


def script(service: str, name: str, arguments: Sequence[str]) -> str:
    """What runs on the node: one of the backup task's scripts, inside its container."""
    command = " ".join(shlex.quote(item) for item in (f"{SCRIPTS}/{name}.sh", *arguments))
    wanted = shlex.quote(f"label=com.docker.swarm.service.name={service}")
    return f"""set -euo pipefail
id=$(docker ps --quiet --filter {wanted} --filter status=running | head -n 1)
[ -n "$id" ] || {{ echo "{service} has no container here any more; try again" >&2; exit 1; }}
exec docker exec "$id" {command} </dev/null
"""


def run(plan: Plan, data: str, name: str, arguments: Sequence[str], say: Say) -> str:
    """The stdout of script `name` of `<data>-backup`, its progress handed to `say`. Raises BackupError."""
    service = backup_service(plan, data)
    return asyncio.run(_run(plan.settings, service, script(service, name, arguments), say))


def run_bucket(plan: Plan, data: str, name: str, arguments: Sequence[str], say: Say) -> str:
    """The stdout of script `name` of the bucket's service, for the backups of `data`. Raises BackupError."""
    return asyncio.run(_run(plan.settings, BUCKET, bucket_script(plan, data, name, arguments), say))


def bucket_script(plan: Plan, data: str, name: str, arguments: Sequence[str]) -> str:
    """What runs on the node for it. Raises BackupError where there is no bucket, or no backup of `data`."""
    backup_service(plan, data)
    if BUCKET not in {service.name for service in plan.services}:
        raise BackupError(f"{BUCKET} is off: {plan.off.get(BUCKET, 'it is not declared')}")
    return script(BUCKET, name, [data, *arguments])


def backup_service(plan: Plan, data: str) -> str:
    """The service that makes the backups of `data`. Raises BackupError."""
    known = sorted(item.name for item in plan.services if item.name.endswith("-backup"))
    if f"{data}-backup" not in known:
        names = ", ".join(name.removesuffix("-backup") for name in known) or "none"
        raise BackupError(f"{data}: no service makes backups of it; those that have one: {names}")
    return f"{data}-backup"


def table(manifests: Iterable[Manifest]) -> Table:
    """Backups as they are listed, newest first."""
    shown = Table("backup", "made", "from", "size", "holds", "state", title_justify="left")
    for item in sorted(manifests, key=lambda item: str(item["id"]), reverse=True):
        size = sum(file["bytes"] for file in item["files"].values())
        rows = sum(content["rows"] for content in item["contents"])
        state = item["state"] if item["state"] == "proven" else f"[red]{item['state']}[/red]"
        holds = f"{len(item['contents'])} of {rows} rows"
        shown.add_row(item["id"], item["made_at"], item["source"], f"{size / 1024:.0f} KiB", holds, state)
    return shown


def parse(text: str, say: Say) -> list[Manifest]:
    """One manifest a line, as list-backups.sh prints them; one that is damaged is told and hides no other."""
    found = []
    for line in filter(None, text.splitlines()):
        try:
            found.append(json.loads(line))
        except ValueError:
            say(f"a manifest is damaged, so its backup can't be listed: {line[:60]}")
    return found


async def _run(settings: Settings, service: str, text: str, say: Say) -> str:
    node = await _home(settings, service)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            connection = await connect(settings, node)
        async with connection:
            output = await _streamed(connection, shell(settings), text, f"{service} on {node.name}", say)
    except (OSError, asyncssh.Error) as error:
        reason = getattr(error, "stderr", None) or str(error) or type(error).__name__
        raise BackupError(f"{service}: {str(reason).strip()}") from None
    return output


async def _home(settings: Settings, service: str) -> Node:
    """The node on which the backup task runs. Raises NoManagerError, and BackupError when it runs nowhere."""
    listing = "docker service ps --filter desired-state=running --format '{{.Node}} {{.CurrentState}}' "
    rows = await first_answer(settings, listing + shlex.quote(service)) or ""
    for row in rows.splitlines():
        name, _, state = row.partition(" ")
        if state.startswith("Running"):
            found = next((node for node in settings.nodes if node.name == name), None)
            if found is None:
                raise BackupError(f"{service} runs on {name}, which is declared no more; run: make up")
            return found
    raise BackupError(f"{service} does not run; see: python -m ops status")


async def _streamed(
    connection: asyncssh.SSHClientConnection, command: str, text: str, where: str, say: Say
) -> str:
    process = await connection.create_process(command)
    process.stdin.write(text)
    process.stdin.write_eof()

    async def progress() -> str:
        last = ""
        async for line in process.stderr:
            if text := str(line).rstrip():  # asyncssh ends with an empty one
                last = text
                say(text)
        return last

    output, last = await asyncio.gather(process.stdout.read(), progress())
    result = await process.wait()
    if result.exit_status:
        what = "refused" if result.exit_status == REFUSED else f"failed ({result.exit_status})"
        raise BackupError(f"{where} {what}: {last or 'see its logs'}")
    return str(output)
