"""From a declaration to the arguments of docker.Service. Pure; every duration as Go writes it.

Fields: https://www.pulumi.com/registry/packages/docker/api-docs/service/
"""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_docker as docker

from components.declaration import Declaration, SharedVolume, Volume
from components.durations import convergence, duration
from components.preflight.versions import older
from components.settings import LogRotation
from components.topology import Plan, Unit

MIB = 1024 * 1024
NANO = 1_000_000_000
#: The first Docker Engine that checks a starting container more often, and how often it does.
START_INTERVAL_ENGINE, START_INTERVAL_S = "25.0", 5
#: The name of a dead member is looked up outside the swarm, which may stall. https://man7.org/linux/man-pages/man5/resolv.conf.5.html
RESOLVER_OPTIONS = "timeout:1 attempts:1"


def mode(service: Declaration) -> docker.ServiceModeArgs:
    """A number of replicas, one for a member, or one task on every node."""
    if service.mode == "global":
        return docker.ServiceModeArgs(global_=True)
    replicas = 1 if service.members else service.replicas
    return docker.ServiceModeArgs(replicated=docker.ServiceModeReplicatedArgs(replicas=replicas))


def endpoint(service: Declaration) -> docker.ServiceEndpointSpecArgs:
    """Names resolve to tasks (dnsrr), published ports are the node's own (host): no IPVS is needed."""
    ports = [
        docker.ServiceEndpointSpecPortArgs(
            name=port.name,
            protocol=port.protocol,
            target_port=port.port,
            published_port=port.published,
            publish_mode="host",
        )
        for port in service.ports
        if port.published
    ]
    return docker.ServiceEndpointSpecArgs(mode="dnsrr", ports=ports or None)


def network(
    service: Declaration, network_id: pulumi.Input[str]
) -> docker.ServiceTaskSpecNetworksAdvancedArgs:
    """The overlay network, with the further names that lead to the service's tasks there."""
    return docker.ServiceTaskSpecNetworksAdvancedArgs(id=network_id, aliases=sorted(service.aliases) or None)


def container(
    plan: Plan,
    unit: Unit,
    configs: Sequence[docker.ServiceTaskSpecContainerSpecConfigArgs],
    secrets: Sequence[docker.ServiceTaskSpecContainerSpecSecretArgs],
) -> docker.ServiceTaskSpecContainerSpecArgs:
    """The container of one task."""
    service = unit.service
    return docker.ServiceTaskSpecContainerSpecArgs(
        image=service.image,
        hostname=unit.hostname,
        user=service.user,
        commands=list(service.command) or None,
        args=list(service.args) or None,
        env=environment(plan, unit) or None,
        configs=list(configs) or None,
        secrets=list(secrets) or None,
        mounts=mounts(unit) or None,
        healthcheck=healthcheck(service, plan.settings.preflight.engine_version),
        stop_grace_period=duration(service.stop.grace_s),
        stop_signal=service.stop.signal,
        read_only=service.read_only or None,
    )


def mounts(unit: Unit) -> list[docker.ServiceTaskSpecContainerSpecMountArgs]:
    """Named volumes (kept when the service goes) and file systems in memory."""
    volumes = [
        docker.ServiceTaskSpecContainerSpecMountArgs(
            type="volume", source=volume_name(unit, volume), target=str(volume.path)
        )
        for volume in unit.service.volumes
    ]
    memory = [
        docker.ServiceTaskSpecContainerSpecMountArgs(
            type="tmpfs",
            target=str(tmpfs.path),
            tmpfs_options=docker.ServiceTaskSpecContainerSpecMountTmpfsOptionsArgs(
                size_bytes=tmpfs.size_mib * MIB
            ),
        )
        for tmpfs in unit.service.tmpfs
    ]
    return volumes + memory


def volume_name(unit: Unit, volume: Volume) -> str:
    """What the volume is called on its node: by the Swarm service that owns it."""
    owner = volume.of if isinstance(volume, SharedVolume) else unit.name
    return f"{owner}-{volume.name}"


