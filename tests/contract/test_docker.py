"""What the program relies on in the docker provider, with whatever plugin is installed.

The cases make services, networks, secrets and configs of their own (`contract-…`) in the target's swarm, from
an image of their own: a static program that serves, fails or is unhealthy as its first argument says.
"""

import base64
import copy
import json
import os
import shutil
import signal
import subprocess
import tarfile
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.conftest import OFFICIAL, Project, Run, Step
from tests.contract.target import Target

pytestmark = pytest.mark.contract

PROGRAM = '''
"""Resources by name from values.json; {"secret": x}, {"id": name} and {"name": name} stand for outputs."""
import json
from pathlib import Path

import pulumi
import pulumi_docker as docker

here = Path(__file__).parent
target = json.loads((here / "target.json").read_text())
types = {
    "network": docker.Network,
    "secret": docker.Secret,
    "config": docker.ServiceConfig,
    "service": docker.Service,
}
made = {}

def value(given):
    if isinstance(given, list):
        return [value(item) for item in given]
    if not isinstance(given, dict):
        return given
    if given.keys() == {"secret"}:
        return pulumi.Output.secret(given["secret"])
    if given.keys() == {"id_of"}:
        return made[given["id_of"]].id
    if given.keys() == {"name_of"}:
        return made[given["name_of"]].name
    return {key: value(item) for key, item in given.items()}

options = ["-i", target["private_key_file"]]
settings = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "ConnectTimeout=5")
for setting in settings:
    options += ["-o", setting]
given = json.loads((here / "values.json").read_text())
host = given.pop("host", target["docker_host"])
provider = docker.Provider("target", host=host, ssh_opts=options)
for name, resource in given.items():
    more = {key: resource[key] for key in ("import_", "ignore_changes") if key in resource}
    if "after" in resource:
        more["depends_on"] = [made[other] for other in resource["after"]]
    own = provider
    if "host_of" in resource:
        own = docker.Provider(f"{name}-host", host=value({"id_of": resource["host_of"]}), ssh_opts=options)
    made[name] = types[resource["type"]](
        name, opts=pulumi.ResourceOptions(provider=own, **more), **value(resource["inputs"])
    )
'''

SOURCE = """package main

import ("fmt"; "net/http"; "os"; "os/signal"; "syscall")

func main() {
	switch append(os.Args, "serve")[1] {
	case "healthy": return
	case "unhealthy": os.Exit(1)
	case "fail": fmt.Println("no database"); os.Exit(7)
	}
	go http.ListenAndServe(":8080", nil)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGQUIT)
	<-stop
}
"""
Resources = dict[str, dict[str, Any]]

PASSWORD = "correct-horse-battery"
SUBNET = "10.98.76.0/24"
PORT = 28571


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class Swarm:
    """The target's swarm, seen past any plugin."""

    def __init__(self, target: Target, image: str) -> None:
        self.target, self.image = target, image
        self.node = target.ssh("docker info --format '{{.Swarm.NodeID}}'").strip()
        self.node_name = target.ssh("docker info --format '{{.Name}}'").strip()

    def docker(self, command: str) -> str:
        return self.target.ssh(f"docker {command}").strip()

    def inspect(self, kind: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.docker(f"{kind} inspect {name}"))[0]
        return found

    def names(self, kind: str) -> list[str]:
        return self.docker(f"{kind} ls --format '{{{{.Name}}}}'").split()

    def environment(self, service: str) -> list[str]:
        spec = self.inspect("service", service)["Spec"]["TaskTemplate"]["ContainerSpec"]
        found: list[str] = spec.get("Env", [])
        return found

    def running_environment(self, service: str) -> list[str]:
        """That of the containers which serve now."""
        found = self.docker(f"ps -q --filter label=com.docker.swarm.service.name={service}").split()
        texts = [self.docker(f"inspect {each} --format '{{{{json .Config.Env}}}}'") for each in found]
        return [entry for text in texts for entry in json.loads(text)]

    def remove_leftovers(self) -> None:
        """Remove what an earlier run that was killed has left; all of it is named contract-…."""
        for kind in ("service", "secret", "config", "network"):
            left = [name for name in self.names(kind) if name.startswith("contract-")]
            if left:
                self.docker(f"{kind} rm {' '.join(left)}")
        wait_for(lambda: not self.docker("ps -aq --filter name=contract-"))

    def service(self, name: str, **changes: Any) -> dict[str, Any]:
        """Inputs of a small service on this node; `changes` by path, with `__` between names."""
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


