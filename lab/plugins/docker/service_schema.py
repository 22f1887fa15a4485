"""The properties of `docker:index/service:Service` that are supported.

Names, defaults and what forces a replacement:
https://registry.terraform.io/providers/kreuzwerker/docker/latest/docs/resources/service
"""

from __future__ import annotations

from lab.plugins.docker.fields import (
    Field,
    Schema,
    block,
    choice,
    collection,
    duration,
    flag,
    forcing_new,
    labels,
    mapping,
    number,
    ratio,
    sequence,
    text,
)


def _file(kind: str) -> Field:
    """A secret or a config as a file in the container."""
    return collection(
        {
            f"{kind}Id": text(required=True),
            f"{kind}Name": text(),
            "fileName": text(required=True),
            "fileUid": text(default="0"),
            "fileGid": text(default="0"),
            "fileMode": number(default=0o444),
        }
    )


_MOUNT = {
    "target": text(required=True),
    "source": text(),
    "type": choice("bind", "volume", "tmpfs", required=True),
    "readOnly": flag(),
    "bindOptions": block({"propagation": text(default="rprivate")}),
    "volumeOptions": block(
        {
            "noCopy": flag(),
            "labels": labels(),
            "driverName": text(),
            "driverOptions": mapping(),
        }
    ),
    "tmpfsOptions": block({"sizeBytes": number(), "mode": number()}),
}

_HEALTHCHECK = {
    "tests": sequence(),
    "interval": duration(default="0s"),
    "timeout": duration(default="0s"),
    "startPeriod": duration(default="0s"),
    "retries": number(default=0),
}

_CONTAINER = {
    "image": text(required=True),
    "labels": labels(),
    "commands": sequence(),
    "args": sequence(),
    "hostname": text(),
    "env": mapping(),
    "dir": text(),
    "user": text(),
    "groups": sequence(),
    "readOnly": flag(),
    "mounts": collection(_MOUNT),
    "stopSignal": text(),
    "stopGracePeriod": duration(computed=True),
    "healthcheck": block(_HEALTHCHECK, computed=True),
    "hosts": collection(
        forcing_new({"ip": text(required=True), "host": text(required=True)}),
        force_new=True,
    ),
    "dnsConfig": block(
        {
            "nameservers": sequence(required=True),
            "searches": sequence(),
            "options": sequence(),
        },
        computed=True,
    ),
    "secrets": _file("secret"),
    "configs": _file("config"),
    "isolation": choice("default", "process", "hyperv", default="default"),
    "sysctl": mapping(force_new=True),
    "capAdds": sequence(),
    "capDrops": sequence(),
    "init": flag(computed=True),
}

_QUANTITIES = {"nanoCpus": number(), "memoryBytes": number()}

_NETWORK = forcing_new({"name": text(), "id": text(), "aliases": collection(), "driverOpts": collection()})

_TASK = {
    "containerSpec": block(_CONTAINER, required=True),
    "resources": block({"limits": block(_QUANTITIES), "reservation": block(_QUANTITIES)}, computed=True),
    "restartPolicy": block(
        {
            "condition": choice("none", "on-failure", "any"),
            "delay": duration(),
            "maxAttempts": number(),
            "window": duration(),
        },
        computed=True,
    ),
    "placement": block(
        {
            "constraints": collection(),
            "prefs": collection(),
            "maxReplicas": number(),
            "platforms": collection({"architecture": text(required=True), "os": text(required=True)}),
        },
        computed=True,
    ),
    "forceUpdate": number(computed=True),
    "runtime": choice("container", "plugin", computed=True),
    "networksAdvanceds": collection(_NETWORK),
    "logDriver": block({"name": text(required=True), "options": mapping()}),
}


def _roll(*failure_actions: str) -> Field:
    return block(
        {
            "parallelism": number(default=1),
            "delay": duration(default="0s"),
            "failureAction": choice(*failure_actions, default="pause"),
            "monitor": duration(default="5s"),
            "maxFailureRatio": ratio(default="0.0"),
            "order": choice("stop-first", "start-first", default="stop-first"),
        }
    )


_PORT = {
    "name": text(),
    "protocol": choice("tcp", "udp", "sctp", default="tcp"),
    "targetPort": number(required=True),
    "publishedPort": number(computed=True),
    "publishMode": choice("host", "ingress", default="ingress"),
}

SERVICE = Schema(
    "docker:index/service:Service",
    {
        "name": text(required=True, force_new=True),
        "labels": labels(force_new=False, computed=True),
        "auth": block(
            forcing_new(
                {
                    "serverAddress": text(required=True),
                    "username": text(),
                    "password": text(secret=True),
                }
            ),
            force_new=True,
        ),
        "taskSpec": block(_TASK, required=True),
        "mode": block(
            {
                "replicated": block({"replicas": number(default=1)}, computed=True),
                "global": flag(default=False),
            },
            computed=True,
            force_new=True,
        ),
        "updateConfig": _roll("pause", "continue", "rollback"),
        "rollbackConfig": _roll("pause", "continue"),
        "endpointSpec": block(
            {"mode": choice("vip", "dnsrr", computed=True), "ports": sequence(_PORT)},
            computed=True,
        ),
        "convergeConfig": block({"delay": duration(default="7s"), "timeout": duration(default="3m")}),
    },
    conflicts=(("mode.global", "convergeConfig"), ("mode.global", "mode.replicated")),
)
