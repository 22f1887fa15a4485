"""`lab status`: what runs, as a table."""

import json
import shutil
import socket
from concurrent.futures import ThreadPoolExecutor

from rich.box import SIMPLE_HEAD
from rich.table import Table

from lab.model import NODES, Frozen, Lab, Node
from lab.shell import LabError, docker

QUESTIONS = """
systemctl is-system-running || true
if command -v dockerd >/dev/null; then systemctl is-active docker || true; else echo not installed; fi
swarm='{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}'
swarm=$(timeout 5 docker info --format "$swarm" 2>/dev/null) || swarm=-
echo "$swarm"
cd /sys/fs/cgroup
if [ -d memory ]; then cat memory/memory.usage_in_bytes; grep '^total_inactive_file' memory/memory.stat
else cat memory.current; grep '^inactive_file' memory.stat; fi
"""


class NodeStatus(Frozen):
    """What was seen of one node; `unknown` where it could not be asked."""

    container: str
    systemd: str = "unknown"
    ssh: str = "unknown"
    engine: str = "unknown"
    swarm: str = "unknown"
    memory_mib: int | None = None


def parse_answers(text: str) -> dict[str, str | int]:
    """Return the fields in the answers to QUESTIONS. Raises ValueError when some are missing."""
    systemd, engine, swarm, used, cache = text.strip().splitlines()
    state, _, control = swarm.partition(" ")
    role = "manager" if control == "true" else "worker"
    return {
        "systemd": systemd,
        "engine": engine,
        "swarm": role if state == "active" else state or "-",
        "memory_mib": (int(used) - int(cache.split()[1])) >> 20,
    }


def node_status(lab: Lab, node: Node) -> NodeStatus:
    """Look at one node."""
    name = lab.container(node)
    try:
        state = docker("container", "inspect", "--format", "{{.State.Status}}", name).strip()
    except LabError:
        return NodeStatus(container="missing")
    if state != "running":
        return NodeStatus(container=state)
    try:
        answers = parse_answers(docker("exec", name, "sh", "-c", QUESTIONS, timeout_s=20))
    except (LabError, ValueError):
        answers = {}
    return NodeStatus.model_validate(
        {"container": state, "ssh": _ssh_state(str(lab.address(node))), **answers}
    )


def status_table(lab: Lab) -> Table:
    """Return the table of nodes."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("node", "address", "role", "container", "systemd", "ssh", "engine", "swarm", "memory"):
        table.add_column(heading, no_wrap=True)
    with ThreadPoolExecutor(len(NODES)) as pool:
        seen = list(pool.map(lambda node: node_status(lab, node), NODES))
    for node, status in zip(NODES, seen, strict=True):
        memory = "unknown" if status.memory_mib is None else f"{status.memory_mib} MiB"
        cells = [node.name, str(lab.address(node)), node.role, status.container, status.systemd]
        table.add_row(*cells, status.ssh, status.engine, status.swarm, memory)
    return table


def footer(lab: Lab) -> str:
    """Return the line about registry and disk."""
    try:
        registry = docker("container", "inspect", "--format", "{{.State.Status}}", lab.registry).strip()
    except LabError:
        registry = "missing"
    root = json.loads(docker("info", "--format", "{{json .DockerRootDir}}"))
    free_gib = shutil.disk_usage(root).free >> 30
    pushing = f"push to 127.0.0.1:{lab.push_port}"
    return f"registry {lab.registry_endpoint} ({registry}; {pushing}), disk {free_gib} GiB free"


def _ssh_state(address: str) -> str:
    try:
        with socket.create_connection((address, 22), timeout=3) as connection:
            connection.settimeout(3)
            return "answers" if connection.recv(4) == b"SSH-" else "no ssh"
    except OSError:
        return "silent"