def environment(plan: Plan, unit: Unit) -> dict[str, str]:
    """What the service declares, and for a member or a client of members what the plan knows of them.

    MEMBERS: names with blanks between, the preferred leader first. MEMBER_INDEX: from 0.
    STOP_GRACE_S: seconds from the stop signal to the kill.
    `<SERVICE>_MEMBERS`: of each service of the same product.
    """
    service = unit.service
    known = {
        f"{other.name.upper().replace('-', '_')}_MEMBERS": " ".join(other.unit_names)
        for other in plan.services
        if other.product == service.product and other.members and service.members
    }
    if unit.member:
        index = service.members.index(unit.member)
        known |= {"MEMBERS": " ".join(service.unit_names), "MEMBER_INDEX": str(index)}
        known |= {"STOP_GRACE_S": str(service.stop.grace_s), "RES_OPTIONS": RESOLVER_OPTIONS}
    return {**known, **service.environment}


def healthcheck(
    service: Declaration, oldest_engine: str | None
) -> docker.ServiceTaskSpecContainerSpecHealthcheckArgs | None:
    """Liveness; without one the image's own counts.

    oldest_engine: the oldest that is let in. Before 25.0 an engine waits the whole interval before the first
    check, so the interval is shorter there.
    https://docs.docker.com/reference/dockerfile/#healthcheck (start-interval, five seconds unless told)
    """
    if service.health is None:
        return None
    interval_s = service.health.interval_s
    if oldest_engine is None or older(oldest_engine, START_INTERVAL_ENGINE):
        interval_s = min(interval_s, START_INTERVAL_S)
    return docker.ServiceTaskSpecContainerSpecHealthcheckArgs(
        tests=["CMD", *service.health.command],
        interval=duration(interval_s),
        timeout=duration(service.health.timeout_s),
        retries=service.health.retries,
        start_period=duration(service.health.start_period_s),
    )


def placement(unit: Unit) -> docker.ServiceTaskSpecPlacementArgs:
    """Where tasks may run, and how many on one node."""
    return docker.ServiceTaskSpecPlacementArgs(
        constraints=list(unit.constraints) or None, max_replicas=unit.service.placement.max_per_node or None
    )


def resources(service: Declaration) -> docker.ServiceTaskSpecResourcesArgs:
    """Hard limits, and what the scheduler sets aside."""
    asked = service.resources
    return docker.ServiceTaskSpecResourcesArgs(
        limits=docker.ServiceTaskSpecResourcesLimitsArgs(
            nano_cpus=round(asked.cpus * NANO), memory_bytes=asked.memory_mib * MIB
        ),
        reservation=docker.ServiceTaskSpecResourcesReservationArgs(
            nano_cpus=round(asked.reserve_cpus * NANO), memory_bytes=asked.reserve_memory_mib * MIB
        ),
    )


def restart_policy(service: Declaration) -> docker.ServiceTaskSpecRestartPolicyArgs:
    """What happens when a task ends."""
    policy = service.restart
    return docker.ServiceTaskSpecRestartPolicyArgs(
        condition=policy.condition,
        delay=duration(policy.delay_s),
        max_attempts=policy.max_attempts,
        window=duration(policy.window_s),
    )


def log_driver(log: LogRotation) -> docker.ServiceTaskSpecLogDriverArgs:
    """Rotated json-file logs."""
    return docker.ServiceTaskSpecLogDriverArgs(
        name="json-file", options={"max-file": str(log.max_file), "max-size": log.max_size}
    )


def update_config(service: Declaration) -> docker.ServiceUpdateConfigArgs:
    """Rolling update with health gates; a failure rolls back by itself."""
    update = service.update
    return docker.ServiceUpdateConfigArgs(
        parallelism=update.parallelism,
        delay=duration(update.delay_s),
        failure_action="rollback",
        monitor=duration(update.monitor_s),
        max_failure_ratio=f"{update.max_failure_ratio:.1f}",
        order=update.order,
    )


def rollback_config(service: Declaration) -> docker.ServiceRollbackConfigArgs:
    """Back by the way it came; a rollback that fails stops and is said, never undone again."""
    update = service.update
    return docker.ServiceRollbackConfigArgs(
        parallelism=update.parallelism,
        delay=duration(update.delay_s),
        failure_action="pause",
        monitor=duration(update.monitor_s),
        max_failure_ratio=f"{update.max_failure_ratio:.1f}",
        order=update.order,
    )


def converge_config(service: Declaration, timeout_s: int) -> docker.ServiceConvergeConfigArgs | None:
    """Wait for healthy tasks."""
    waits = convergence(service, timeout_s)
    return docker.ServiceConvergeConfigArgs(**waits) if waits else None
