"""A backup service of a made-up store: the library for real, hooks that copy text files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

LIBRARY = Path(__file__).parents[2] / "configs/lib"
#: The store: a line is a row, a file is an entry. SPOIL, BROKEN, GIVES, SLOW_S… are the tests' own.
HOOKS = {
    "dump": """
        echo $$ >"$LIVE.dumping"
        sleep "${SLOW_S:-0}"
        [ -z "${BROKEN:-}" ] || { echo "store: can't be read; see its logs" >&2; exit 1; }
        cp "$LIVE"/*.txt "$1"
        if [ -n "${GIVES:-}" ]; then cd "$LIVE" && rows >"$2"; fi
        echo "source=store-2"; echo 'server_version=1 "beta"'; echo position=7
    """,
    "load": """
        [ -z "${NO_SCRATCH:-}" ] || { echo "scratch server: no room" >&2; exit 3; }
        cp "$1"/*.txt "$SCRATCH"
        if [ -n "${SPOIL:-}" ]; then echo more >>"$SCRATCH/a.txt"; fi
        ! grep -q unreadable "$SCRATCH/a.txt" || { echo "a.txt: no text" >&2; exit 1; }
        sleep 300 & echo $! >"$WORK/scratch.pid"
    """,
    "contents": """cd "$SCRATCH" && rows""",
    "held": """for name; do [ ! -s "$LIVE/$name.txt" ] || echo "$name"; done""",
    "replace": """
        sleep "${REPLACE_S:-0}"
        [ -z "${BROKEN:-}" ] || { echo "store: half-way" >&2; exit 1; }
        for name; do cp "$SCRATCH/$name.txt" "$LIVE"; done; echo "$# names"
    """,
}
ROWS = """rows() {
  for file in *.txt; do printf '%s\\t%s\\t%s\\n' "${file%.txt}" "$(wc -l <"$file")" "$(cksum <"$file")"; done
}
"""


@dataclass
class Bench:
    """Folders as in the container, and the store's live data."""

    root: Path

    @property
    def store(self) -> Path:
        return self.root / "backup"

    @property
    def live(self) -> Path:
        return self.root / "live"

    def environment(self, **changes: str) -> dict[str, str]:
        own = {"STORE": "backup", "WORK": "work", "LIVE": "live", "ALIVE": "alive"}
        return {
            "PATH": os.environ["PATH"],
            "MEMBERS": "toy-backup",
            "STOP_GRACE_S": "12",
            "BACKUP_AT": "01:30",
            "BEAT_S": "1",
            "BACKUP_KEEP": "2",
            "BACKUP_KEEP_DAYS": "30",
            **{name: str(self.root / folder) for name, folder in own.items()},
            **changes,
        }

    def start(self, script: str, *arguments: str, **changes: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.root / f"lib/{script}.sh"), *arguments],
            env=self.environment(**changes),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, script: str, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        process = self.start(script, *arguments, **changes)
        out, said = process.communicate(timeout=60)
        return subprocess.CompletedProcess(script, process.returncode, out, said)

    def made(self, **changes: str) -> str:
        done = self.run("make-backup", "manual", **changes)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def manifest(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.store / name / "manifest.json").read_text())
        return found

    def old(self, days: float, text: str = "") -> str:
        """A backup of that age: a copy of what one looks like, or with this text as its manifest."""
        name = (datetime.now(UTC) - timedelta(days=days)).strftime("%Y%m%dT%H%M%SZ")
        (self.store / name).mkdir()
        given = text or json.dumps({"id": name, "reason": "scheduled", "files": {}, "state": "proven"})
        (self.store / name / "manifest.json").write_text(given)
        return name

    def hook(self, name: str, body: str) -> None:
        path = self.root / "lib/hooks" / f"{name}.sh"
        path.write_text(f"#!/usr/bin/env bash\nset -eu\n{ROWS}{body}\n")
        path.chmod(0o555)

    def left(self) -> set[str]:
        """What lies beside the backups, and processes that a run left."""
        beside = {path.name for path in self.store.iterdir() if not path.name.endswith("Z")}
        return beside - {"lock", ".scratch"} | {path.name for path in (self.store / ".scratch").glob("*")}


def bench_in(folder: Path) -> Bench:
    """A store with two files and no backup yet."""
    for name in ("lib/hooks", "backup", "live"):
        (folder / name).mkdir(parents=True)
    for script in (LIBRARY / "member.sh", *(LIBRARY / "backup").glob("*.sh")):
        shutil.copy(script, folder / "lib")
        (folder / "lib" / script.name).chmod(0o555)
    bench = Bench(folder)
    for name, body in HOOKS.items():
        bench.hook(name, body)
    (bench.live / "a.txt").write_text("one\ntwo\n")
    (bench.live / "b.txt").write_text("three\n")
    return bench