def put(inputs: dict[str, Any], path: str, value: Any) -> None:
    """Set, or with None remove, what lies at `a__b__c`."""
    *parents, last = path.split("__")
    for parent in parents:
        inputs = inputs.setdefault(parent, {})
    if value is None:
        inputs.pop(last, None)
    else:
        inputs[last] = value


@pytest.fixture(scope="module")
def swarm(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swarm]:
    """The target's swarm, with the image of these cases in its first node's engine."""
    folder = tmp_path_factory.mktemp("image")
    (folder / "main.go").write_text(SOURCE)
    environment = os.environ | {"CGO_ENABLED": "0", "GO111MODULE": "off"}
    subprocess.run(["go", "build", "-o", "server", "main.go"], cwd=folder, check=True, env=environment)
    with tarfile.open(folder / "image.tar", "w") as archive:
        archive.add(folder / "server", "server")
    image = f"contract-{os.getpid()}:1"
    shell = target.ssh_command(f"docker import --change 'ENTRYPOINT [\"/server\"]' - {image}")
    with (folder / "image.tar").open("rb") as archive_file:
        subprocess.run(shell, stdin=archive_file, check=True, capture_output=True, timeout=60)
    found = Swarm(target, image)
    found.remove_leftovers()
    yield found
    found.remove_leftovers()
    target.ssh(f"docker image rm --force {image}")
    shutil.rmtree(folder)


def declare(project: Project, resources: Resources, host: str | None = None) -> None:
    project.write(PROGRAM, **({"host": host} if host else {}), **resources)


def succeeded(run: Run) -> Run:
    assert run.exit_code == 0, run.output
    return run


def everything(swarm: Swarm) -> Resources:
    """A program with every property that the translator of service declarations can give."""
    labels = [{"label": "tier", "value": "data"}]
    full = swarm.service(
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
            {"config_id": {"id_of": "page"}, "config_name": {"name_of": "page"}, "file_name": "/etc/page"}
        ],
        task_spec__networks_advanceds=[{"id": {"id_of": "mesh"}, "aliases": ["alias"]}],
        task_spec__resources={
            "limits": {"nano_cpus": 500000000, "memory_bytes": 67108864},
            "reservation": {"nano_cpus": 10000000, "memory_bytes": 16777216},
        },
        task_spec__placement={
            "constraints": [f"node.id=={swarm.node}"],
            "max_replicas": 2,
            "prefs": ["node.id"],
        },
        task_spec__restart_policy={"condition": "any", "delay": "1s", "max_attempts": 0, "window": "10s"},
        task_spec__log_driver={"name": "json-file", "options": {"max-size": "1m", "max-file": "2"}},
        task_spec__force_update=0,
        update_config=roll("rollback"),
        rollback_config=roll("pause"),
    )
    mesh = {
        "name": "contract-mesh",
        "driver": "overlay",
        "attachable": True,
        "ipam_configs": [{"subnet": SUBNET, "gateway": SUBNET.replace(".0/24", ".1")}],
        "labels": labels,
    }
    return {
        "mesh": {"type": "network", "inputs": mesh},
        "token": {
            "type": "secret",
            "inputs": {"name": "contract-token", "data": {"secret": encoded(PASSWORD)}, "labels": labels},
        },
        "page": {
            "type": "config",
            "inputs": {"name": "contract-page", "data": encoded("a page"), "labels": labels},
        },
        "full": full,
    }


