"""What hosts get: Docker's daemon.json, sysctls, firewall. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable

from components.settings import Engine, Node, Settings
from components.topology import Plan


def engine_variables(engine: Engine) -> dict[str, str]:
    """Inputs of install-engine.sh."""
    return {
        "ENGINE_SOURCE": engine.source,
        "ENGINE_REPOSITORY": engine.repository or "",
        "DAEMON_JSON": json.dumps(daemon_json(engine), indent=2, sort_keys=True) + "\n",
        "OPERATORS": " ".join(engine.operators),
    }


def daemon_json(engine: Engine) -> dict[str, object]:
    """`/etc/docker/daemon.json`. https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file"""
    given: dict[str, object] = {
        "default-address-pools": [
            {"base": str(pool.base), "size": pool.size} for pool in engine.address_pools
        ],
        "insecure-registries": list(engine.insecure_registries),
        "registry-mirrors": list(engine.registry_mirrors),
    }
    return {
        # The proxy listens on [::] as well, past every forwarding rule, and hides the client's address.
        "userland-proxy": False,
        "log-driver": "json-file",
        "log-opts": {"max-file": str(engine.log.max_file), "max-size": engine.log.max_size},
        **{key: value for key, value in given.items() if value},
    }


def sysctl_file(engine: Engine) -> str:
    """`/etc/sysctl.d/90-platform-beta.conf`."""
    return "".join(f"{key} = {value}\n" for key, value in sorted(engine.sysctls.items()))


def firewall_variables(plan: Plan, node: Node, leaving: Iterable[str] = ()) -> dict[str, str]:
    """Inputs of set-firewall.sh. `leaving`: addresses that are let in until they have left the swarm."""
    settings: Settings = plan.settings
    return {
        "NODE_ADDRESSES": " ".join([*(str(other.address) for other in settings.nodes), *leaving]),
        "SELF_ADDRESS": str(node.address),
        "SSH_PORT": str(settings.ssh.port),
        "EDGE_PORTS": " ".join(map(str, plan.published_ports)),
        "EDGE_SOURCES": " ".join(map(str, settings.firewall.edge_sources)),
    }
