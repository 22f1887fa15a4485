"""Forty ways in which somebody's hands make an environment differ from its declaration."""

from __future__ import annotations

import json
from dataclasses import dataclass

from lab.declared import node_labels
from lab.model import NODES


@dataclass(frozen=True)
class Drift:
    """One thing done by hand.

    on: the node it is done on, by number; done: the command.
    resource: what a preview must name, and `says` the words (or the property) it must name it with.
    check: a command on the same node that prints `right` when all is as declared again.
    """

    on: int
    done: str
    resource: str
    says: str
    check: str = "echo ok"
    right: str = "ok"


def label(node: int, change: str, says: str) -> Drift:
    check = f"docker node inspect node-{node} --format '{{{{json .Spec.Labels}}}}'"
    declared = json.dumps(dict(sorted(node_labels()[NODES[node - 1].name].items())), separators=(",", ":"))
    return Drift(1, f"docker node update {change} node-{node}", f"node-{node}-labels", says, check, declared)


def availability(node: int, value: str) -> Drift:
    check = f"docker node inspect node-{node} --format '{{{{.Spec.Availability}}}}'"
    done = f"docker node update --availability {value} node-{node}"
    return Drift(1, done, f"node-{node}-labels", value, check, "active")


def sysctl(node: int, done: str, says: str) -> Drift:
    check = "sysctl -n net.core.somaxconn; grep -c . /etc/sysctl.d/90-platform-beta.conf"
    return Drift(node, done, f"node-{node}-sysctls", says, check, "4096\n4")


def firewall(node: int, done: str, says: str) -> Drift:
    check = (
        "systemctl is-enabled platform-beta-firewall; systemctl is-active platform-beta-firewall;"
        " nft list table inet platform_beta | grep -c 'jump swarm'"
    )
    return Drift(node, done, f"node-{node}-firewall", says, check, "enabled\nactive\n2")


def engine(node: int, done: str, says: str, check: str = "", right: str = "") -> Drift:
    """The engine itself runs and is enabled again, whatever else is asked."""
    asked = "systemctl is-enabled docker; docker info --format '{{.LoggingDriver}}'; " + check
    return Drift(node, done, f"node-{node}-engine", says, asked, f"enabled\njson-file\n{right}".rstrip("\n"))


def service(name: str, change: str, path: str, template: str, right: str) -> Drift:
    check = f"docker service inspect {name} --format '{{{{{template}}}}}'"
    return Drift(1, f"docker service update --quiet --detach {change} {name}", name, path, check, right)