def host_port(published: int) -> dict[str, Any]:
    return {"name": "http", "target_port": 8080, "published_port": published, "publish_mode": "host"}


def roll(failure_action: str) -> dict[str, Any]:
    return {
        "parallelism": 1,
        "delay": "0s",
        "failure_action": failure_action,
        "monitor": "2s",
        "max_failure_ratio": "0.0",
        "order": "stop-first",
    }


def test_a_full_service_is_made_stays_clean_and_outside_changes_are_named_and_repaired(
    project: Project, swarm: Swarm
) -> None:
    declare(project, everything(swarm))
    made = succeeded(project.up())
    assert {"mesh", "token", "page", "full"} <= made.operations().keys()
    assert "MODE=one" in swarm.running_environment("contract-full")
    assert swarm.inspect("network", "contract-mesh")["Attachable"]
    assert base64.b64decode(swarm.inspect("config", "contract-page")["Spec"]["Data"]) == b"a page"

    assert succeeded(project.up()).operations() == {}
    succeeded(project.preview("--refresh", "--expect-no-changes"))
    kept_nowhere(project, made, PASSWORD)

    swarm.docker("service update --detach --env-add MODE=two --limit-memory 70M contract-full")
    drifted = succeeded(project.preview("--refresh"))
    container = "taskSpec.containerSpec.env.MODE"
    assert drifted.steps["full"].op == "update"
    assert set(drifted.steps["full"].changed) == {container, "taskSpec.resources.limits.memoryBytes"}
    succeeded(project.up("--refresh"))
    assert "MODE=one" in swarm.running_environment("contract-full")
    succeeded(project.preview("--refresh", "--expect-no-changes"))

    swarm.docker("service rm contract-full")
    again = succeeded(project.up("--refresh"))
    assert again.steps["full"].op == "create"
    assert "MODE=one" in swarm.running_environment("contract-full")

    if project.destroy().exit_code and OFFICIAL:  # which may give up waiting for containers that are gone
        project.refresh()
        succeeded(project.destroy())
    assert "contract-full" not in swarm.names("service")
    assert "contract-mesh" not in swarm.names("network")
    assert "contract-token" not in swarm.names("secret")
    wait_for(lambda: not swarm.docker("ps -aq --filter volume=contract-data"))
    swarm.docker("volume rm contract-data")


def kept_nowhere(project: Project, run: Run, secret: str) -> None:
    """Neither the secret nor its base64, at any alignment, is in state, output or events."""
    shown = run.output if OFFICIAL else run.shown()  # whose debug lines repeat what Docker reports, env too
    haystack = project.raw_state() + shown.encode()
    for padding in ("", "x", "xx"):
        inner = base64.b64encode((padding + secret).encode())[4:-4]
        assert inner not in haystack
    assert secret.encode() not in haystack


CONTAINER = "task_spec__container_spec"
AT = "taskSpec.containerSpec"
MOUNT = {
    "target": "/data",
    "source": "contract-none",
    "type": "volume",
    "volume_options": {"labels": [{"label": "a", "value": "b"}]},
}
TMPFS = {"target": "/tmp", "type": "tmpfs", "tmpfs_options": {"size_bytes": 1048576}}
LABELS = [{"label": "new", "value": "1"}]
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


