"""Started by the engine: `python -m lab.plugins.docker <engine address>`."""

from __future__ import annotations

from lab.plugins.docker.backend import Backend
from lab.plugins.docker.client import Client
from lab.plugins.docker.objects import ConfigBackend, NetworkBackend, SecretBackend
from lab.plugins.docker.service import ServiceBackend
from lab.plugins.docker.settings import check_settings, diff_settings, settings
from lab.plugins.docker.swarm_resource import SwarmResource
from lab.plugins.resource import Provider
from lab.plugins.server import main
from lab.plugins.values import Props

VERSION = "5.2.0"


def provider(client: Client) -> Provider:
    """The plugin over one Docker API."""

    async def configure(config: Props) -> None:
        client.configure(settings(config))

    backends: list[Backend] = [
        NetworkBackend(client),
        SecretBackend(client),
        ConfigBackend(client),
        ServiceBackend(client),
    ]
    resources = {backend.schema.token: SwarmResource(backend) for backend in backends}
    return Provider("docker", VERSION, resources, configure, check_settings, diff_settings)


if __name__ == "__main__":
    main(provider(Client()))
