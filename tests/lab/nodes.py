"""Commands on a node of the lab, and what can be done to a node from outside."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import asyncssh

from components.observe.over_ssh import run_script
from components.settings import Settings
from lab import folder as folders
from lab.model import NODES
from lab.shell import docker
from tests.lab.runner import ROOT


def on_node(settings: Settings, name: str, command: str, timeout_s: float = 240) -> str:
    """What a command prints on a node. Raises asyncssh.ProcessError, with a note of stderr, when it fails."""
    node = next(node for node in settings.nodes if node.name == name)

    async def ask() -> str:
        async with asyncio.timeout(timeout_s):
            return await run_script(settings, node, command)

    try:
        return asyncio.run(ask())
    except asyncssh.ProcessError as error:
        error.add_note(f"{name}: {command[:200]}: {error.stderr!s}")
        raise


def lab(*arguments: str) -> None:
    """`python -m lab …`, which must succeed."""
    line = [sys.executable, "-m", "lab", *arguments]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def unplug(name: str) -> None:
    """Take a node off the network."""
    own = folders.load(folders.OWN)
    assert own
    docker("network", "disconnect", own.network, own.container(next(n for n in NODES if n.name == name)))


def plug_in(name: str) -> None:
    """Put it back, with its own address."""
    own = folders.load(folders.OWN)
    assert own
    node = next(node for node in NODES if node.name == name)
    docker("network", "connect", "--ip", str(own.address(node)), own.network, own.container(node))