def changeable(swarm: Swarm, name: str) -> dict[str, Any]:
    """A service without a task, and so without a wait, that has what CHANGES changes."""
    return swarm.service(
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


def shown(step: Step) -> tuple[str, set[str]]:
    """Operation and paths; `__meta` is how the official plugin says that it can't name what replaces."""
    return step.op, {path for path in step.changed if not path.startswith("__")}


def test_each_changed_input_is_an_update_or_a_replacement_and_is_named(
    project: Project, swarm: Swarm
) -> None:
    before = {name: changeable(swarm, name) for name in CHANGES}
    others: Resources = {
        "secret-data": {"type": "secret", "inputs": {"name": "contract-s", "data": encoded("one")}},
        "config-data": {"type": "config", "inputs": {"name": "contract-c", "data": encoded("one")}},
        "network-label": {
            "type": "network",
            "inputs": {"name": "contract-n", "driver": "overlay", "labels": [{"label": "a", "value": "b"}]},
        },
    }
    declare(project, others | before)
    succeeded(project.up())
    after = copy.deepcopy(before)
    for name, (path, value, _, _) in CHANGES.items():
        put(after[name]["inputs"], path, value)
    changed = copy.deepcopy(others)
    changed["secret-data"]["inputs"]["data"] = encoded("two")
    changed["config-data"]["inputs"]["data"] = encoded("two")
    changed["network-label"]["inputs"]["labels"] = [{"label": "a", "value": "c"}]
    declare(project, changed | after)
    seen = succeeded(project.preview())
    expected = {name: (op, paths) for name, (_, _, op, paths) in CHANGES.items()}
    assert {name: shown(seen.steps[name]) for name in CHANGES} == expected
    assert [seen.steps[name].op for name in others] == ["replace"] * 3
    assert seen.events.index('"delete-replaced"') < seen.events.index('"create-replacement"')


def test_what_the_swarm_spells_or_fills_in_otherwise_shows_as_a_change(
    project: Project, swarm: Swarm
) -> None:
    """A program that is written so never comes to rest with the official plugin either."""

    def idle(name: str, **changes: Any) -> dict[str, Any]:
        return swarm.service(name, mode={"replicated": {"replicas": 0}}, converge_config=None, **changes)

    sticky = {"target": "/t", "type": "tmpfs", "tmpfs_options": {"mode": 0o1777}}
    pools = [{"subnet": SUBNET}]
    options = {"com.docker.network.driver.mtu": "1400"}
    declare(
        project,
        {
            "pool": {
                "type": "network",
                "inputs": {"name": "contract-pool", "driver": "overlay", "ipam_configs": pools},
            },
            "mtu": {
                "type": "network",
                "inputs": {"name": "contract-mtu", "driver": "overlay", "options": options},
            },
            "mtu-ignored": {
                "type": "network",
                "inputs": {"name": "contract-ignored", "driver": "overlay", "options": options},
                "ignore_changes": ["options"],
            },
            "window": idle("window", task_spec__restart_policy={"condition": "any", "delay": "1s"}),
            "seconds": idle("seconds", task_spec__container_spec__stop_grace_period="60s"),
            "minutes": idle("minutes", task_spec__container_spec__stop_grace_period="1m"),
            "hundredths": idle("hundredths", update_config={"max_failure_ratio": "0.25"}),
            "sticky": idle("sticky", task_spec__container_spec__mounts=[sticky]),
            "volume": idle("volume", task_spec__container_spec__mounts=[{"target": "/v", "type": "volume"}]),
        },
    )
    succeeded(project.up())
    seen = succeeded(project.preview("--refresh"))
    restless = {name: (step.op, heads(step)) for name, step in seen.steps.items() if step.changed}
    assert restless == {
        "pool": ("replace", {"ipamConfigs"}),
        "mtu": ("replace", {"options"}),
        "window": ("update", {"taskSpec.restartPolicy.window"}),
        "seconds": ("update", {f"{AT}.stopGracePeriod"}),
        "hundredths": ("update", {"updateConfig.maxFailureRatio"}),
        "sticky": ("update", {f"{AT}.mounts"}),
    }


def heads(step: Step) -> set[str]:
    """Changed paths up to the first index: the official plugin can't always name a set's element."""
    return {path.partition("[")[0] for path in step.changed}


def test_a_global_service_can_not_be_waited_for(project: Project, swarm: Swarm) -> None:
    declare(project, {"everywhere": swarm.service("everywhere", mode={"global": True})})
    refused = project.preview()
    assert refused.exit_code != 0
    assert "conflicts with" in refused.output


def test_a_failing_update_is_rolled_back_while_the_old_task_serves(project: Project, swarm: Swarm) -> None:
    service = swarm.service("roll", update_config=roll("rollback") | {"order": "start-first"})
    put(service["inputs"], f"{CONTAINER}__env", {"VERSION": "1"})
    declare(project, {"web": service})
    succeeded(project.up())
    put(service["inputs"], f"{CONTAINER}__env", {"VERSION": "2"})
    put(service["inputs"], f"{CONTAINER}__args", ["fail"])
    declare(project, {"web": service})
    failed = project.up()
    assert failed.exit_code != 0
    assert "service rollback completed" in failed.output
    if not OFFICIAL:
        assert f"service contract-roll on {swarm.node_name}" in failed.output
        assert "non-zero exit (7)" in failed.output
    assert "VERSION=1" in swarm.running_environment("contract-roll")
    assert "VERSION=2" not in swarm.environment("contract-roll")
    again = project.preview("--refresh")
    assert again.steps["web"].op == "update"
    put(service["inputs"], f"{CONTAINER}__args", ["serve"])
    declare(project, {"web": service})
    succeeded(project.up("--refresh"))
    assert "VERSION=2" in swarm.running_environment("contract-roll")
    succeeded(project.preview("--refresh", "--expect-no-changes"))


def test_a_service_that_never_gets_healthy_fails_and_is_not_kept(project: Project, swarm: Swarm) -> None:
    sick = swarm.service(
        "sick",
        task_spec__container_spec__healthcheck__tests=["CMD", "/server", "unhealthy"],
        task_spec__container_spec__healthcheck__retries=1,
        converge_config={"delay": "500ms", "timeout": "15s"},
    )
    declare(project, {"sick": sick})
    failed = project.up()
    assert failed.exit_code != 0
    assert "did not converge after 15s" in failed.output
    if not OFFICIAL:
        assert f"service contract-sick on {swarm.node_name}" in failed.output
        assert "health check failed" in failed.output
    assert "contract-sick" not in swarm.names("service")
    assert "sick" not in project.state()


def test_a_new_secret_rolls_through_its_service_and_the_old_one_goes_last(
    project: Project, swarm: Swarm
) -> None:
    def program(version: str) -> Resources:
        files = {"file_name": "/run/secrets/token"}
        token = {"secret_id": {"id_of": f"token-{version}"}, "secret_name": {"name_of": f"token-{version}"}}
        page = {"config_id": {"id_of": f"page-{version}"}, "config_name": {"name_of": f"page-{version}"}}
        return {
            f"token-{version}": {
                "type": "secret",
                "inputs": {"name": f"contract-token-{version}", "data": {"secret": encoded(version)}},
            },
            f"page-{version}": {
                "type": "config",
                "inputs": {"name": f"contract-page-{version}", "data": encoded(version)},
            },
            "web": swarm.service(
                "web",
                task_spec__container_spec__secrets=[token | files],
                task_spec__container_spec__configs=[page | {"file_name": "/page"}],
            ),
        }

    declare(project, program("a1"))
    succeeded(project.up())
    declare(project, program("b2"))
    rolled = succeeded(project.up())
    assert rolled.operations() == {
        "token-b2": "create",
        "page-b2": "create",
        "web": "update",
        "token-a1": "delete",
        "page-a1": "delete",
    }
    kept = {*swarm.names("secret"), *swarm.names("config")}
    assert {name for name in kept if name.startswith(("contract-token-", "contract-page-"))} == {
        "contract-token-b2",
        "contract-page-b2",
    }


def test_an_unreachable_host_is_named_with_the_reason(project: Project, target: Target) -> None:
    nowhere = f"ssh://{target.user}@{target.address}:1"
    declare(
        project,
        {"token": {"type": "secret", "inputs": {"name": "contract-x", "data": encoded("x")}}},
        host=nowhere,
    )
    failed = project.up()
    assert failed.exit_code != 0
    assert nowhere in failed.output
    assert "Connection refused" in failed.output


def test_a_host_that_is_not_known_yet_defers_to_the_run(project: Project, swarm: Swarm) -> None:
    declare(
        project,
        {
            "net": {"type": "network", "inputs": {"name": "contract-later", "driver": "overlay"}},
            "token": {
                "type": "secret",
                "inputs": {"name": "contract-later", "data": encoded("x")},
                "host_of": "net",
            },
        },
    )
    planned = succeeded(project.preview())
    assert planned.steps["token"].op == "create"


def test_a_cancelled_run_stops_waiting_and_the_next_one_succeeds(project: Project, swarm: Swarm) -> None:
    slow = swarm.service(
        "slow",
        task_spec__container_spec__healthcheck__tests=["CMD", "/server", "unhealthy"],
        converge_config={"delay": "500ms", "timeout": "60s"},
    )
    declare(project, {"slow": slow})
    run = project.start("up", "--yes", "--skip-preview")
    wait_for(lambda: "contract-slow" in swarm.names("service"))
    began = time.monotonic()
    os.kill(run.pid, signal.SIGINT)
    finished = project.finish(run)
    assert finished.exit_code != 0
    if not OFFICIAL:  # which waits until its time is up, and forgets the service
        assert time.monotonic() - began < 20
        assert "contract-slow" not in swarm.names("service")
        put(slow["inputs"], f"{CONTAINER}__healthcheck__tests", ["CMD", "/server", "healthy"])
        declare(project, {"slow": slow})
        succeeded(project.up("--refresh"))


def wait_for(condition: Any, limit_s: float = 40) -> None:
    limit = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.3)


