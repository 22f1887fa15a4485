"""Names by which a run finds again what an earlier one made: types of components, labels, variables."""

from __future__ import annotations

from typing import Any

#: The project's name in Pulumi.yaml.
PROJECT = "platform-beta"
SWARM = "platform:swarm:Swarm"
NETWORK = "platform:network:OverlayNetwork"
CONFIGS = "platform:configs:SwarmConfigs"
SECRETS = "platform:secrets:SwarmSecrets"
SERVICE = "platform:service:Service"
#: Says which stack made a network or a service. A network keeps its labels, so an older one has none.
STACK_LABEL = "platform-beta.stack"
#: In the environment of what a locked run starts: who holds the lock there takes none again.
RUN = "PLATFORM_BETA_RUN"
#: In every object of inputs that an official plugin checked: the names that it filled in. Outputs have none.
DEFAULTS_NOTE = "__defaults"


def without_notes(value: Any) -> Any:
    """Inputs as they are in outputs: without the official plugins' notes, at every level."""
    if isinstance(value, dict):
        return {key: without_notes(each) for key, each in value.items() if key != DEFAULTS_NOTE}
    return [without_notes(each) for each in value] if isinstance(value, list) else value
