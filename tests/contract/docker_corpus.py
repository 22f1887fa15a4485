"""The docker resources of the cases. The first program asks every argument that ours uses, and some more.

`tests/program/test_contract_corpus.py` compares its arguments with those of the environment's program.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from components.network import CHOSEN_BY_SWARM
from components.overlay_options import MTU, VXLAN_ID
from components.service import FROM_THE_REGISTRY
from tests.contract.conftest import OFFICIAL
from tests.contract.docker_program import Resources, encoded, put

PASSWORD = "correct-horse-battery"
SUBNET = "10.98.76.0/24"
PORT = 28571
LABELS = [{"label": "new", "value": "1"}]


@dataclass(frozen=True)
class Place:
    """Where the tasks of the cases run, and from which image."""

    node: str
    image: str

    def service(self, name: str, **changes: Any) -> dict[str, Any]:
        """A small service on this node; `changes` of its inputs by path, with `__` between names."""
        inputs: dict[str, Any] = {
            "name": f"contract-{name}",
            "mode": {"replicated": {"replicas": 1}},
            "endpoint_spec": {"mode": "dnsrr"},
            "task_spec": {
                "container_spec": {
                    "image": self.image,
                    "healthcheck": {
                        "tests": ["CMD", "/server", "healthy"],
                        "interval": "500ms",
                        "timeout": "2s",
                    },
                    "stop_grace_period": "2s",
                },
                "placement": {"constraints": [f"node.id=={self.node}"]},
            },
            "converge_config": {"delay": "500ms", "timeout": "20s"},
        }
        for path, change in changes.items():
            put(inputs, path, change)
        return {"type": "service", "inputs": inputs}

    def idle(self, name: str, **changes: Any) -> dict[str, Any]:
        """A service without a task, and so without a wait."""
        return self.service(name, **{"mode": {"replicated": {"replicas": 0}}, **changes})


def network(name: str, **inputs: Any) -> dict[str, Any]:
    """An overlay network."""
    return {"type": "network", "inputs": {"name": f"contract-{name}", "driver": "overlay", **inputs}}


def pools(third: int) -> list[dict[str, str]]:
    """The address pool 10.98.<third>.0/24 with its gateway, as swarm chooses it."""
    return [{"subnet": f"10.98.{third}.0/24", "gateway": f"10.98.{third}.1"}]


def everything(place: Place) -> Resources:
    """Every argument that the environment's program gives, and further ones that the plugin knows."""
    labels = [{"label": "tier", "value": "data"}]
    full = place.service(
        "full",
        labels=labels,
        endpoint_spec={"mode": "dnsrr", "ports": [host_port(PORT)]},
        task_spec__container_spec__env={"MODE": "one", "PASSWORD": {"secret": PASSWORD}},
        task_spec__container_spec__labels=labels,
        task_spec__container_spec__commands=["/server"],
        task_spec__container_spec__args=["serve"],
        task_spec__container_spec__hostname="full",
        task_spec__container_spec__user="0",
        task_spec__container_spec__dir="/",
        task_spec__container_spec__read_only=True,
        task_spec__container_spec__stop_signal="SIGQUIT",
        task_spec__container_spec__healthcheck__retries=3,
        task_spec__container_spec__healthcheck__start_period="5s",
        task_spec__container_spec__cap_drops=["CAP_NET_RAW"],
        task_spec__container_spec__sysctl={"net.core.somaxconn": "512"},
        task_spec__container_spec__hosts=[{"ip": "10.1.2.3", "host": "elsewhere"}],
        task_spec__container_spec__dns_config={"nameservers": ["127.0.0.11"], "searches": ["test"]},
        task_spec__container_spec__mounts=[
            {
                "target": "/data",
                "source": "contract-data",
                "type": "volume",
                "volume_options": {"driver_name": "local", "labels": labels, "no_copy": True},
            },
            {"target": "/tmp", "type": "tmpfs", "tmpfs_options": {"size_bytes": 1048576, "mode": 0o700}},
            {"target": "/host", "source": "/etc", "type": "bind", "read_only": True},
        ],
        task_spec__container_spec__secrets=[
            {
                "secret_id": {"id_of": "token"},
                "secret_name": {"name_of": "token"},
                "file_name": "/run/secrets/token",
                "file_uid": "1",
                "file_gid": "1",
                "file_mode": 0o400,
            }
        ],
        task_spec__container_spec__configs=[
            {
                "config_id": {"id_of": "page"},
                "config_name": {"name_of": "page"},
                "file_name": "/etc/page",
                "file_uid": "1",
                "file_gid": "1",
                "file_mode": 0o440,
            }
        ],
        task_spec__networks_advanceds=[{"id": {"id_of": "mesh"}, "aliases": ["alias"]}],
        task_spec__resources={
            "limits": {"nano_cpus": 500000000, "memory_bytes": 67108864},
            "reservation": {"nano_cpus": 10000000, "memory_bytes": 16777216},
        },
        task_spec__placement={
            "constraints": [f"node.id=={place.node}"],
            "max_replicas": 2,
            "prefs": ["node.id"],
        },
        task_spec__restart_policy={"condition": "any", "delay": "1s", "max_attempts": 0, "window": "10s"},
        task_spec__log_driver={"name": "json-file", "options": {"max-size": "1m", "max-file": "2"}},
        task_spec__force_update=0,
        update_config=roll("rollback"),
        rollback_config=roll("pause"),
    )
    full["ignore_changes"] = FROM_THE_REGISTRY.ignore_changes
    return {
        "mesh": {
            **network("mesh", attachable=True, ipam_configs=pools(76), labels=labels, options={MTU: "1400"}),
            "ignore_changes": [CHOSEN_BY_SWARM],
        },
        "sealed": {
            **network(
                "sealed",
                attachable=True,
                labels=labels,
                ipam_configs=pools(75),
                options={MTU: "1400", "encrypted": ""},
            ),
            "ignore_changes": [CHOSEN_BY_SWARM, "labels"],
        },
        "token": {
            "type": "secret",
            "inputs": {"name": "contract-token", "data": {"secret": encoded(PASSWORD)}, "labels": labels},
        },
        "page": {
            "type": "config",
            "inputs": {"name": "contract-page", "data": encoded("a page"), "labels": labels},
        },
        "full": full,
        "everywhere": place.service("everywhere", mode={"global": True}, converge_config=None),
    }


