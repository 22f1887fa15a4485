"""An S3 bucket beside the lab's nodes, and an environment that copies its backups there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from components.topology import Plan
from lab import folder as folders
from lab.images import made
from lab.shell import docker
from ops import certificates
from tests.lab.backups import make
from tests.lab.nodes import on_node
from tests.lab.runner import Run, Tree
from tests.lab.stores import in_container

#: The registry's is the second address of the nodes' network, the nodes' begin at the eleventh.
ADDRESS = 3
KEYS = {"access_key": "AKIALABTEST", "secret_key": "only/for+the=tests"}


@contextmanager
def running(files: Path, secrets: Mapping[str, str]) -> Iterator[str]:
    """A bucket named `backups`, its certificate the internal authority's; yields its endpoint."""
    lab = folders.load(folders.OWN)
    assert lab
    address = str(lab.subnet[ADDRESS])
    issuer = certificates.Pair(secrets["internal_ca_certificate"], secrets["internal_ca_key"])
    key = certificates.new_key()
    names = certificates.Names(("bucket",), (address,))
    (files / "key.pem").write_text(key)
    (files / "certificate.pem").write_text(certificates.server(key, issuer, names, 30))
    settings = {
        "ROOT_ACCESS_KEY": KEYS["access_key"],
        "ROOT_SECRET_KEY": KEYS["secret_key"],
        "VGW_KEY": "/run/bucket/key.pem",
        "VGW_CERT": "/run/bucket/certificate.pem",
    }
    (files / "environment").write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    name = f"{lab.id}-bucket"
    docker(
        *("run", "--detach", "--name", name, "--label", lab.label, "--network", lab.network),
        *("--ip", address, "--memory", "256m", "--env-file", str(files / "environment")),
        *("--volume", f"{files}:/run/bucket:ro", made("bucket")),
    )
    try:
        yield f"https://{address}:9000"
    finally:
        docker("rm", "--force", name)


@dataclass(frozen=True)
class Environment:
    """The checkout's copy with the bucket turned on."""

    tree: Tree
    plan: Plan

    def give(self, name: str, value: str) -> None:
        self.tree.give(name, value)

    def ops(self, *arguments: str) -> Run:
        return self.tree.ops(*arguments)

    def make(self, data: str) -> str:
        """The ID of a backup made and proven now."""
        return make(self.tree, data)[0]

    def inside(self, service: str, script: str, timeout_s: int = 120) -> str:
        """The output of a script (shell, by stdin) in the service's container, on the node of the backups."""
        node = next(
            unit.home
            for each in self.plan.services
            if each.name == "redis-backup"
            for unit in self.plan.units(each)
        )
        assert node
        return in_container(self.plan.settings, node, service, script, timeout_s, "sh")

    def log(self) -> str:
        return on_node(
            self.plan.settings,
            self.plan.settings.managers[0].name,
            "docker service logs backup-bucket 2>&1",
        )
