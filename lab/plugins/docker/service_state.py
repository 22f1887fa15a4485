"""A service as the Docker API reports it, as the resource's outputs: every field that the program can set.

https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Service/operation/ServiceInspect
"""

from __future__ import annotations

from typing import Any

from lab.plugins.docker.duration import format_ns

Json = dict[str, Any]


def service_state(service: Json) -> Json:
    """Outputs of an inspected service; what swarm does not know (auth, convergeConfig) is not in it."""
    spec = service["Spec"]
    return _given(
        name=spec["Name"],
        labels=label_set(spec.get("Labels")),
        taskSpec=_task(spec["TaskTemplate"]),
        mode=_mode(spec.get("Mode") or {}),
        updateConfig=_roll(spec.get("UpdateConfig")),
        rollbackConfig=_roll(spec.get("RollbackConfig")),
        endpointSpec=_endpoint(service),
    )


def has_endpoint(service: Json) -> bool:
    """Whether swarm has allocated the endpoint already, and with it the published ports."""
    return bool(((service.get("Endpoint") or {}).get("Spec") or {}).get("Mode"))


def awaits_ports(service: Json) -> bool:
    """Whether ports are to be published that swarm has not allocated yet."""
    return bool((service["Spec"].get("EndpointSpec") or {}).get("Ports")) and not has_endpoint(service)


def label_set(labels: dict[str, str] | None) -> list[Json]:
    """The set of {label, value} of Docker's map."""
    return [{"label": label, "value": value} for label, value in sorted((labels or {}).items())]


def _given(**values: Any) -> Json:
    """The values without those that swarm did not give."""
    return {name: value for name, value in values.items() if value is not None}


def _task(task: Json) -> Json:
    resources, placement = task.get("Resources"), task.get("Placement")
    return _given(
        containerSpec=_container(task["ContainerSpec"]),
        resources=None if resources is None else _resources(resources),
        restartPolicy=_restart(task.get("RestartPolicy")),
        placement=None if placement is None else _placement(placement),
        forceUpdate=task.get("ForceUpdate") or 0,
        runtime=task.get("Runtime") or None,
        networksAdvanceds=[_network(network) for network in task.get("Networks") or []] or None,
        logDriver=_log_driver(task.get("LogDriver")),
    )


def _container(container: Json) -> Json:
    grace = container.get("StopGracePeriod")
    return _given(
        image=container.get("Image"),
        labels=label_set(container.get("Labels")) or None,
        commands=container.get("Command") or None,
        args=container.get("Args") or None,
        hostname=container.get("Hostname") or None,
        env=_env(container.get("Env")),
        dir=container.get("Dir") or None,
        user=container.get("User") or None,
        groups=container.get("Groups") or None,
        readOnly=container.get("ReadOnly") or None,
        mounts=[_mount(mount) for mount in container.get("Mounts") or []] or None,
        stopSignal=container.get("StopSignal") or None,
        stopGracePeriod=None if grace is None else format_ns(grace),
        healthcheck=_healthcheck(container.get("Healthcheck")),
        hosts=[_host(host) for host in container.get("Hosts") or []] or None,
        dnsConfig=_dns(container.get("DNSConfig")),
        secrets=[_file("Secret", "secret", each) for each in container.get("Secrets") or []] or None,
        configs=[_file("Config", "config", each) for each in container.get("Configs") or []] or None,
        isolation=container.get("Isolation") or None,
        sysctl=container.get("Sysctls") or None,
        capAdds=container.get("CapabilityAdd") or None,
        capDrops=container.get("CapabilityDrop") or None,
        init=container.get("Init"),
    )


def _env(env: list[str] | None) -> dict[str, str] | None:
    return {name: value for name, _, value in (each.partition("=") for each in env)} if env else None


def _host(host: str) -> Json:
    address, _, name = host.partition(" ")
    return {"ip": address, "host": name}


def _mount(mount: Json) -> Json:
    bind, volume, tmpfs = (mount.get(f"{kind}Options") for kind in ("Bind", "Volume", "Tmpfs"))
    return _given(
        target=mount.get("Target"),
        source=mount.get("Source") or None,
        type=mount.get("Type"),
        readOnly=bool(mount.get("ReadOnly")),
        bindOptions=None if bind is None else _given(propagation=bind.get("Propagation") or None),
        volumeOptions=None if volume is None else _volume(volume),
        tmpfsOptions=None if tmpfs is None else _tmpfs(tmpfs),
    )


