"""Every secret that a service mounts, as a Swarm secret named by its content."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

import pulumi
import pulumi_docker as docker

from components.checks import NAMING_KEY
from components.contents import secret_name
from components.identity import SECRETS


class SwarmSecrets(pulumi.ComponentResource):
    """Swarm secrets by their name in the configuration."""

    def __init__(
        self,
        names: Sequence[str],
        values: Mapping[str, str],
        provider: docker.Provider,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__(SECRETS, "secrets", None, opts)
        child = pulumi.ResourceOptions(parent=self, provider=provider)
        self.by_name = {name: _secret(name, values[name], values[NAMING_KEY], child) for name in names}
        self.register_outputs({"names": list(names)})


def _secret(name: str, value: str, key: str, opts: pulumi.ResourceOptions) -> docker.Secret:
    full_name = secret_name(name, value, key)
    data = base64.b64encode(value.encode()).decode()
    return docker.Secret(full_name, name=full_name, data=pulumi.Output.secret(data), opts=opts)
