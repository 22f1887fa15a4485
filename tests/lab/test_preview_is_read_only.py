"""`make preview` on the lab that is up: it ends well and leaves stack file and state as they were."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from tests.lab.runner import ROOT

KEPT = ("Pulumi.lab.yaml", ".lab/state", ".lab/passphrase", "configs")


def digests() -> dict[str, str]:
    """Every file that a preview could write, by its path."""
    roots = [ROOT / name for name in KEPT]
    files = [path for root in roots for path in (root.rglob("*") if root.is_dir() else [root])]
    return {str(path): _digest(path) for path in files if path.is_file()}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_make_preview_writes_nothing() -> None:
    before = digests()
    assert len(before) > 3
    done = subprocess.run(
        ["make", "--no-print-directory", "preview"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert digests() == before
