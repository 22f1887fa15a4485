"""Volumes and a bucket for the scripts of backup-bucket: a folder each, rclone's few verbs played on them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "configs/services/backup/bucket"
#: Verbs as the scripts call them. It looks at FAIL (what to say, and fail), CUT (a file to shorten) and LOSE.
RCLONE = r"""#!/bin/bash
set -euo pipefail
[[ -z ${FAIL:-} ]] || { echo "$FAIL" >&2; exit 1; }
verb=$1; shift; names='' include='' args=()
while (($#)); do
  case $1 in
    --files-from-raw) names=$2; shift 2 ;;
    --include) include=$2; shift 2 ;;
    --*) shift ;;
    *) args+=("${1/#bucket:/$BUCKET_FOLDER/}"); shift ;;
  esac
done
chosen() {
  if [[ $names ]]; then cat "$names"; return; fi
  (cd "$1" && find . -type f -path "*${include##*Z/}" | sed 's,^./,,')
}
case $verb in
  lsf) mkdir -p "${args[0]}"; cd "${args[0]}"; find . -type f | sed 's,^./,,' ;;
  copy) chosen "${args[0]}" | while read -r name; do
      mkdir -p "$(dirname "${args[1]}/$name")"; cp "${args[0]}/$name" "${args[1]}/$name"
      [[ $name != "${CUT:-}" ]] || truncate -s -1 "${args[1]}/$name"
      [[ $name != "${LOSE:-}" ]] || rm "${args[1]}/$name"
    done ;;
  hashsum) cd "${args[1]}"; xargs sha256sum <"$names" 2>/dev/null || true ;;
  delete) cd "${args[0]}"; chosen . | xargs rm -f ;;
  deletefile) rm "${args[0]}" ;;
  *) echo "unknown: $verb" >&2; exit 9 ;;
esac
"""


@dataclass
class Bench:
    """Volumes, a bucket, and the scripts between them."""

    root: Path

    def run(self, script: str, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": f"{self.root}/bin:{os.environ['PATH']}",
            "BACKUPS": f"{self.root}/backups",
            "WORK": f"{self.root}/work",
            "BUCKET_FOLDER": f"{self.root}/bucket",
            "BUCKET_ENDPOINT": "https://s3.example.com",
            "BUCKET_NAME": "name",
            "BUCKET_PREFIX": "beta",
            "BUCKET_KEEP": "2",
            "BUCKET_KEEP_DAYS": "30",
            **changes,
        }
        command = ["bash", str(FOLDER / f"{script}.sh"), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)

    def make(self, data: str, days_old: float, state: str = "proven", indent: int | None = None) -> str:
        made = datetime.now(UTC) - timedelta(days=days_old)
        name = made.strftime("%Y%m%dT%H%M%SZ")
        folder = self.root / "backups" / data / name
        folder.mkdir(parents=True)
        (folder / "dump.gz").write_text(f"{data} {name}")
        files = {"dump.gz": described(folder / "dump.gz")}
        why = 'says "state": "proven", "sha256": "'
        manifest = {"id": name, "contents": [], "files": files, "why": why, "state": state}
        (folder / "manifest.json").write_text(json.dumps(manifest, indent=indent) + "\n")
        return name

    def segment(self, days_old: float) -> str:
        name = (datetime.now(UTC) - timedelta(days=days_old)).strftime("%Y%m%dT%H%M%SZ")
        folder = self.root / "backups/mysql/binlog"
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{name}.sql.zst"
        file.write_text(name)
        (folder / f"{name}.json").write_text(json.dumps(described(file), indent=2) + "\n")
        return name

    def local(self, data: str) -> set[str]:
        return inside(self.root / "backups" / data)

    def bucket(self, data: str) -> set[str]:
        return inside(self.root / "bucket/name/beta" / data)


def described(file: Path) -> dict[str, Any]:
    content = file.read_bytes()
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def inside(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {"lock"}


def whole(*names: str) -> set[str]:
    return {f"{name}/{file}" for name in names for file in ("dump.gz", "manifest.json")}


def bench_in(folder: Path) -> Bench:
    """A bench with two empty volumes and an empty bucket."""
    for name in ("bin", "work", "bucket", "backups/redis", "backups/mysql"):
        (folder / name).mkdir(parents=True)
    (folder / "bin/rclone").write_text(RCLONE)
    (folder / "bin/rclone").chmod(0o755)
    return Bench(folder)
