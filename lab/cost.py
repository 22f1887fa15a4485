"""`lab cost`: CPU, memory and started processes of the lab while nobody uses it."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table

from lab.calibration import calibration_s
from lab.model import NODES, Lab, Node
from lab.shell import docker

SCRIPT = Path(__file__).with_suffix(".sh")
PID_MAX = Path("/proc/sys/kernel/pid_max")
MIB = 1024 * 1024
#: The row of what belongs to no task: systemd, Docker Engine and its health checks' processes.
ENGINES = "engines"


@dataclass(frozen=True)
class Usage:
    """One node since it started: CPU in ns, the last process id; by service: CPU in ns, memory in bytes."""

    cpu_ns: int
    last_pid: int
    tasks: dict[str, tuple[int, int]]


@dataclass(frozen=True)
class Cost:
    """A rate over `seconds`. cpu: by service, in cores; memory_mib: by service, at the end.

    processes_per_s: processes and threads. calibration_s: a fixed loop on this machine.
    """

    seconds: float
    cpu: dict[str, float]
    memory_mib: dict[str, int]
    processes_per_s: float
    calibration_s: float

    @property
    def cores(self) -> float:
        """CPU of the whole lab."""
        return sum(self.cpu.values())

    @property
    def loops_per_s(self) -> float:
        """CPU of the whole lab in units of the fixed loop, to compare machines."""
        return self.cores / self.calibration_s

    def json(self) -> str:
        """Everything, with the sums."""
        return json.dumps({**asdict(self), "cores": self.cores, "loops_per_s": self.loops_per_s}, indent=1)


def measure(lab: Lab, seconds: float) -> Cost:
    """Watch the lab for `seconds`. Raises LabError for a node that does not answer."""
    calibration = calibration_s()
    before, began = usages(lab), time.monotonic()
    time.sleep(seconds)
    after, took = usages(lab), time.monotonic() - began
    return cost(before, after, took, calibration, int(PID_MAX.read_text()))


def usages(lab: Lab) -> dict[str, Usage]:
    """What every node says, side by side."""
    with ThreadPoolExecutor(len(NODES)) as pool:
        found = pool.map(lambda node: usage(lab, node), NODES)
        return {node.name: seen for node, seen in zip(NODES, found, strict=True)}


def usage(lab: Lab, node: Node) -> Usage:
    """What one node says. Raises LabError."""
    text = docker("exec", "-i", lab.container(node), "bash", "-s", stdin=SCRIPT.read_bytes(), timeout_s=60)
    return parse_usage(text)


def parse_usage(text: str) -> Usage:
    """The lines of cost.sh. Raises ValueError where one is missing."""
    rows = [line.split() for line in text.splitlines()]
    ((_, cpu_ns, last_pid),) = [row for row in rows if row[0] == "node"]
    tasks: dict[str, tuple[int, int]] = {}
    for _, service, task_cpu_ns, memory in (row for row in rows if row[0] == "task"):
        cpu, rss = tasks.get(service, (0, 0))
        tasks[service] = (cpu + int(task_cpu_ns), rss + int(memory))
    return Usage(int(cpu_ns), int(last_pid), tasks)


def cost(
    before: dict[str, Usage], after: dict[str, Usage], seconds: float, calibration: float, pid_max: int
) -> Cost:
    """The rates between two looks; a task that came or went in between counts with the engines."""
    cpu: dict[str, float] = {}
    memory: dict[str, int] = {}
    processes, whole = 0, 0
    for name, now in after.items():
        then = before[name]
        whole += now.cpu_ns - then.cpu_ns
        processes += (now.last_pid - then.last_pid) % pid_max
        for service, (cpu_ns, rss) in now.tasks.items():
            used = max(cpu_ns - then.tasks.get(service, (cpu_ns, 0))[0], 0)
            cpu[service] = cpu.get(service, 0.0) + used / 1e9 / seconds
            memory[service] = memory.get(service, 0) + rss // MIB
    cpu[ENGINES] = max(whole / 1e9 / seconds - sum(cpu.values()), 0.0)
    return Cost(seconds, cpu, memory, processes / seconds, calibration)


def cost_table(seen: Cost) -> Table:
    """By service, the dearest first."""
    table = Table(box=SIMPLE_HEAD)
    for title in ("service", "CPU, % of a core", "memory"):
        table.add_column(title, justify="left" if title == "service" else "right")
    for name, cores in sorted(seen.cpu.items(), key=lambda item: -item[1]):
        memory = seen.memory_mib.get(name)
        table.add_row(name, f"{100 * cores:.1f}", "" if memory is None else f"{memory} MiB")
    table.add_section()
    table.add_row("in sum", f"{100 * seen.cores:.1f}", f"{sum(seen.memory_mib.values())} MiB")
    return table


def footer(seen: Cost) -> str:
    """The sums as one line."""
    parts = (
        f"{seen.processes_per_s:.0f} processes started per second",
        f"{seen.cores:.2f} cores over {seen.seconds:.0f} s",
        f"the fixed loop takes {seen.calibration_s:.2f} s here, so {seen.loops_per_s:.2f} loops per second",
    )
    return "; ".join(parts)
