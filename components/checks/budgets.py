"""Whether what services ask for is there, on nodes that declare what they have. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from components.checks.placement import per_node, place
from components.errors import Fault
from components.settings import Node

if TYPE_CHECKING:
    from components.topology import Plan, Unit


@dataclass(frozen=True)
class Task:
    """One task to be placed: what it asks for and where it may go."""

    unit: Unit
    homes: tuple[Node, ...]
    cpus: float
    memory_mib: int


@dataclass
class Room:
    """What one node has left; infinite where nothing is declared."""

    node: Node
    cpus: float
    memory_mib: float
    held: list[Task] = field(default_factory=list)

    def admits(self, task: Task) -> bool:
        """Whether a slot is free, resources aside."""
        limit = per_node(task.unit.service)
        return not limit or sum(other.unit.name == task.unit.name for other in self.held) < limit

    def holds(self, task: Task) -> bool:
        """Whether the resources suffice, within a millionth: sums of floats are not exact."""
        return self.cpus + 1e-6 >= task.cpus and self.memory_mib >= task.memory_mib

    def take(self, task: Task) -> None:
        """Set the task's share aside."""
        self.cpus -= task.cpus
        self.memory_mib -= task.memory_mib
        self.held.append(task)


def budget_faults(plan: Plan) -> Iterator[Fault]:
    """Tasks that find no node with enough left, by first-fit decreasing: pinned first, then by size.

    What it proves: no fault means that a placing exists in which every reservation fits. Swarm spreads
    tasks as it goes and may need a rebalance to reach it. For a task with one eligible node, a fault
    is certain; with several, a cleverer placing than ours might exist, and the fault is a warning
    that the environment is that full. What a start-first update needs for a moment isn't counted.
    """
    rooms = {node.name: _room(node) for node in plan.settings.nodes}
    failed: dict[str, list[Task]] = {}
    seen: dict[str, Fault] = {}
    for task in sorted(_tasks(plan), key=_order):
        free = [rooms[node.name] for node in task.homes if rooms[node.name].admits(task)]
        chosen = next((room for room in free if room.holds(task)), None)
        if chosen:
            chosen.take(task)
        elif free:
            failed.setdefault(task.unit.name, []).append(task)
            seen.setdefault(task.unit.name, _fault(task, free))
    yield from (_counted(fault, failed[name], plan) for name, fault in seen.items())


def _tasks(plan: Plan) -> Iterator[Task]:
    for service in plan.services:
        asked = service.resources
        # A member keeps data and has nowhere else to go: its whole limit is set aside, not a part of it.
        memory = asked.memory_mib if service.members else asked.reserve_memory_mib
        for unit in plan.units(service):
            homes = plan.homes(unit)
            if service.mode == "global":
                yield from (Task(unit, (node,), asked.reserve_cpus, memory) for node in homes)
            else:
                yield from [Task(unit, homes, asked.reserve_cpus, memory)] * plan.tasks(unit)


def _order(task: Task) -> tuple[bool, int, float, str]:
    return len(task.homes) > 1, -task.memory_mib, -task.cpus, task.unit.name


def _room(node: Node) -> Room:
    cpus = inf if node.cpus is None else node.cpus
    return Room(node, cpus, inf if node.memory_mib is None else node.memory_mib)


def _fault(task: Task, free: list[Room]) -> Fault:
    """In the words of what is short: memory, unless it is the CPUs alone."""
    where = place(task.unit)
    if any(room.memory_mib < task.memory_mib for room in free):
        left = _listed({room.node.name: f"{max(room.memory_mib, 0):.0f}" for room in free})
        field_name = "memory_mib" if task.unit.member else "reserve_memory_mib"
        remedy = f"lower {field_name} or place it elsewhere"
        return Fault(where, f"asks {task.memory_mib} MiB, {left}", remedy)
    left = _listed({room.node.name: f"{max(room.cpus, 0):.3g}" for room in free})
    return Fault(where, f"asks {task.cpus:.3g} CPUs, {left}", "lower reserve_cpus or place it elsewhere")


def _listed(left: Mapping[str, str]) -> str:
    shown = [f"{name} has {amount} left" for name, amount in list(left.items())[:5]]
    return ", ".join(shown) + (f", {len(left) - 5} more have too little" if len(left) > 5 else "")


def _counted(fault: Fault, failed: list[Task], plan: Plan) -> Fault:
    total = plan.tasks(failed[0].unit)
    if total == 1:
        return fault
    counted = f"{len(failed)} of {total} tasks can't be placed: each {fault.fault}"
    return Fault(fault.place, counted, fault.remedy)
