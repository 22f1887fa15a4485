"""Images that no public registry has: each has to be named by the stack file. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from components.errors import Fault

if TYPE_CHECKING:
    from components.topology import Plan

#: Repositories of what is built in this checkout (lab/images). Without a registry before it, Docker would ask
#: Docker Hub for it, where whoever owns that name would get our passwords.
#: https://docs.docker.com/reference/cli/docker/image/pull/#pull-from-a-different-registry
BUILT_HERE = "platform/"
PUSH = "build and push it (make images PUSH=registry.example.com/platform)"


def image_faults(plan: Plan) -> Iterator[Fault]:
    """Services whose image is ours and, overrides included, of no registry that has it."""
    for service in plan.services:
        if service.image.startswith(BUILT_HERE):
            repository = service.image.partition("@")[0].partition(":")[0]
            setting = f"services.{service.name}.image"
            fault = f"is {repository}, which is built here and in no public registry"
            yield Fault(setting, fault, f"{PUSH} and name it under {setting}")
