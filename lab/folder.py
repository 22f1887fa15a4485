"""The .lab folder: lab.json, ssh key, passphrase, lock. It lives and dies with the lab."""

import fcntl
import json
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from lab.model import NODES, Lab
from lab.shell import LabError, run


@dataclass(frozen=True)
class Folder:
    """Paths of one checkout's lab."""

    checkout: Path

    @property
    def path(self) -> Path:
        """Return the folder itself."""
        return self.checkout / ".lab"

    @property
    def stack_file(self) -> Path:
        """Return the stack file that the program reads."""
        return self.checkout / "Pulumi.lab.yaml"

    @property
    def stack_record(self) -> Path:
        """Return what the lab wrote into the stack file last."""
        return self.path / "stack.yaml"

    @property
    def state(self) -> Path:
        """Return Pulumi's file backend."""
        return self.path / "state"

    @property
    def key(self) -> Path:
        """Return the private key that opens the nodes."""
        return self.path / "ssh" / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """Return the nodes' host keys in ssh's format."""
        return self.path / "ssh" / "known_hosts"

    @property
    def passphrase(self) -> Path:
        """Return the file whose content encrypts the stack's secrets."""
        return self.path / "passphrase"

    @property
    def stopped_others(self) -> Path:
        """Return the list of other labs' containers that were stopped."""
        return self.path / "stopped-others.json"

    @property
    def logs(self) -> Path:
        """Return where builds write what they say."""
        return self.path / "logs"


OWN = Folder(Path(__file__).resolve().parent.parent)


def load(folder: Folder) -> Lab | None:
    """Return the lab of this checkout, None when it has none. Raises LabError when the file is damaged."""
    file = folder.path / "lab.json"
    if not file.exists():
        return None
    try:
        return Lab.model_validate_json(file.read_text())
    except ValidationError as fault:
        raise LabError(
            f"{file}: can't be read ({fault.error_count()} faults); make lab-down, then lab-up"
        ) from fault


def save(folder: Folder, lab: Lab) -> None:
    """Write lab.json whole or not at all."""
    folder.path.mkdir(exist_ok=True)
    draft = folder.path / "lab.json.new"
    draft.write_text(json.dumps(lab.model_dump(mode="json"), indent=2) + "\n")
    draft.replace(folder.path / "lab.json")


def make_keys(folder: Folder) -> bool:
    """Make ssh key and passphrase where missing; tell whether the passphrase is a new one."""
    folder.key.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.state.mkdir(exist_ok=True)
    if not folder.key.exists():
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "platform-beta lab", "-f", str(folder.key)])
    if folder.passphrase.exists():
        return False
    folder.passphrase.touch(mode=0o600)
    folder.passphrase.write_text(secrets.token_urlsafe(32) + "\n")
    return True


def write_ssh_files(folder: Folder, lab: Lab) -> None:
    """Write known_hosts, and an ssh configuration for people: `ssh -F .lab/ssh/config node-1`."""
    known, config = [], []
    for node in NODES:
        address = lab.address(node)
        known.append(f"{address} {lab.host_keys[node.name]}")
        config.append(f"Host {node.name}\n  HostName {address}")
    config.append(
        f"Host *\n  User root\n  IdentityFile {folder.key}\n  IdentitiesOnly yes\n"
        f"  UserKnownHostsFile {folder.known_hosts}\n  StrictHostKeyChecking yes"
    )
    folder.known_hosts.write_text("\n".join(known) + "\n")
    (folder.key.parent / "config").write_text("\n".join(config) + "\n")


def remove(folder: Folder) -> None:
    """Remove the folder and the stack file."""
    shutil.rmtree(folder.path, ignore_errors=True)
    folder.stack_file.unlink(missing_ok=True)


@contextmanager
def locked(folder: Folder) -> Iterator[None]:
    """Hold the checkout's lab alone. Raises LabError at once when another command holds it."""
    folder.path.mkdir(exist_ok=True)
    with (folder.path / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as busy:
            raise LabError(f"{folder.path}: another lab command is at work; wait for it to end") from busy
        yield