def test_what_exists_already_is_adopted_by_its_id(project: Project, swarm: Swarm) -> None:
    subnet = SUBNET.replace("76", "77")
    network_id = swarm.docker(f"network create --driver overlay --subnet {subnet} contract-adopted")
    config_id = swarm.target.ssh("echo -n text | docker config create contract-adopted -").strip()
    create = f"service create --quiet --detach --name contract-adopted --constraint node.id=={swarm.node}"
    service_id = swarm.docker(f"{create} --endpoint-mode dnsrr --replicas 0 {swarm.image} serve").split()[0]
    pool = {"subnet": subnet, "gateway": subnet.replace(".0/24", ".1")}
    service: dict[str, Any] = {
        "name": "contract-adopted",
        "mode": {"replicated": {"replicas": 0}},
        "endpoint_spec": {"mode": "dnsrr"},
        "task_spec": {
            "container_spec": {"image": swarm.image, "args": ["serve"]},
            "placement": {"constraints": [f"node.id=={swarm.node}"]},
        },
    }
    program = {
        "net": {
            "type": "network",
            "import_": network_id,
            "inputs": {"name": "contract-adopted", "driver": "overlay", "ipam_configs": [pool]},
        },
        "page": {
            "type": "config",
            "import_": config_id,
            "inputs": {"name": "contract-adopted", "data": encoded("text")},
        },
        "web": {"type": "service", "import_": service_id, "inputs": service},
    }
    declare(project, program)
    adopted = succeeded(project.up())
    assert {adopted.steps[name].op for name in program} == {"import"}
    for resource in program.values():
        del resource["import_"]
    declare(project, program)
    assert succeeded(project.up("--refresh")).operations() == {}


def test_what_does_not_exist_can_not_be_adopted(project: Project, swarm: Swarm) -> None:
    missing = {"name": "contract-missing", "data": encoded("x")}
    declare(project, {"page": {"type": "config", "import_": "0123456789012345678901234", "inputs": missing}})
    refused = project.up()
    assert refused.exit_code != 0
    assert "does not exist" in refused.output