def host_port(published: int) -> dict[str, Any]:
    """A port of the node itself."""
    return {
        "name": "http",
        "protocol": "tcp",
        "target_port": 8080,
        "published_port": published,
        "publish_mode": "host",
    }


def roll(failure_action: str) -> dict[str, Any]:
    """How a service is updated."""
    return {
        "parallelism": 1,
        "delay": "0s",
        "failure_action": failure_action,
        "monitor": "2s",
        "max_failure_ratio": "0.0",
        "order": "stop-first",
    }


CONTAINER = "task_spec__container_spec"
AT = "taskSpec.containerSpec"
MOUNT = {
    "target": "/data",
    "source": "contract-none",
    "type": "volume",
    "volume_options": {"labels": [{"label": "a", "value": "b"}]},
}
TMPFS = {"target": "/tmp", "type": "tmpfs", "tmpfs_options": {"size_bytes": 1048576}}
CHANGES: dict[str, tuple[str, Any, str, set[str]]] = {
    # by name: what is changed, its new value, the operation, the property paths shown
    "image": (f"{CONTAINER}__image", "elsewhere:1", "update", {f"{AT}.image"}),
    "env-added": (f"{CONTAINER}__env__NEW", "1", "update", {f"{AT}.env.NEW"}),
    "env-changed": (f"{CONTAINER}__env__KEY", "2", "update", {f"{AT}.env.KEY"}),
    "env-removed": (f"{CONTAINER}__env__OLD", None, "update", {f"{AT}.env.OLD"}),
    "args": (f"{CONTAINER}__args", ["fail"], "update", {f"{AT}.args[0]"}),
    "user": (f"{CONTAINER}__user", "7", "update", {f"{AT}.user"}),
    "hostname": (f"{CONTAINER}__hostname", "other", "update", {f"{AT}.hostname"}),
    "read-only": (f"{CONTAINER}__read_only", True, "update", {f"{AT}.readOnly"}),
    "grace": (f"{CONTAINER}__stop_grace_period", "9s", "update", {f"{AT}.stopGracePeriod"}),
    "signal": (f"{CONTAINER}__stop_signal", "SIGINT", "update", {f"{AT}.stopSignal"}),
    "health": (
        f"{CONTAINER}__healthcheck__interval",
        "9s",
        "update",
        {f"{AT}.healthcheck.interval"},
    ),
    "container-labels": (
        f"{CONTAINER}__labels",
        LABELS,
        "replace",
        {f"{AT}.labels[0].value"},
    ),
    "sysctl": (
        f"{CONTAINER}__sysctl",
        {"net.core.somaxconn": "1024"},
        "replace",
        {'taskSpec.containerSpec.sysctl["net.core.somaxconn"]'},
    ),
    "labels": ("labels", LABELS, "update", {"labels[0].value"}),
    "mount": (
        f"{CONTAINER}__mounts",
        [MOUNT | {"read_only": True}],
        "replace",
        {f"{AT}.mounts" if OFFICIAL else f"{AT}.mounts[0].readOnly"},
    ),
    "mount-added": (
        f"{CONTAINER}__mounts",
        [MOUNT, TMPFS],
        "update",
        {f"{AT}.mounts" if OFFICIAL else f"{AT}.mounts[1]"},
    ),
    "mount-removed": (f"{CONTAINER}__mounts", None, "replace", {f"{AT}.mounts"}),
    "constraint": (
        "task_spec__placement__constraints",
        ["node.role==manager"],
        "update",
        {"taskSpec.placement.constraints[0]"},
    ),
    "commands": (f"{CONTAINER}__commands", ["/server"], "update", {f"{AT}.commands"}),
    "window-left-out": (
        "task_spec__restart_policy__window",
        None,
        "update",
        {"taskSpec.restartPolicy.window"},
    ),
    "updates-left-out": ("update_config", None, "update", {"updateConfig"}),
    "restart-left-out": ("task_spec__restart_policy", None, "same", set()),
    "health-left-out": (f"{CONTAINER}__healthcheck", None, "same", set()),
    "grace-left-out": (f"{CONTAINER}__stop_grace_period", None, "same", set()),
    "limits-left-out": ("task_spec__resources__limits", None, "update", {"taskSpec.resources.limits"}),
    "labels-left-out": ("labels", None, "same", set()),
    "name": ("name", "contract-renamed", "replace", {"name"}),
    "replicas": ("mode__replicated__replicas", 2, "update", {"mode.replicated.replicas"}),
    "limits": (
        "task_spec__resources__limits__memory_bytes",
        2097152 * 8,
        "update",
        {"taskSpec.resources.limits.memoryBytes"},
    ),
    "max-replicas": ("task_spec__placement__max_replicas", 5, "update", {"taskSpec.placement.maxReplicas"}),
    "restart": ("task_spec__restart_policy__delay", "3s", "update", {"taskSpec.restartPolicy.delay"}),
    "log": (
        "task_spec__log_driver__options",
        {"max-size": "9m"},
        "update",
        {'taskSpec.logDriver.options["max-size"]'},
    ),
    "force": ("task_spec__force_update", 3, "update", {"taskSpec.forceUpdate"}),
    "port": (
        "endpoint_spec__ports",
        [host_port(PORT + 1)],
        "update",
        {"endpointSpec.ports[0].publishedPort"},
    ),
    "order": ("update_config__order", "start-first", "update", {"updateConfig.order"}),
    "ratio": ("update_config__max_failure_ratio", "0.5", "update", {"updateConfig.maxFailureRatio"}),
    "same-ratio": ("update_config__max_failure_ratio", "0", "same", set()),
    "rollback": ("rollback_config__monitor", "7s", "update", {"rollbackConfig.monitor"}),
    "patience": ("converge_config__timeout", "30s", "update", {"convergeConfig.timeout"}),
}