def _volume(volume: Json) -> Json:
    driver = volume.get("DriverConfig") or {}
    return _given(
        noCopy=bool(volume.get("NoCopy")),
        labels=label_set(volume.get("Labels")) or None,
        driverName=driver.get("Name") or None,
        driverOptions=driver.get("Options") or None,
    )


def _tmpfs(tmpfs: Json) -> Json:
    return {"sizeBytes": tmpfs.get("SizeBytes") or 0, "mode": (tmpfs.get("Mode") or 0) & 0o777}


def _healthcheck(health: Json | None) -> Json | None:
    if health is None:
        return None
    return _given(
        tests=health.get("Test") or None,
        interval=format_ns(health.get("Interval") or 0),
        timeout=format_ns(health.get("Timeout") or 0),
        startPeriod=format_ns(health.get("StartPeriod") or 0),
        retries=health.get("Retries") or 0,
    )


def _dns(dns: Json | None) -> Json | None:
    if dns is None:
        return None
    names = {"nameservers": "Nameservers", "searches": "Search", "options": "Options"}
    return _given(**{ours: dns.get(theirs) or None for ours, theirs in names.items()})


def _file(api: str, kind: str, reference: Json) -> Json:
    file = reference.get("File") or {}
    identity = {f"{kind}Id": reference[f"{api}ID"], f"{kind}Name": reference.get(f"{api}Name") or None}
    return _given(
        **identity,
        fileName=file.get("Name"),
        fileUid=file.get("UID") or None,
        fileGid=file.get("GID") or None,
        fileMode=file.get("Mode", 0),
    )


def _resources(resources: Json) -> Json:
    return _given(
        limits=_quantities(resources.get("Limits")), reservation=_quantities(resources.get("Reservations"))
    )


def _quantities(given: Json | None) -> Json | None:
    if given is None:
        return None
    return {"nanoCpus": given.get("NanoCPUs") or 0, "memoryBytes": given.get("MemoryBytes") or 0}


def _restart(policy: Json | None) -> Json | None:
    if policy is None:
        return None
    delay, window = policy.get("Delay"), policy.get("Window")
    return _given(
        condition=policy.get("Condition") or None,
        delay=None if delay is None else format_ns(delay),
        maxAttempts=policy.get("MaxAttempts"),
        window=None if window is None else format_ns(window),
    )


def _placement(placement: Json) -> Json:
    prefs = [pref["Spread"]["SpreadDescriptor"] for pref in placement.get("Preferences") or []]
    platforms = [
        {"architecture": platform.get("Architecture", ""), "os": platform.get("OS", "")}
        for platform in placement.get("Platforms") or []
    ]
    return _given(
        constraints=placement.get("Constraints") or None,
        prefs=prefs or None,
        platforms=platforms or None,
        maxReplicas=placement.get("MaxReplicas") or 0,
    )


def _network(network: Json) -> Json:
    options = [f"{name}={value}" for name, value in sorted((network.get("DriverOpts") or {}).items())]
    return _given(id=network["Target"], aliases=network.get("Aliases") or None, driverOpts=options or None)


def _log_driver(driver: Json | None) -> Json | None:
    return None if driver is None else _given(name=driver.get("Name"), options=driver.get("Options") or None)


def _mode(mode: Json) -> Json:
    replicated = mode.get("Replicated")
    return _given(
        replicated=None if replicated is None else _given(replicas=replicated.get("Replicas")),
        **{"global": mode.get("Global") is not None},
    )


def _roll(config: Json | None) -> Json | None:
    if config is None:
        return None
    return {
        "parallelism": config.get("Parallelism") or 0,
        "delay": format_ns(config.get("Delay") or 0),
        "failureAction": config.get("FailureAction"),
        "monitor": format_ns(config.get("Monitor") or 0),
        "maxFailureRatio": f"{config.get('MaxFailureRatio') or 0.0:.1f}",
        "order": config.get("Order"),
    }


def _endpoint(service: Json) -> Json:
    endpoint = service.get("Endpoint") or {}
    spec = service["Spec"].get("EndpointSpec") or {}
    ports = endpoint.get("Ports") if has_endpoint(service) else spec.get("Ports")
    mode = endpoint["Spec"]["Mode"] if has_endpoint(service) else spec.get("Mode")
    return _given(mode=mode, ports=[_port(port) for port in ports or []] or None)


def _port(port: Json) -> Json:
    return _given(
        name=port.get("Name") or None,
        protocol=port.get("Protocol"),
        targetPort=port.get("TargetPort"),
        publishedPort=port.get("PublishedPort") or 0,
        publishMode=port.get("PublishMode"),
    )
