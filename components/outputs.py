"""What other projects build on; the contract is docs/outputs.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi

from components.network import OverlayNetwork
from components.service import Service
from components.settings import Node
from components.topology import Plan


def outputs(plan: Plan, network: OverlayNetwork, services: Sequence[Service]) -> dict[str, Any]:
    """The stack's outputs; names of secrets, never their values."""
    settings = plan.settings
    return {
        "edge_urls": plan.edge_urls,
        "edge_domain": settings.edge.domain,
        "managers": [
            f"ssh://{settings.ssh.user}@{node.address}:{settings.ssh.port}" for node in settings.managers
        ],
        "nodes": [_node(node) for node in settings.nodes],
        "network": {"name": settings.network.name, "id": network.id, "subnet": str(settings.network.subnet)},
        "services": {service.declaration.name: _service(plan, service) for service in services},
        "secrets": list(plan.secret_names),
    }


def _node(node: Node) -> dict[str, Any]:
    return {"name": node.name, "role": node.role, "address": str(node.address), "labels": dict(node.labels)}


def _service(plan: Plan, service: Service) -> dict[str, Any]:
    declaration = service.declaration
    names = [unit.name for unit in plan.units(declaration)]
    return {
        "addresses": names,
        "endpoints": {port.name: [f"{name}:{port.port}" for name in names] for port in declaration.ports},
        "ports": {port.name: port.port for port in declaration.ports},
        "published": {port.name: port.published for port in declaration.ports if port.published},
        "ids": pulumi.Output.all(*(resource.id for resource in service.resources)),
    }
