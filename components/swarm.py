"""Prepared nodes joined into one swarm, and the Docker provider that speaks to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_docker as docker
from pulumi_command import remote

from components.node import PreparedNode
from components.observe import NodeFacts, Unreachable
from components.remote import Host
from components.settings import Node, Settings

Facts = Mapping[str, NodeFacts | Unreachable]


class Swarm(pulumi.ComponentResource):
    """The swarm: founded by the first manager, joined by the others, labelled as declared.

    Managers join one after the other, so that no two changes of the quorum ever run side by side.
    """

    def __init__(
        self,
        settings: Settings,
        prepared: Mapping[str, PreparedNode],
        facts: Facts,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("platform:swarm:Swarm", settings.network.name, None, opts)
        self._settings = settings
        self._prepared = prepared
        self._founder = settings.managers[0]
        self.init = self._found()
        joined: dict[str, remote.Command] = {self._founder.name: self.init}
        last: remote.Command = self.init
        for manager in settings.managers[1:]:
            last = joined[manager.name] = self._join(manager, after=[last])
        for node in settings.nodes:
            if node.role == "worker":
                joined[node.name] = self._join(node, after=[last])
        members = list(joined.values())
        described = [self._describe(node, joined[node.name]) for node in settings.nodes]
        tuned = Host(settings.ssh, self._founder).run(
            "swarm-settings",
            "set-swarm.sh",
            {"TASK_HISTORY_LIMIT": str(settings.swarm.task_history_limit)},
            self._child([self.init]),
        )
        self.ready: Sequence[pulumi.Resource] = [*members, *described, tuned]
        self.provider = docker.Provider(
            "swarm",
            host=engine_url(settings, facts, self.init),
            ssh_opts=ssh_options(settings, entry_manager(settings, facts)),
            opts=self._child(members),
        )
        self.register_outputs({})

    def _child(self, after: Sequence[pulumi.Resource]) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(after))

    def _found(self) -> remote.Command:
        node = self._founder
        return Host(self._settings.ssh, node).run(
            f"{node.name}-init",
            "init-swarm.sh",
            {"NODE_NAME": node.name, "ADVERTISE_ADDRESS": str(node.address)},
            self._child(list(self._prepared.values())),
            undo=("leave-swarm.sh", {"NODE_NAME": node.name, "ROLE": node.role}),
        )

    def _join(self, node: Node, after: Sequence[pulumi.Resource]) -> remote.Command:
        """A token of its own per node, read when that node joins: never stale, never known in a preview."""
        token = Host(self._settings.ssh, self._founder).run(
            f"{node.name}-token",
            "read-join-token.sh",
            {"ROLE": node.role},
            self._child(after),
            secret_stdout=True,
        )
        variables: dict[str, pulumi.Input[str]] = {
            "NODE_NAME": node.name,
            "ROLE": node.role,
            "ADVERTISE_ADDRESS": str(node.address),
            "MANAGER_ADDRESS": str(self._founder.address),
            "JOIN_TOKEN": token.stdout,
        }
        return Host(self._settings.ssh, node).run(
            f"{node.name}-join",
            "join-swarm.sh",
            variables,
            self._child([*after, self._prepared[node.name]]),
            undo=("leave-swarm.sh", {"NODE_NAME": node.name, "ROLE": node.role}),
        )

    def _describe(self, node: Node, joined: remote.Command) -> remote.Command:
        labels = "".join(f"{key}={value}\n" for key, value in sorted(node.labels.items()))
        return Host(self._settings.ssh, self._founder).run(
            f"{node.name}-labels",
            "set-node.sh",
            {"NODE_NAME": node.name, "ROLE": node.role, "AVAILABILITY": node.availability, "LABELS": labels},
            self._child([joined]),
        )


def entry_manager(settings: Settings, facts: Facts) -> Node:
    """The manager that the Docker provider talks to: the first one seen to manage, else the founder."""
    for node in settings.managers:
        seen = facts.get(node.name)
        if isinstance(seen, NodeFacts) and seen.manages:
            return node
    return settings.managers[0]


def engine_url(settings: Settings, facts: Facts, init: remote.Command) -> pulumi.Input[str]:
    """`ssh://user@host:port`; unknown in the preview of a first run, whose engine cannot be asked yet."""
    node = entry_manager(settings, facts)
    url = f"ssh://{settings.ssh.user}@{Host(settings.ssh, node).address}:{settings.ssh.port}"
    seen = facts.get(node.name)
    if isinstance(seen, NodeFacts) and seen.manages:
        return url
    return init.stdout.apply(lambda _: url)


def ssh_options(settings: Settings, node: Node) -> list[str]:
    """Options of the `ssh` client: the declared key and host key, and nothing of the user's own files.

    KnownHostsCommand prints the one key that is right: https://man.openbsd.org/ssh_config#KnownHostsCommand
    """
    kind, key = node.host_key.split()[:2]
    options = {
        "BatchMode": "yes",
        "ConnectTimeout": "10",
        "ServerAliveInterval": "15",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": "/dev/null",
        "GlobalKnownHostsFile": "/dev/null",
        "KnownHostsCommand": f"/bin/echo %H {kind} {key}",
        "LogLevel": "ERROR",
    }
    key_file = settings.ssh.private_key_file
    identity = ["-i", str(key_file), "-o", "IdentitiesOnly=yes"] if key_file else []
    return [*identity, *(part for key, value in options.items() for part in ("-o", f"{key}={value}"))]
