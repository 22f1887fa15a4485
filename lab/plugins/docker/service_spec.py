"""A planned service as the body of the Docker API's service create and update requests.

https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Service/operation/ServiceCreate
Blocks that were not given are sent empty, and texts as "", as the official plugin does: what is read back is
then the same with either. Sets are sent sorted, so that another order in the program rolls nothing.
"""

from __future__ import annotations

import json
from typing import Any

from lab.plugins.docker.duration import parse_ns
from lab.plugins.docker.fields import Value, Values

Json = dict[str, Any]


def service_spec(service: Values) -> Json:
    """The whole ServiceSpec of planned values without unknowns."""
    return {
        "Name": service["name"],
        "Labels": labels(service.get("labels")),
        "TaskTemplate": _task(service["taskSpec"]),
        "Mode": _mode(service.get("mode") or {}),
        "UpdateConfig": _roll(service.get("updateConfig")),
        "RollbackConfig": _roll(service.get("rollbackConfig")),
        "EndpointSpec": _endpoint(service.get("endpointSpec") or {}),
    }


def labels(given: list[Value] | None) -> dict[str, str]:
    """Docker's map of a set of {label, value}."""
    return {element["label"]: element["value"] for element in given or []}


def _task(task: Values) -> Json:
    resources = task.get("resources") or {}
    return {
        "ContainerSpec": _container(task["containerSpec"]),
        "Resources": {
            "Limits": _quantities(resources.get("limits")),
            "Reservations": _quantities(resources.get("reservation")),
        },
        "RestartPolicy": _restart(task.get("restartPolicy")),
        "Placement": _placement(task.get("placement") or {}),
        "ForceUpdate": task.get("forceUpdate") or 0,
        "Runtime": task.get("runtime") or "",
        "Networks": [_network(network) for network in _sorted(task.get("networksAdvanceds"))],
        "LogDriver": _log_driver(task.get("logDriver")),
    }


def _container(container: Values) -> Json:
    dns = container.get("dnsConfig") or {}
    return {
        "Image": container["image"],
        "Labels": labels(container.get("labels")),
        "Command": container.get("commands") or [],
        "Args": container.get("args") or [],
        "Hostname": container.get("hostname") or "",
        "Env": [f"{name}={value}" for name, value in sorted((container.get("env") or {}).items())],
        "Dir": container.get("dir") or "",
        "User": container.get("user") or "",
        "Groups": container.get("groups") or [],
        "ReadOnly": bool(container.get("readOnly")),
        "Mounts": [_mount(mount) for mount in _sorted(container.get("mounts"))],
        "StopSignal": container.get("stopSignal") or "",
        "StopGracePeriod": parse_ns(container.get("stopGracePeriod") or ""),
        "Healthcheck": _healthcheck(container.get("healthcheck")),
        "Hosts": [f"{host['ip']} {host['host']}" for host in _sorted(container.get("hosts"))],
        "DNSConfig": {
            "Nameservers": dns.get("nameservers") or [],
            "Search": dns.get("searches") or [],
            "Options": dns.get("options") or [],
        },
        "Secrets": [_file("Secret", "secret", file) for file in _sorted(container.get("secrets"))],
        "Configs": [_file("Config", "config", file) for file in _sorted(container.get("configs"))],
        "Isolation": container.get("isolation") or "default",
        "Sysctls": container.get("sysctl") or {},
        "CapabilityAdd": container.get("capAdds") or [],
        "CapabilityDrop": container.get("capDrops") or [],
        "Init": bool(container.get("init")),
    }


