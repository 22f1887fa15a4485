"""Started by the engine: `python -m lab.plugins.docker <engine address>`."""

from __future__ import annotations

import asyncio
import os

from lab.plugins.docker.backend import Backend
from lab.plugins.docker.client import Client
from lab.plugins.docker.objects import ConfigBackend, NetworkBackend, SecretBackend
from lab.plugins.docker.reachable import ensure_answers, is_local
from lab.plugins.docker.read_errors import ReadErrors
from lab.plugins.docker.service import ServiceBackend
from lab.plugins.docker.settings import check_settings, diff_settings, settings
from lab.plugins.docker.swarm_resource import SwarmResource
from lab.plugins.resource import Provider
from lab.plugins.server import main
from lab.plugins.values import Props, contains_unknown

VERSION = "5.2.0"


def provider(client: Client) -> Provider:
    """The plugin over one Docker API."""

    read_errors = ReadErrors(os.environ)

    async def configure(config: Props) -> None:
        read_errors.check()
        chosen = settings(config)
        if is_local(chosen.host) and not contains_unknown(config):
            await asyncio.to_thread(ensure_answers, chosen.host)
            read_errors.answered = True
        client.configure(chosen)

    backends: list[Backend] = [
        NetworkBackend(client, read_errors),
        SecretBackend(client, read_errors),
        ConfigBackend(client, read_errors),
        ServiceBackend(client),
    ]
    resources = {backend.schema.token: SwarmResource(backend) for backend in backends}
    return Provider("docker", VERSION, resources, configure, check_settings, diff_settings)


if __name__ == "__main__":
    main(provider(Client()))
