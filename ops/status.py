"""What runs: nodes and services as the swarm itself tells, and why a service isn't whole."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rich.console import Console
from rich.table import Table

from components.settings import Settings
from components.topology import Plan
from ops import roles
from ops.managers import first_answer

#: A service that starts late has pulled its image and passed its health check by then.
SETTLE_S = 90
SCRIPT = Path(__file__).parent / "status.sh"

Row = dict[str, Any]


@dataclass(frozen=True)
class Cluster:
    """What a manager said: rows as `docker … ls --format json` prints them."""

    nodes: tuple[Row, ...]
    services: tuple[Row, ...]
    tasks: tuple[Row, ...]


@dataclass(frozen=True)
class Status:
    """The cluster; of its members the roles, a line for each service that not exactly one of them leads, and
    why one must not stop now.
    """

    cluster: Cluster
    roles: Mapping[str, str]
    role_faults: tuple[str, ...] = ()
    stay: Mapping[str, str] = field(default_factory=dict)


def parse(text: str) -> Cluster:
    """The lines `kind {json}` of status.sh."""
    rows: dict[str, list[Row]] = {"node": [], "service": [], "task": []}
    for line in text.splitlines():
        kind, _, body = line.partition(" ")
        rows[kind].append(json.loads(body))
    return Cluster(tuple(rows["node"]), tuple(rows["service"]), tuple(rows["task"]))


def read(settings: Settings) -> Cluster:
    """The cluster as the first manager that answers sees it. Raises NoManagerError."""
    return parse(asyncio.run(first_answer(settings, SCRIPT.read_text())) or "")


def read_status(plan: Plan) -> Status:
    """The cluster, and what its members say of themselves. Raises NoManagerError."""
    with ThreadPoolExecutor(1) as beside:
        asked = beside.submit(roles.read_members, plan)
        cluster = read(plan.settings)
        said = asked.result()
    return Status(cluster, said.roles, tuple(roles.faults(plan, said.roles)), said.stay)


def settled(plan: Plan, say: Callable[[str], None], limit_s: float = SETTLE_S) -> Status:
    """The status once every service is whole and led, or as it is when the time is up. Raises NoManagerError.

    Tasks that had to leave a node start elsewhere after a run has ended, and members choose their leader.
    """
    limit, said = time.monotonic() + limit_s, ""
    while True:
        seen = read_status(plan)
        short = [f"{row['Name']} {row['Replicas']}" for row in seen.cluster.services if not whole(row)]
        waiting = ", ".join([*short, *seen.role_faults])
        if not waiting or time.monotonic() > limit:
            return seen
        if waiting != said:
            say(f"waits until everything runs: {waiting}")
        said = waiting
        time.sleep(2)


def whole(service: Row) -> bool:
    """Whether as many tasks run as are wanted: `3/3`, or `1/1 (max 1 per node)`."""
    running, _, wanted = str(service["Replicas"]).split(" ")[0].partition("/")
    return running == wanted


def last_failure(tasks: Iterable[Row], service: str) -> str | None:
    """`node-4: starting container failed: …` of the newest failed task of a service."""
    for task in tasks:
        if task["Name"].rpartition(".")[0] == service and task["Error"]:
            return f"{task['Node'] or 'no node'}: {task['Error']}"
    return None


def show(
    seen: Status, urls: Iterable[str], console: Console, without: Mapping[str, str] = MappingProxyType({})
) -> bool:
    """Print nodes, services, roles and URLs; whether every node is ready, every service whole and led.

    `without`: declared services that are off, with the reason; they are shown and are no fault.
    """
    cluster = seen.cluster
    nodes = Table("node", "role", "state", "availability", "engine", title="Nodes", title_justify="left")
    for row in sorted(cluster.nodes, key=lambda row: row["Hostname"]):
        role = row["ManagerStatus"] or "worker"
        nodes.add_row(
            row["Hostname"],
            role,
            _coloured(row["Status"], "Ready"),
            row["Availability"],
            row["EngineVersion"],
        )
    columns = ("service", "tasks", "role", "image", "runs on")
    services = Table(*columns, title="Services", title_justify="left")
    for row in sorted(cluster.services, key=lambda row: row["Name"]):
        tasks = _coloured(row["Replicas"], row["Replicas"] if whole(row) else "")
        image, role = row["Image"].partition("@")[0], seen.roles.get(row["Name"], "")
        services.add_row(row["Name"], tasks, role, image, _homes(cluster, row["Name"]))
    console.print(nodes, services)
    for name, why in without.items():
        console.print(f"[yellow]{name} is off[/yellow]: {why}")
    for row in cluster.services:
        if not whole(row):
            why = (
                last_failure(cluster.tasks, row["Name"]) or "no task has failed yet; it may still be starting"
            )
            console.print(f"[red]{row['Name']} is not whole[/red]: {why}")
    for line in seen.role_faults:
        console.print(f"[red]{line}[/red]")
    for name, why in sorted(seen.stay.items()):
        console.print(f"[yellow]{name} must not stop now[/yellow]: {why}", highlight=False)
    for url in urls:
        console.print(f"open {url}")
    ready = all(row["Status"] == "Ready" for row in cluster.nodes)
    return ready and all(map(whole, cluster.services)) and not seen.role_faults


def _homes(cluster: Cluster, service: str) -> str:
    running = {
        task["Node"]
        for task in cluster.tasks
        if task["Name"].rpartition(".")[0] == service and task["CurrentState"].startswith("Running")
    }
    return ", ".join(sorted(running))


def _coloured(value: str, good: str) -> str:
    return f"[green]{value}[/green]" if value == good else f"[red]{value}[/red]"