def _mount(mount: Values) -> Json:
    bind, volume, tmpfs = (mount.get(f"{kind}Options") for kind in ("bind", "volume", "tmpfs"))
    body: Json = {
        "Type": mount["type"],
        "Target": mount["target"],
        "Source": mount.get("source") or "",
        "ReadOnly": bool(mount.get("readOnly")),
    }
    if bind is not None:
        body["BindOptions"] = {"Propagation": bind.get("propagation") or "rprivate"}
    if volume is not None:
        driver = {"Name": volume.get("driverName") or "", "Options": volume.get("driverOptions") or {}}
        no_copy = bool(volume.get("noCopy"))
        body["VolumeOptions"] = {
            "NoCopy": no_copy,
            "Labels": labels(volume.get("labels")),
            "DriverConfig": driver,
        }
    if tmpfs is not None:
        body["TmpfsOptions"] = {"SizeBytes": tmpfs.get("sizeBytes") or 0, "Mode": tmpfs.get("mode") or 0}
    return body


def _healthcheck(health: Values | None) -> Json:
    if health is None:
        return {}
    return {
        "Test": health.get("tests") or [],
        "Interval": parse_ns(health.get("interval") or ""),
        "Timeout": parse_ns(health.get("timeout") or ""),
        "StartPeriod": parse_ns(health.get("startPeriod") or ""),
        "Retries": health.get("retries") or 0,
    }


def _file(api: str, kind: str, file: Values) -> Json:
    target = {
        "Name": file["fileName"],
        "UID": file.get("fileUid") or "0",
        "GID": file.get("fileGid") or "0",
        "Mode": file.get("fileMode", 0o444),
    }
    return {"File": target, f"{api}ID": file[f"{kind}Id"], f"{api}Name": file.get(f"{kind}Name") or ""}


def _quantities(given: Values | None) -> Json | None:
    if given is None:
        return None
    return {"NanoCPUs": given.get("nanoCpus") or 0, "MemoryBytes": given.get("memoryBytes") or 0}


def _restart(policy: Values | None) -> Json:
    if policy is None:
        return {}
    return {
        "Condition": policy.get("condition") or "",
        "Delay": parse_ns(policy.get("delay") or ""),
        "MaxAttempts": policy.get("maxAttempts") or 0,
        "Window": parse_ns(policy.get("window") or ""),
    }


def _placement(placement: Values) -> Json:
    platforms = _sorted(placement.get("platforms"))
    return {
        "Constraints": _sorted(placement.get("constraints")),
        "Preferences": [{"Spread": {"SpreadDescriptor": pref}} for pref in _sorted(placement.get("prefs"))],
        "Platforms": [{"Architecture": each["architecture"], "OS": each["os"]} for each in platforms],
        "MaxReplicas": placement.get("maxReplicas") or 0,
    }


def _network(network: Values) -> Json:
    options = dict(option.split("=", 1) for option in network.get("driverOpts") or [])
    target = network.get("id") or network.get("name")
    return {"Target": target, "Aliases": _sorted(network.get("aliases")), "DriverOpts": options}


def _log_driver(driver: Values | None) -> Json | None:
    return None if driver is None else {"Name": driver["name"], "Options": driver.get("options") or {}}


def _mode(mode: Values) -> Json:
    if mode.get("global"):
        return {"Global": {}}
    replicated = mode.get("replicated")
    return {} if replicated is None else {"Replicated": {"Replicas": replicated.get("replicas", 1)}}


def _roll(config: Values | None) -> Json | None:
    if config is None:
        return None
    return {
        "Parallelism": config.get("parallelism", 1),
        "Delay": parse_ns(config.get("delay") or ""),
        "FailureAction": config.get("failureAction") or "pause",
        "Monitor": parse_ns(config.get("monitor") or ""),
        "MaxFailureRatio": float(config.get("maxFailureRatio") or 0),
        "Order": config.get("order") or "stop-first",
    }


def _endpoint(endpoint: Values) -> Json:
    ports = [
        {
            "Name": port.get("name") or "",
            "Protocol": port.get("protocol") or "tcp",
            "TargetPort": port["targetPort"],
            "PublishedPort": port.get("publishedPort") or 0,
            "PublishMode": port.get("publishMode") or "ingress",
        }
        for port in endpoint.get("ports") or []
    ]
    return {"Mode": endpoint.get("mode") or "", "Ports": ports}


def _sorted(elements: list[Value] | None) -> list[Value]:
    return sorted(elements or [], key=lambda element: json.dumps(element, sort_keys=True))
