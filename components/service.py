"""One declared service as docker.Service resources: one, or one per member."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

from components import task
from components.configs import SwarmConfigs
from components.declaration import Declaration
from components.identity import SERVICE, STACK_LABEL
from components.network import OverlayNetwork
from components.reading import Reading
from components.secrets import SwarmSecrets
from components.topology import Unit

#: What the image's registry says of it is written into a service when it is created; it isn't declared.
FROM_THE_REGISTRY = pulumi.ResourceOptions(ignore_changes=["taskSpec.placement.platforms"])


@dataclass(frozen=True)
class Platform:
    """What every service stands on."""

    reading: Reading
    provider: docker.Provider
    network: OverlayNetwork
    configs: SwarmConfigs
    secrets: SwarmSecrets


class Service(pulumi.ComponentResource):
    """A declared service, whole: its Swarm services, made when what it needs is healthy."""

    def __init__(
        self, platform: Platform, service: Declaration, needs: Sequence[Service], opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__(SERVICE, service.name, None, opts)
        self._platform = platform
        self._needs = [resource for need in needs for resource in need.resources]
        self.declaration = service
        self.resources: list[docker.Service] = []
        # Each waits for the one before, so a change rolls one member at a time, the first declared last.
        for unit in reversed(platform.reading.plan.units(service)):
            self.resources.append(self._unit(unit, after=self.resources[-1:]))
        self.register_outputs({"units": [resource.name for resource in self.resources]})

    def _unit(self, unit: Unit, after: Sequence[docker.Service]) -> docker.Service:
        service = unit.service
        settings = self._platform.reading.plan.settings
        return docker.Service(
            unit.name,
            name=unit.name,
            labels=[docker.ServiceLabelArgs(label=STACK_LABEL, value=pulumi.get_stack())],
            mode=task.mode(service),
            endpoint_spec=task.endpoint(service),
            task_spec=docker.ServiceTaskSpecArgs(
                container_spec=task.container(
                    self._platform.reading.plan, unit, self._config_mounts(unit), self._secret_mounts(unit)
                ),
                networks_advanceds=[task.network(service, self._platform.network.id)],
                placement=task.placement(unit),
                resources=task.resources(service),
                restart_policy=task.restart_policy(service),
                log_driver=task.log_driver(settings.engine.log),
            ),
            update_config=task.update_config(service),
            rollback_config=task.rollback_config(service),
            converge_config=task.converge_config(service, settings.swarm.converge_timeout_s),
            opts=pulumi.ResourceOptions.merge(self._child([*self._needs, *after]), FROM_THE_REGISTRY),
        )

    def _child(self, depends_on: Sequence[pulumi.Resource] = ()) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(
            parent=self, provider=self._platform.provider, depends_on=list(depends_on)
        )

    def _config_mounts(self, unit: Unit) -> list[docker.ServiceTaskSpecContainerSpecConfigArgs]:
        mounts = []
        for config in unit.service.configs:
            resource = self._platform.configs.by_name[self._platform.reading.config_name(unit, config)]
            mounts.append(
                docker.ServiceTaskSpecContainerSpecConfigArgs(
                    config_id=resource.id,
                    config_name=resource.name,
                    file_name=str(config.path),
                    file_uid=config.uid,
                    file_gid=config.gid,
                    file_mode=int(config.mode, 8),
                )
            )
        return mounts

    def _secret_mounts(self, unit: Unit) -> list[docker.ServiceTaskSpecContainerSpecSecretArgs]:
        return [
            docker.ServiceTaskSpecContainerSpecSecretArgs(
                secret_id=self._platform.secrets.by_name[secret.name].id,
                secret_name=self._platform.secrets.by_name[secret.name].name,
                file_name=str(secret.path),
                file_uid=secret.uid,
                file_gid=secret.gid,
                file_mode=int(secret.mode, 8),
            )
            for secret in unit.service.secrets
        ]
