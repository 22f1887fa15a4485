"""Pulumi.lab.yaml: all that the program learns of the lab."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from lab.declared import SERVICES, lab_overrides, node_labels
from lab.model import NODE_MEMORY_MIB, NODES, Lab

PREFIX = "platform-beta:"
KEPT = "platform-beta:secrets"
MISSING = object()

# Only what a network namespace has for itself: vm.* and fs.* of a node would change this machine, and
# net.core.rmem_max can't be set inside one (EINVAL). Each of these was tried in a node.
SYSCTLS = {
    "net.core.somaxconn": "4096",
    "net.ipv4.ip_local_port_range": "15000 64000",
    "net.ipv4.tcp_keepalive_time": "600",
    "net.ipv4.tcp_max_syn_backlog": "4096",
}


def lab_config(
    lab: Lab,
    images: dict[str, str],
    left_out: Mapping[str, str] = MappingProxyType({}),
    services: Path = SERVICES,
) -> dict[str, Any]:
    """Return the lab's part of the stack's configuration. Raises LabError.

    `images` maps a service to what nodes pull, `left_out` one that this lab does without to the reason,
    `services` is the folder whose lab.yaml files count.
    """
    labels, overrides = node_labels(services), lab_overrides(services)
    settings = {
        "ssh": {"user": "root", "port": 22, "private_key_file": ".lab/ssh/id_ed25519"},
        "nodes": [
            {
                "name": node.name,
                "role": node.role,
                "address": str(lab.address(node)),
                "host_key": lab.host_keys[node.name],
                "availability": "active",
                "labels": labels[node.name],
                "memory_mib": NODE_MEMORY_MIB,
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
        # A node is a container: it sees this machine's cores, memory and disk, of which a lab needs little.
        # Five nodes share two cores: a busy moment of the host is no slow network.
        "preflight": {
            **{"memory_mib": 3072, "cores": 2, "disk_gib": 10, "latency_ms": 500},
            "engine_version": "25.0",
        },
        "edge": {"domain": "beta.platform.test"},
        "services": {
            **{
                service: {"image": image, **overrides.get(service, {})}
                for service, image in sorted(images.items())
            },
            **{service: {"enabled": False, "because": why} for service, why in sorted(left_out.items())},
        },
    }
    return {f"{PREFIX}{key}": value for key, value in settings.items()}


def merge(written: Any, present: Any, ours: Any) -> Any:
    """Return ours, with what a person changed since the lab wrote `written` kept as it is at present.

    Mappings are merged key by key, anything else is one value. Secrets, the encryption salt and keys of
    other projects were never written by the lab, so they stay.
    """
    if not all(isinstance(value, dict) for value in (written, present, ours)):
        return ours if present == written else present
    merged = {
        key: merge(written.get(key, MISSING), present.get(key, MISSING), ours.get(key, MISSING))
        for key in [*ours, *(key for key in present if key not in ours)]
    }
    return {key: value for key, value in merged.items() if value is not MISSING}


def write(file: Path, ours: dict[str, Any], *, record: Path, keep_old: bool) -> None:
    """Write the stack file whole or not at all, and into `record` what the lab put there.

    Without keep_old (or without record) nothing of the lab's own keys stays as it is.
    """
    wanted = {"config": ours}
    present = _read(file) if keep_old else {}
    written = _read(record) if record.exists() else {"config": _own_keys(present)}
    heading = "# Written by `make lab-up`, which keeps what you change here until `make lab-down`.\n"
    _replace(file, heading, merge(written, present, wanted) if present else wanted)
    _replace(record, "# What the lab wrote into the stack file.\n", wanted)


def _own_keys(present: dict[str, Any]) -> dict[str, Any]:
    config = present.get("config") or {}
    return {key: value for key, value in config.items() if key.startswith(PREFIX) and key != KEPT}


def _read(file: Path) -> dict[str, Any]:
    return (yaml.safe_load(file.read_text()) or {}) if file.exists() else {}


def _replace(file: Path, heading: str, document: dict[str, Any]) -> None:
    draft = file.with_name(file.name + ".new")
    draft.write_text(heading + yaml.safe_dump(document, sort_keys=False, width=200, allow_unicode=True))
    draft.chmod(0o600)
    draft.replace(file)
