"""Every config file that services mount, as a Swarm config named by its content: one for each content."""

from __future__ import annotations

import base64

import pulumi
import pulumi_docker as docker

from components.identity import CONFIGS
from components.reading import Reading


class SwarmConfigs(pulumi.ComponentResource):
    """Swarm configs by their full name; members and services that mount the same text share one."""

    def __init__(self, reading: Reading, provider: docker.Provider, opts: pulumi.ResourceOptions) -> None:
        super().__init__(CONFIGS, "configs", None, opts)
        child = pulumi.ResourceOptions(parent=self, provider=provider)
        self.by_name = {name: _config(name, text, child) for name, text in reading.configs.items()}
        self.register_outputs({"names": list(self.by_name)})


def _config(name: str, text: str, opts: pulumi.ResourceOptions) -> docker.ServiceConfig:
    data = base64.b64encode(text.encode()).decode()
    return docker.ServiceConfig(name, name=name, data=data, opts=opts)
