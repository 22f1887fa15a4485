"""The overlay network that every service is on."""

from __future__ import annotations

import pulumi
import pulumi_docker as docker

from components.settings import Network

#: Driver options of a VXLAN overlay. https://docs.docker.com/engine/network/drivers/overlay/
MTU = "com.docker.network.driver.mtu"
#: Chosen by Swarm and added to the options by itself.
VXLAN_ID = "com.docker.network.driver.overlay.vxlanid_list"
#: Says which stack made a network or a service. A network keeps its labels, so an older one has none.
STACK_LABEL = "platform-beta.stack"
#: Spelled as the official plugin compares paths, which are texts to it: at `options["…"]` it ignores nothing,
#: and the network and every service on it are to be replaced. docs/decisions/0003
CHOSEN_BY_SWARM = f'options.["{VXLAN_ID}"]'


class OverlayNetwork(pulumi.ComponentResource):
    """One attachable overlay network over all nodes, encrypted by IPsec when the settings say so."""

    TYPE = "platform:network:OverlayNetwork"

    def __init__(self, settings: Network, provider: docker.Provider, opts: pulumi.ResourceOptions) -> None:
        super().__init__(self.TYPE, settings.name, None, opts)
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


def overlay_options(settings: Network) -> dict[str, str]:
    """Driver options as Docker names them."""
    options = {MTU: str(settings.mtu)} if settings.mtu else {}
    return {**options, "encrypted": ""} if settings.encrypted else options
