"""Pulumi.lab.yaml: all that the program learns of the lab."""

from pathlib import Path
from typing import Any

import yaml

from lab.model import NODES, Lab

PREFIX = "platform-beta:"
KEPT = "platform-beta:secrets"
# Only what a network namespace has for itself: vm.* and fs.* of a node would change this machine, and
# net.core.rmem_max can't be set inside one (EINVAL). Each of these was tried in a node.
SYSCTLS = {
    "net.core.somaxconn": "4096",
    "net.ipv4.ip_local_port_range": "15000 64000",
    "net.ipv4.tcp_keepalive_time": "600",
    "net.ipv4.tcp_max_syn_backlog": "4096",
}


def lab_config(lab: Lab, images: dict[str, str]) -> dict[str, Any]:
    """Return the lab's part of the stack's configuration; images maps a service to what nodes pull."""
    settings = {
        "ssh": {"user": "root", "port": 22, "private_key_file": ".lab/ssh/id_ed25519"},
        "nodes": [
            {
                "name": node.name,
                "role": node.role,
                "address": str(lab.address(node)),
                "host_key": lab.host_keys[node.name],
                "availability": "active",
                "labels": node.labels,
            }
            for node in NODES
        ],
        "engine": {
            "source": "distribution",
            "log": {"max_size": "10m", "max_file": 3},
            "address_pools": [{"base": "172.30.0.0/16", "size": 24}],
            "registry_mirrors": [],
            "insecure_registries": [lab.registry_endpoint],
            "sysctls": SYSCTLS,
            "operators": ["deploy"],
        },
        "swarm": {"task_history_limit": 3},
        "network": {"name": "platform-beta", "subnet": "10.20.0.0/20", "encrypted": False, "mtu": 1450},
        "firewall": {"enabled": True},
        "edge": {"domain": "beta.platform.test"},
        "services": {service: {"image": image} for service, image in sorted(images.items())},
    }
    return {f"{PREFIX}{key}": value for key, value in settings.items()}


def merge(old: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    """Return the stack file's document: ours, with the secrets and everything of others kept from the old."""
    config = old.get("config") or {}
    kept = {key: value for key, value in config.items() if key == KEPT or not key.startswith(PREFIX)}
    return {**old, "config": {**ours, **kept}}


def write(file: Path, ours: dict[str, Any], *, keep_old: bool) -> None:
    """Write the stack file whole or not at all; without keep_old nothing of the present one stays."""
    old = yaml.safe_load(file.read_text()) if keep_old and file.exists() else {}
    text = yaml.safe_dump(merge(old or {}, ours), sort_keys=False, width=200, allow_unicode=True)
    heading = "# Written by `make lab-up`; only platform-beta:secrets and keys of other projects are kept.\n"
    draft = file.with_name(file.name + ".new")
    draft.write_text(heading + text)
    draft.chmod(0o600)
    draft.replace(file)
