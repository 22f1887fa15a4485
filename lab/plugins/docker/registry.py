"""What an image's registry says of it, asked when a service is created, as `docker service create` does.

https://github.com/docker/cli/blob/v28.5.2/vendor/github.com/docker/docker/client/service_create.go
"""

from __future__ import annotations

from typing import Any

from lab.plugins.docker.client import Client
from lab.plugins.resource import Operation, PluginError

Json = dict[str, Any]


async def pinned(client: Client, spec: Json, operation: Operation) -> Json:
    """The spec with the image's digest and its platforms, where the registry answers; else as it is."""
    task = spec["TaskTemplate"]
    image = task["ContainerSpec"]["Image"]
    try:
        found = await client.get(f"/distribution/{image}/json", image=image)
    except PluginError as error:
        await operation.log("debug", f"{image}: its digest is not known: {error}")
        return spec
    name = image if "@" in image else f"{_tagged(image)}@{found['Descriptor']['digest']}"
    container = task["ContainerSpec"] | {"Image": name}
    platforms = [_platform(each) for each in found.get("Platforms") or []]
    placement = task["Placement"] | ({"Platforms": platforms} if platforms else {})
    return spec | {"TaskTemplate": task | {"ContainerSpec": container, "Placement": placement}}


def _tagged(image: str) -> str:
    return image if ":" in image.rpartition("/")[2] else f"{image}:latest"


def _platform(platform: Json) -> Json:
    """ARM's architecture is left out: https://github.com/moby/swarmkit/issues/2294."""
    architecture = platform.get("architecture", "")
    return {
        "Architecture": "" if architecture.lower() == "arm" else architecture,
        "OS": platform.get("os", ""),
    }