DAEMON = "/etc/docker/daemon.json"
SOMAXCONN = "/etc/sysctl.d/90-platform-beta.conf"
CONTAINER = ".Spec.TaskTemplate.ContainerSpec"
#: Drifts of one round don't touch each other; each round is previewed once, and repaired in one run.
ROUNDS: dict[str, tuple[Drift, ...]] = {
    "labels, limits and kernel": (
        label(2, "--label-rm edge", "edge"),
        label(4, "--label-add mysql-slave=no", "mysql-slave"),
        label(3, "--label-add stray=1", "stray"),
        availability(5, "pause"),
        Drift(
            1,
            "docker swarm update --task-history-limit 9",
            "swarm-settings",
            "9",
            "docker info --format '{{.Swarm.Cluster.Spec.Orchestration.TaskHistoryRetentionLimit}}'",
            "3",
        ),
        sysctl(1, "sysctl -qw net.core.somaxconn=128", "128"),
        sysctl(2, f"sed -i '/somaxconn/d' {SOMAXCONN}", "not as declared"),
        sysctl(3, f"rm {SOMAXCONN}", "absent"),
        sysctl(4, f"echo 'net.ipv4.tcp_fin_timeout = 20' >> {SOMAXCONN}", "not as declared"),
        firewall(1, "nft delete table inet platform_beta", "rules are gone"),
        firewall(2, "nft insert rule inet platform_beta input tcp dport 2377 accept", "not as loaded"),
        firewall(3, "systemctl disable -q platform-beta-firewall", "start at boot"),
        firewall(4, "sed -i 's/drop/accept/' /etc/platform-beta/firewall.nft", "younger"),
        firewall(5, "systemctl stop platform-beta-firewall", "not loaded"),
    ),
    "engines and drain": (
        availability(3, "drain"),
        engine(1, "gpasswd -d deploy docker", "deploy", "id -nG deploy | grep -cw docker", "1"),
        engine(2, "systemctl disable -q docker", "at boot"),
        engine(
            3,
            f"sed -i '1a \"debug\": true,' {DAEMON}",
            "debug",
            "grep -c debug /etc/docker/daemon.json",
            "0",
        ),
        engine(
            4,
            f"sed -i s/10m/99m/ {DAEMON}",
            "max-size",
            "grep -c 10m /etc/docker/daemon.json",
            "1",
        ),
        engine(5, "rm /etc/docker/daemon.json", "daemon.json", "grep -c 10m /etc/docker/daemon.json", "1"),
        service(
            "platform-web", "--env-add STRAY=1", "containerSpec.env", f"len (print {CONTAINER}.Env)", "2"
        ),
    ),
    "engines down": (
        engine(5, "systemctl stop docker.socket docker", "stopped"),
        engine(2, "touch /etc/docker/daemon.json", "not in force"),
    ),
    "the entry manager's engine down": (engine(1, "systemctl stop docker.socket docker", "stopped"),),
    "services: size": (
        Drift(
            1,
            "docker service scale --detach platform-web=4",
            "platform-web",
            "replicas",
            "docker service inspect platform-web --format '{{.Spec.Mode.Replicated.Replicas}}'",
            "2",
        ),
        service(
            "platform-api",
            "--limit-memory 99m",
            "memoryBytes",
            "len (print .Spec.TaskTemplate.Resources.Limits.MemoryBytes)",
            "9",
        ),
        service(
            "nginx",
            "--constraint-add node.hostname!=x",
            "constraints",
            "len .Spec.TaskTemplate.Placement.Constraints",
            "1",
        ),
    ),
    "services: containers": (
        service(
            "platform-web",
            "--mount-add type=volume,source=stray,target=/stray",
            "mounts",
            f"len {CONTAINER}.Mounts",
            "1",
        ),
        service(
            "platform-api", "--stop-grace-period 7s", "stopGracePeriod", f"{CONTAINER}.StopGracePeriod", "30s"
        ),
        service("nginx", "--health-interval 9s", "healthcheck", f"{CONTAINER}.Healthcheck.Interval", "1s"),
    ),
    "services: habits": (
        service(
            "platform-web", "--update-parallelism 2", "updateConfig", ".Spec.UpdateConfig.Parallelism", "1"
        ),
        service(
            "platform-api",
            "--restart-delay 9s",
            "restartPolicy",
            ".Spec.TaskTemplate.RestartPolicy.Delay",
            "5s",
        ),
        service(
            "nginx",
            "--log-driver json-file --log-opt max-size=99m",
            "logDriver",
            'index .Spec.TaskTemplate.LogDriver.Options "max-size"',
            "10m",
        ),
    ),
    "services: image and secret": (
        Drift(
            1,
            # The same image by its tag alone: Swarm would ask the registry for the digest otherwise.
            "docker service update --quiet --detach --no-resolve-image --image "
            "$(docker service inspect platform-web --format '{{.Spec.TaskTemplate.ContainerSpec.Image}}'"
            " | cut -d@ -f1) platform-web",
            "platform-web",
            "image",
            "docker service inspect platform-web --format '{{.Spec.TaskTemplate.ContainerSpec.Image}}'"
            " | grep -c sha256",
            "1",
        ),
        Drift(
            1,
            "docker service update --quiet --detach platform-api --secret-add target=stray,source="
            "$(docker secret ls --filter name=edge_tls_certificate --format '{{.Name}}')",
            "platform-api",
            "secrets",
            "docker service inspect platform-api --format '{{json .Spec}}' | grep -c stray",
            "0",
        ),
    ),
    "things removed": (
        Drift(
            1,
            "docker service rm nginx",
            "nginx",
            "create",
            "docker service ls -q --filter name=nginx | wc -l",
            "1",
        ),
        Drift(
            1,
            "docker service rm platform-api; sleep 1; docker secret rm "
            "$(docker secret ls --filter name=api_token --format '{{.Name}}')",
            "api_token",
            "create",
            "docker secret ls --filter name=api_token -q | wc -l",
            "1",
        ),
        Drift(
            1,
            "docker config rm $(docker config ls --filter name=nginx.nginx-conf -q)",
            "nginx.nginx-conf",
            "create",
            "docker config ls --filter name=nginx.nginx-conf -q | wc -l",
            "1",
        ),
    ),
    "the network removed": (
        Drift(
            1,
            "docker service rm nginx platform-api platform-web; "
            # A node keeps its own part of the network until its last task has stopped.
            "until docker network rm platform-beta; do sleep 1; done; sleep 20",
            "platform-beta",
            "create",
            "docker network ls -q --filter name=platform-beta --filter driver=overlay | wc -l",
            "1",
        ),
    ),
    "a worker left, a manager demoted": (
        Drift(
            5,
            "docker swarm leave",
            "node-5-join",
            "no swarm",
            "docker info --format '{{.Swarm.LocalNodeState}}'",
            "active",
        ),
        Drift(
            1,
            "docker node demote node-3; sleep 10",
            "node-3-labels",
            "worker",
            "docker node ls --filter role=manager -q | wc -l",
            "3",
        ),
    ),
    "a worker promoted, a manager left": (
        Drift(
            1,
            "docker node promote node-4; sleep 10",
            "node-4-labels",
            "manager",
            "docker node inspect node-4 --format '{{.Spec.Role}}'",
            "worker",
        ),
        Drift(
            3,
            "docker swarm leave --force",
            "node-3-join",
            "no swarm",
            "docker info --format '{{.Swarm.ControlAvailable}}'",
            "true",
        ),
    ),
    "a worker wiped": (
        Drift(
            4,
            "systemctl stop docker.socket docker containerd;"
            " systemctl disable --now -q platform-beta-firewall;"
            " apt-get -qq purge -y docker.io >/dev/null 2>&1;"
            " rm -rf /var/lib/docker/* /etc/docker /etc/platform-beta"
            " /etc/sysctl.d/90-platform-beta.conf"
            " /etc/systemd/system/platform-beta-firewall.service;"
            " nft flush ruleset; gpasswd -d deploy docker; true",
            "node-4-join",
            "no swarm",
            "docker info --format '{{.Swarm.LocalNodeState}}';"
            " test -s /etc/docker/daemon.json && echo config",
            "active\nconfig",
        ),
    ),
}
#: What else a repair of these touches, and must say so.
CONSEQUENCES = {
    "node-5-join": {"node-5-token", "node-5-labels"},
    "node-3-join": {"node-3-token", "node-3-labels"},
    "node-4-join": {
        *("node-4-token", "node-4-labels", "node-4-engine", "node-4-sysctls", "node-4-firewall"),
    },
    "api_token": {"platform-api"},
    "nginx.nginx-conf": {"nginx"},
    "platform-beta": {"nginx", "platform-api", "platform-web"},
}
