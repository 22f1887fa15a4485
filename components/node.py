"""A host made ready for the swarm: engine, kernel settings, firewall."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi_command import remote

from components.host_files import engine_variables, firewall_variables, sysctl_file
from components.lifecycle import is_away, leaving, lost_its_swarm
from components.observation import Observation
from components.observe import NodeFacts
from components.remote import Host, Seen
from components.settings import Node
from components.topology import Plan


class PreparedNode(pulumi.ComponentResource):
    """One node with Docker Engine running, sysctls set and the firewall in place.

    `after`: resources that the engine's step waits for, because it may restart the engine.
    """

    def __init__(
        self,
        plan: Plan,
        node: Node,
        observed: Observation,
        after: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("platform:node:PreparedNode", node.name, None, opts)
        settings = plan.settings
        host = Host(settings.ssh, node)
        away = is_away(observed.facts, node)

        def seen(part: str) -> Seen:
            return Seen(observed.drift.get(f"{node.name}-{part}"), away)

        def child(*after: pulumi.Resource) -> pulumi.ResourceOptions:
            return pulumi.ResourceOptions(parent=self, depends_on=list(after))

        self.engine = host.run(
            f"{node.name}-engine",
            "install-engine.sh",
            engine_variables(settings.engine),
            child(*after),
            seen=seen("engine"),
        )
        sysctls = {"SYSCTLS": sysctl_file(settings.engine)}
        host.run(f"{node.name}-sysctls", "set-sysctls.sh", sysctls, child(), seen=seen("sysctls"))
        self.firewall: remote.Command | None = None
        if settings.firewall.enabled:
            self.firewall = host.run(
                f"{node.name}-firewall",
                "set-firewall.sh",
                firewall_variables(plan, node, leaving(settings, observed.facts)),
                child(self.engine),
                undo=("unset-firewall.sh", {}),
                seen=seen("firewall"),
            )
        self.register_outputs({"name": node.name})


def prepared_nodes(plan: Plan, observed: Observation) -> dict[str, PreparedNode]:
    """Every node by name. Engines that may carry tasks follow one after the other, when all the others run.

    A new engine setting restarts engines: all at once it would take every service down, and the quorum with
    a manager whose engine is stopped.
    """
    serving = [node for node in plan.settings.nodes if _may_serve(observed, node)]
    idle = [node for node in plan.settings.nodes if node not in serving]
    nodes = {node.name: PreparedNode(plan, node, observed) for node in idle}
    before: list[pulumi.Resource] = [prepared.engine for prepared in nodes.values()]
    for node in serving:
        prepared = nodes[node.name] = PreparedNode(plan, node, observed, before)
        before = [prepared.engine]
    return nodes


def _may_serve(observed: Observation, node: Node) -> bool:
    """Whether the node's engine may be part of a swarm that works; one that was not seen may."""
    seen = observed.facts.get(node.name)
    stopped = isinstance(seen, NodeFacts) and seen.engine == "stopped"
    return not stopped and not lost_its_swarm(observed.facts, node)
