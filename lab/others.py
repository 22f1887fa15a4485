"""Labs of other checkouts on this machine: stopped while ours is tested, and started again."""

import json

from lab.folder import Folder
from lab.model import LABEL, lab_id
from lab.shell import docker


def foreign(listing: str, own: str) -> list[str]:
    """Return the container names in lines of `<name> <lab id>` that belong to other labs."""
    pairs = [line.split() for line in listing.splitlines() if line.strip()]
    return [name for name, identity in pairs if identity != own]


def stop_others(folder: Folder) -> list[str]:
    """Stop the running containers of other labs, remember them, and return their names."""
    own = lab_id(folder.checkout)
    listing = docker(
        "ps", "--filter", f"label={LABEL}", "--format", f'{{{{.Names}}}} {{{{.Label "{LABEL}"}}}}'
    )
    names = foreign(listing, own)
    if names:
        # Written first: an interruption between the two must not lose a lab that was stopped.
        folder.path.mkdir(exist_ok=True)
        folder.stopped_others.write_text(json.dumps(sorted({*remembered(folder), *names})) + "\n")
        docker("stop", *names, timeout_s=300)
    return names


def start_others(folder: Folder) -> list[str]:
    """Start what stop_others stopped (what has been removed since is left out) and return the names."""
    present = set(docker("ps", "--all", "--filter", f"label={LABEL}", "--format", "{{.Names}}").split())
    names = [name for name in remembered(folder) if name in present]
    if names:
        docker("start", *names, timeout_s=300)
    folder.stopped_others.unlink(missing_ok=True)
    return names


def remembered(folder: Folder) -> list[str]:
    """Return the names in .lab/stopped-others.json."""
    if not folder.stopped_others.exists():
        return []
    return [str(name) for name in json.loads(folder.stopped_others.read_text())]
