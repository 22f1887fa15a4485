"""The overlay network that every service is on."""

from __future__ import annotations

import pulumi
import pulumi_docker as docker

from components.identity import NETWORK, STACK_LABEL
from components.overlay_options import VXLAN_ID, overlay_options
from components.settings import Network

#: Spelled as the official plugin compares paths, which are texts to it: at `options["…"]` it ignores nothing,
#: and the network and every service on it are to be replaced. docs/decisions/0003
CHOSEN_BY_SWARM = f'options.["{VXLAN_ID}"]'


class OverlayNetwork(pulumi.ComponentResource):
    """One attachable overlay network over all nodes, encrypted by IPsec when the settings say so."""

    def __init__(self, settings: Network, provider: docker.Provider, opts: pulumi.ResourceOptions) -> None:
        super().__init__(NETWORK, settings.name, None, opts)
        self.resource = docker.Network(
            settings.name,
            name=settings.name,
            driver="overlay",
            attachable=settings.attachable,
            # Swarm takes the first address for the gateway; unsaid, it would show as a difference.
            ipam_configs=[
                docker.NetworkIpamConfigArgs(subnet=str(settings.subnet), gateway=str(settings.subnet[1]))
            ],
            options=overlay_options(settings),
            labels=[docker.NetworkLabelArgs(label=STACK_LABEL, value=pulumi.get_stack())],
            opts=pulumi.ResourceOptions(
                parent=self, provider=provider, ignore_changes=[CHOSEN_BY_SWARM, "labels"]
            ),
        )
        self.id = self.resource.id
        self.register_outputs({"id": self.id})