def changeable(place: Place, name: str) -> dict[str, Any]:
    """A service without a task that has what CHANGES changes."""
    return place.service(
        name,
        labels=[{"label": "new", "value": "0"}],
        mode={"replicated": {"replicas": 0}},
        endpoint_spec__ports=[host_port(PORT)],
        task_spec__container_spec__env={"KEY": "1", "OLD": "1"},
        task_spec__container_spec__args=["serve"],
        task_spec__container_spec__hostname="h",
        task_spec__container_spec__user="0",
        task_spec__container_spec__mounts=[MOUNT],
        task_spec__container_spec__stop_signal="SIGTERM",
        task_spec__container_spec__labels=[{"label": "new", "value": "0"}],
        task_spec__container_spec__sysctl={"net.core.somaxconn": "512"},
        task_spec__resources={"limits": {"nano_cpus": 500000000, "memory_bytes": 8388608}},
        task_spec__placement__max_replicas=3,
        task_spec__restart_policy={"condition": "any", "delay": "1s", "max_attempts": 0, "window": "10s"},
        task_spec__log_driver={"name": "json-file", "options": {"max-size": "1m"}},
        task_spec__force_update=1,
        update_config=roll("rollback"),
        rollback_config=roll("pause"),
    )


def replaceable() -> Resources:
    """Objects any change of which is a replacement."""
    return {
        "secret-data": {"type": "secret", "inputs": {"name": "contract-s", "data": encoded("one")}},
        "config-data": {"type": "config", "inputs": {"name": "contract-c", "data": encoded("one")}},
        "network-label": network("n", labels=[{"label": "a", "value": "b"}]),
    }


