"""The environment as components, tier by tier: nodes, swarm, network, secrets, services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from components.configs import SwarmConfigs
from components.network import OverlayNetwork
from components.node import prepared_nodes
from components.observation import Observation
from components.outputs import outputs
from components.reading import Reading
from components.secrets import SwarmSecrets
from components.service import Platform, Service
from components.swarm import Swarm


def declare(reading: Reading, observed: Observation, secrets: Mapping[str, str]) -> dict[str, Any]:
    """Declares every resource of the plan; returns the stack's outputs."""
    plan, settings = reading.plan, reading.plan.settings
    nodes = prepared_nodes(plan, observed)
    swarm = Swarm(settings, nodes, observed)
    after_swarm = pulumi.ResourceOptions(depends_on=list(swarm.ready))
    network = OverlayNetwork(settings.network, swarm.provider, after_swarm)
    swarm_secrets = SwarmSecrets(plan.secret_names, secrets, swarm.provider, after_swarm)
    swarm_configs = SwarmConfigs(reading, swarm.provider, after_swarm)
    platform = Platform(reading, swarm.provider, network, swarm_configs, swarm_secrets)
    services: dict[str, Service] = {}
    for declaration in plan.services:
        needs = [services[need] for need in declaration.needs]
        # Pulumi deletes in the order of direct dependencies: a service goes before the nodes it is bound to.
        bound = [swarm.described[node.name] for node in plan.bound_to(declaration)]
        opts = pulumi.ResourceOptions(depends_on=[*swarm.ready, *bound])
        services[declaration.name] = Service(platform, declaration, needs, opts)
    return outputs(plan, network, list(services.values()))
