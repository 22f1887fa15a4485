"""Asks every node at once over SSH; host keys are checked against the stack file."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncssh

from components.observe.facts import NodeFacts, Unreachable, parse_facts
from components.settings import Node, Settings

SCRIPT = (Path(__file__).parent / "facts.sh").read_text
TIMEOUT_S = 15


def observe(settings: Settings) -> dict[str, NodeFacts | Unreachable]:
    """Facts by node name, in the time of the slowest node, TIMEOUT_S at most."""
    # Pulumi runs the program inside an event loop of its own, so this one needs a thread.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, _observe_all(settings)).result()


async def _observe_all(settings: Settings) -> dict[str, NodeFacts | Unreachable]:
    facts = await asyncio.gather(*(_observe(settings, node) for node in settings.nodes))
    return dict(zip((node.name for node in settings.nodes), facts, strict=True))


async def _observe(settings: Settings, node: Node) -> NodeFacts | Unreachable:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return parse_facts(await run_script(settings, node, SCRIPT()))
    except TimeoutError:
        return Unreachable(f"no answer within {TIMEOUT_S} s")
    except (OSError, asyncssh.Error) as error:
        return Unreachable(str(error) or type(error).__name__)


async def run_script(settings: Settings, node: Node, script: str) -> str:
    """What `script` prints on a node. Raises OSError or asyncssh.Error when it can't be run."""
    async with await connect(settings, node) as connection:
        result = await connection.run(shell(settings), input=script, check=True)
    return str(result.stdout)


async def connect(settings: Settings, node: Node) -> asyncssh.SSHClientConnection:
    """A connection to a node that shows the declared host key. Raises OSError or asyncssh.Error."""
    key_file = settings.ssh.private_key_file
    return await asyncssh.connect(
        node.ssh_host or str(node.address),
        port=settings.ssh.port,
        username=settings.ssh.user,
        client_keys=[str(key_file.expanduser())] if key_file else (),
        known_hosts=([asyncssh.import_public_key(node.host_key)], [], []),
    )


def shell(settings: Settings) -> str:
    """What reads a script from stdin as root."""
    return "bash -s" if settings.ssh.user == "root" else "sudo -n bash -s"
