"""Names by which a run finds again what an earlier one made: types of components, labels, variables."""

from __future__ import annotations

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
