"""The Docker provider of the swarm: a local socket that leads to whichever manager answers."""

from __future__ import annotations

import pulumi
import pulumi_docker as docker
from pulumi_command import remote

from components.lifecycle import swarm_exists
from components.observe import Facts
from components.settings import Settings
from components.ssh.docker_socket import socket_url


def swarm_provider(
    settings: Settings, facts: Facts, founded: remote.Command, opts: pulumi.ResourceOptions
) -> docker.Provider:
    """A provider whose inputs never change; unknown before there is a swarm."""
    url = socket_url(pulumi.get_stack())
    host: pulumi.Input[str] = url
    if not swarm_exists(settings, facts):
        host = founded.stdout.apply(lambda _: url)
    return docker.Provider("swarm", host=host, opts=opts)
