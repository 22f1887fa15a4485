"""What the tasks of a service say: how many run, and why one does not.

The counting is Docker's own, of `docker service create` without --detach:
https://github.com/docker/cli/blob/v28.5.2/cli/command/service/progress/progress.go
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]

_ORDER = (
    *("new", "allocated", "pending", "assigned", "accepted", "preparing", "ready", "starting", "running"),
    *("complete", "shutdown", "failed", "rejected"),
)
_RANK = {state: rank for rank, state in enumerate(_ORDER)}
_RUNNING = _RANK["running"]


def count_running(tasks: Sequence[Json], down_nodes: frozenset[str]) -> int:
    """Slots whose task runs and is meant to; of several tasks in a slot the least advanced counts."""
    by_slot: dict[int, Json] = {}
    for task in tasks:
        if _rank(task) is None or task.get("NodeID") in down_nodes:
            continue
        slot = task.get("Slot", 0)
        if slot not in by_slot or (_rank(task) or (0, 0)) < (_rank(by_slot[slot]) or (0, 0)):
            by_slot[slot] = task
    return sum(
        _RANK[task["DesiredState"]] <= _RUNNING and task["Status"]["State"] == "running"
        for task in by_slot.values()
    )


def is_live(task: Json) -> bool:
    """Whether the task holds, or may yet hold, a container that runs."""
    return _RANK.get(task["Status"]["State"], len(_ORDER)) <= _RUNNING


def trouble(service_name: str, tasks: Sequence[Json], node_names: Mapping[str, str], hint: str = "") -> str:
    """The most telling task in words: service, node, state, the task's own message and exit code.

    `hint` is a text that may name a task's id (swarm's update status does); that task goes first.
    """
    if not tasks:
        return f"service {service_name}: swarm has made no task"
    task = max(
        tasks, key=lambda task: (task["ID"] in hint, _is_telling(task), task["Status"].get("Timestamp", ""))
    )
    node = node_names.get(task.get("NodeID", ""), "no node yet")
    return f"service {service_name} on {node}: task {task['ID'][:12]} is {_words(task['Status'])}"


def _words(status: Json) -> str:
    text = f"{status['State']}: {status.get('Err') or status.get('Message') or 'no message'}"
    code = (status.get("ContainerStatus") or {}).get("ExitCode")
    if code and f"({code})" not in text:
        text += f" (exit code {code})"
    if status["State"] == "complete":  # swarm keeps no reason when the process ends well on its stop signal
        text += " (exit code 0; so ends a task that was stopped because its health check failed)"
    return text


def _is_running(task: Json) -> bool:
    return _RANK[task["DesiredState"]] <= _RUNNING and task["Status"]["State"] == "running"


def _is_telling(task: Json) -> bool:
    return bool(task["Status"].get("Err")) or task["Status"]["State"] in ("complete", "failed", "rejected")


def _rank(task: Json) -> tuple[int, int] | None:
    """Desired and observed state as numbers; None for states that this counting leaves out."""
    desired, observed = task["DesiredState"], task["Status"]["State"]
    if desired not in _RANK or observed not in _RANK:
        return None
    return _RANK[desired], _RANK[observed]
