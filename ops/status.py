"""What runs: nodes and services as the swarm itself tells, and why a service isn't whole."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rich.console import Console
from rich.table import Table

from components.settings import Settings
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


def settled(settings: Settings, say: Callable[[str], None], limit_s: float = SETTLE_S) -> Cluster:
    """The cluster once every service is whole, or as it is when the time is up. Raises NoManagerError.

    Tasks that had to leave a node start elsewhere after a run has ended.
    """
    limit, said = time.monotonic() + limit_s, ""
    while True:
        cluster = read(settings)
        waiting = ", ".join(f"{row['Name']} {row['Replicas']}" for row in cluster.services if not whole(row))
        if not waiting or time.monotonic() > limit:
            return cluster
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
    cluster: Cluster, urls: Iterable[str], console: Console, without: Mapping[str, str] = MappingProxyType({})
) -> bool:
    """Print nodes, services and URLs; whether every node is ready and every service whole.

    `without`: declared services that are off, with the reason; they are shown and are no fault.
    """
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
    services = Table("service", "tasks", "image", "runs on", title="Services", title_justify="left")
    for row in sorted(cluster.services, key=lambda row: row["Name"]):
        tasks = _coloured(row["Replicas"], row["Replicas"] if whole(row) else "")
        services.add_row(row["Name"], tasks, row["Image"].partition("@")[0], _homes(cluster, row["Name"]))
    console.print(nodes, services)
    for name, why in without.items():
        console.print(f"[yellow]{name} is off[/yellow]: {why}")
    for row in cluster.services:
        if not whole(row):
            why = (
                last_failure(cluster.tasks, row["Name"]) or "no task has failed yet; it may still be starting"
            )
            console.print(f"[red]{row['Name']} is not whole[/red]: {why}")
    for url in urls:
        console.print(f"open {url}")
    return all(row["Status"] == "Ready" for row in cluster.nodes) and all(map(whole, cluster.services))


def _homes(cluster: Cluster, service: str) -> str:
    running = {
        task["Node"]
        for task in cluster.tasks
        if task["Name"].rpartition(".")[0] == service and task["CurrentState"].startswith("Running")
    }
    return ", ".join(sorted(running))


def _coloured(value: str, good: str) -> str:
    return f"[green]{value}[/green]" if value == good else f"[red]{value}[/red]"
