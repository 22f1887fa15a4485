"""Driver options of a VXLAN overlay. https://docs.docker.com/engine/network/drivers/overlay/"""

from __future__ import annotations

from components.settings import Network

MTU = "com.docker.network.driver.mtu"
#: Chosen by Swarm and added to the options by itself.
VXLAN_ID = "com.docker.network.driver.overlay.vxlanid_list"


def overlay_options(settings: Network) -> dict[str, str]:
    """Driver options as Docker names them."""
    options = {MTU: str(settings.mtu)} if settings.mtu else {}
    return {**options, "encrypted": ""} if settings.encrypted else options