def before_changes(place: Place) -> Resources:
    """What `after_changes` changes."""
    return replaceable() | {name: changeable(place, name) for name in CHANGES}


def after_changes(place: Place) -> Resources:
    """The same with every change of CHANGES."""
    changed = copy.deepcopy(before_changes(place))
    for name, (path, value, _, _) in CHANGES.items():
        put(changed[name]["inputs"], path, value)
    changed["secret-data"]["inputs"]["data"] = encoded("two")
    changed["config-data"]["inputs"]["data"] = encoded("two")
    changed["network-label"]["inputs"]["labels"] = [{"label": "a", "value": "c"}]
    return changed


#: By spelling of the ignored path: whether the official plugin ignores what swarm chose.
SPELLINGS = {
    CHOSEN_BY_SWARM: True,
    "options": True,
    f'options["{VXLAN_ID}"]': False,
    f"options.{VXLAN_ID}": False,
    "options[*]": False,
}


def spelled() -> Resources:
    """A network for each spelling."""
    return {
        f"spelled-{number}": network(
            f"spelled-{number}", ipam_configs=pools(60 + number), options={MTU: "1400"}
        )
        | {"ignore_changes": [path]}
        for number, path in enumerate(SPELLINGS)
    }


def restless(place: Place) -> Resources:
    """What swarm spells or fills in otherwise: a program that is written so never comes to rest."""
    sticky = {"target": "/t", "type": "tmpfs", "tmpfs_options": {"mode": 0o1777}}
    spec = "task_spec__container_spec"
    return {
        "pool": network("pool", ipam_configs=[{"subnet": SUBNET.replace("76", "74")}]),
        "mtu": network("mtu", options={MTU: "1400"}),
        "window": place.idle("window", task_spec__restart_policy={"condition": "any", "delay": "1s"}),
        "seconds": place.idle("seconds", **{f"{spec}__stop_grace_period": "60s"}),
        "minutes": place.idle("minutes", **{f"{spec}__stop_grace_period": "1m"}),
        "hundredths": place.idle("hundredths", update_config={"max_failure_ratio": "0.25"}),
        "sticky": place.idle("sticky", **{f"{spec}__mounts": [sticky]}),
        "volume": place.idle("volume", **{f"{spec}__mounts": [{"target": "/v", "type": "volume"}]}),
    }


#: Of those: the operation, and the changed paths up to the first place in a list.
RESTLESS = {
    "pool": ("replace", {"ipamConfigs"}),
    "mtu": ("replace", {"options"}),
    "window": ("update", {"taskSpec.restartPolicy.window"}),
    "seconds": ("update", {f"{AT}.stopGracePeriod"}),
    "hundredths": ("update", {"updateConfig.maxFailureRatio"}),
    "sticky": ("update", {f"{AT}.mounts"}),
}
