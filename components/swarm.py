"""Prepared nodes joined into one swarm, and the Docker provider that speaks to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_docker as docker
from pulumi_command import remote

from components.identity import SWARM
from components.lifecycle import entry_manager, former_selves, is_away
from components.node import PreparedNode
from components.observation import Observation
from components.provider import swarm_provider
from components.remote import Host, Seen
from components.settings import Node, Settings


class Swarm(pulumi.ComponentResource):
    """The swarm: founded by the first manager, joined by the others, each described as declared.

    Three commands a node: `<node>-token` (a manager invites it), `<node>-join` (it joins) and
    `<node>-labels` (a manager gives it role, availability and labels). They are undone the other way
    about: retired (drained, its tasks elsewhere), left, removed from the list. What changes managers runs
    in one chain: managers join one after the other, then nodes are described, those to be managers first.
    """

    def __init__(
        self,
        settings: Settings,
        prepared: Mapping[str, PreparedNode],
        observed: Observation,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(SWARM, settings.network.name, None, opts)
        self._settings, self._prepared, self._observed = settings, prepared, observed
        self._manager = Host(settings.ssh, entry_manager(settings, observed.facts), any_manager=True)
        workers = [node for node in settings.nodes if node.role == "worker"]
        joined: dict[str, remote.Command] = {}
        chain: list[pulumi.Resource] = []
        for manager in settings.managers:
            joined[manager.name] = self._join(manager, chain)
            chain = [joined[manager.name]]
        for worker in workers:
            joined[worker.name] = self._join(worker, chain)
        chain = list(joined.values())
        described: dict[str, remote.Command] = {}
        for node in (*settings.managers, *workers):
            described[node.name] = self._describe(node, [joined[node.name], *chain])
            chain = [described[node.name]]
        tuned = self._tune(joined[settings.managers[0].name])
        # The last one waits for all the others: named one by one they would be dependencies of every service.
        self.ready: Sequence[pulumi.Resource] = [*chain, tuned]
        self.described: Mapping[str, pulumi.Resource] = described
        self.provider: docker.Provider = swarm_provider(
            settings, observed.facts, joined[settings.managers[0].name], self._child(list(joined.values()))
        )
        self.register_outputs({})

    def _child(self, after: Sequence[pulumi.Resource], *aliases: pulumi.Alias) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(after), aliases=list(aliases))

    def _join(self, node: Node, after: Sequence[pulumi.Resource]) -> remote.Command:
        """An invitation per node, read when that node joins: never stale, never known in a preview."""
        lost = self._observed.drift.get(f"{node.name}-join")
        former = former_selves(self._settings, self._observed.facts, node)
        away = is_away(self._observed.facts, node)
        prepared = self._prepared[node.name]
        # The others come after the first, and so after every firewall.
        open_to_it = [] if after else [each.firewall for each in self._prepared.values() if each.firewall]
        # The first to be asked is a manager only once its own engine runs.
        first = [self._prepared[self._manager.node.name]] if not after else []
        token = self._manager.run(
            f"{node.name}-token",
            "read-join-token.sh",
            {"NODE_NAME": node.name, "ROLE": node.role},
            self._child([*after, *first]),
            undo=("remove-node.sh", {"NODE_NAME": node.name}),
            secret_stdout=True,
            seen=Seen(lost, away, former),
        )
        variables: dict[str, pulumi.Input[str]] = {
            "NODE_NAME": node.name,
            "ROLE": node.role,
            "ADVERTISE_ADDRESS": str(node.address),
            "INVITATION": token.stdout,
        }
        return Host(self._settings.ssh, node).run(
            f"{node.name}-join",
            "join-swarm.sh",
            variables,
            # Until 2026-11 the first manager's step was called so.
            self._child(
                [*after, prepared, *open_to_it], *([] if after else [pulumi.Alias(name=f"{node.name}-init")])
            ),
            undo=("leave-swarm.sh", {"NODE_NAME": node.name, "ROLE": node.role}),
            seen=Seen(lost, away),
        )

    def _describe(self, node: Node, after: Sequence[pulumi.Resource]) -> remote.Command:
        drift = self._observed.drift
        differs = drift.get(f"{node.name}-labels")
        if f"{node.name}-join" in drift:
            differs = differs or "joins anew, without role, availability and labels"
        labels = "".join(f"{key}={value}\n" for key, value in sorted(node.labels.items()))
        timeout = str(self._settings.swarm.converge_timeout_s)
        return self._manager.run(
            f"{node.name}-labels",
            "set-node.sh",
            {"NODE_NAME": node.name, "ROLE": node.role, "AVAILABILITY": node.availability, "LABELS": labels},
            self._child(after),
            undo=("retire-node.sh", {"NODE_NAME": node.name, "MOVE_TIMEOUT_S": timeout}),
            seen=Seen(differs),
        )

    def _tune(self, founded: remote.Command) -> remote.Command:
        return self._manager.run(
            "swarm-settings",
            "set-swarm.sh",
            {"TASK_HISTORY_LIMIT": str(self._settings.swarm.task_history_limit)},
            self._child([founded]),
            seen=Seen(self._observed.drift.get("swarm-settings")),
        )
