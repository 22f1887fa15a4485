"""A host made ready for the swarm: engine, kernel settings, firewall."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pulumi

from components.observe import NodeFacts, Unreachable
from components.remote import Host
from components.settings import Engine, Node, Settings
from components.topology import Plan


class PreparedNode(pulumi.ComponentResource):
    """One node with Docker Engine running, sysctls set and the firewall in place.

    `after`: resources that the engine's step waits for, because it may restart the engine.
    """

    def __init__(
        self,
        plan: Plan,
        node: Node,
        after: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("platform:node:PreparedNode", node.name, None, opts)
        settings = plan.settings
        host = Host(settings.ssh, node)
        child = pulumi.ResourceOptions(parent=self)
        self.engine = host.run(
            f"{node.name}-engine",
            "install-engine.sh",
            engine_variables(settings.engine),
            pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )
        host.run(f"{node.name}-sysctls", "set-sysctls.sh", {"SYSCTLS": sysctl_file(settings.engine)}, child)
        if settings.firewall.enabled:
            with_engine = pulumi.ResourceOptions(parent=self, depends_on=[self.engine])
            name, variables = f"{node.name}-firewall", firewall_variables(plan, node)
            host.run(name, "set-firewall.sh", variables, with_engine, undo=("unset-firewall.sh", {}))
        self.register_outputs({"name": node.name})


def prepared_nodes(plan: Plan, facts: Mapping[str, NodeFacts | Unreachable]) -> dict[str, PreparedNode]:
    """Every node by name: side by side while none is in a swarm, else engines one after the other.

    A new engine setting restarts engines; all at once it would take every service down.
    """
    in_use = any(isinstance(seen, NodeFacts) and seen.swarm_state == "active" for seen in facts.values())
    nodes: dict[str, PreparedNode] = {}
    after: list[pulumi.Resource] = []
    for node in plan.settings.nodes:
        prepared = nodes[node.name] = PreparedNode(plan, node, after)
        after = [prepared.engine] if in_use else []
    return nodes


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


def firewall_variables(plan: Plan, node: Node) -> dict[str, str]:
    """Inputs of set-firewall.sh."""
    settings: Settings = plan.settings
    return {
        "NODE_ADDRESSES": " ".join(str(other.address) for other in settings.nodes),
        "SELF_ADDRESS": str(node.address),
        "SSH_PORT": str(settings.ssh.port),
        "EDGE_PORTS": " ".join(map(str, plan.edge_ports)),
        "EDGE_SOURCES": " ".join(map(str, settings.firewall.edge_sources)),
    }
