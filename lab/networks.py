"""The nodes' network, and which address ranges are taken on this machine."""

import json
from ipaddress import IPv4Network

from lab.model import Lab
from lab.shell import docker, exists, run


def networks_in_use() -> list[IPv4Network]:
    """Return the ranges of the engine's networks (of stopped labs too) and of this machine's routes."""
    names = docker("network", "ls", "--quiet").split()
    described = json.loads(docker("network", "inspect", *names)) if names else []
    ranges = [pool["Subnet"] for network in described for pool in network["IPAM"]["Config"] or []]
    routes = [route["dst"] for route in json.loads(run(["ip", "-json", "-4", "route"]))]
    return [IPv4Network(text) for text in [*ranges, *routes] if text != "default" and ":" not in text]


def ensure_network(lab: Lab) -> None:
    """Make the lab's network where it is missing. Raises LabError."""
    if not exists("network", lab.network):
        gateway = str(lab.subnet[1])
        docker(
            *("network", "create", "--label", lab.label, "--subnet", str(lab.subnet), "--gateway", gateway),
            # A readable name for the bridge; the kernel allows 15 characters.
            *("--opt", f"com.docker.network.bridge.name=pb-{lab.id}", lab.network),
        )
