"""Asks every node at once over SSH; host keys are checked against the stack file."""

from __future__ import annotations

import asyncio
import os
import shlex
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncssh

from components.observe.facts import NodeFacts, Unreachable
from components.observe.parsing import parse_facts
from components.settings import Node, Settings, Ssh

SCRIPT = (Path(__file__).parent / "facts.sh").read_text
#: Connected and logged in within this, or away. A node that restarts is slower, and away indeed.
CONNECT_TIMEOUT_S = 7
#: The script's own limits (an engine that hangs, ports that are silent) add up to less.
RUN_TIMEOUT_S = 20


def observe(settings: Settings) -> dict[str, NodeFacts | Unreachable]:
    """Facts by node name, in the time of the slowest node: CONNECT_TIMEOUT_S for one that is away."""
    # Pulumi runs the program inside an event loop of its own, so this one needs a thread.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, observe_all(settings)).result()


async def observe_all(settings: Settings) -> dict[str, NodeFacts | Unreachable]:
    """What `observe` gives, within an event loop."""
    facts = await asyncio.gather(*(_observe(settings, node) for node in settings.nodes))
    return dict(zip((node.name for node in settings.nodes), facts, strict=True))


async def _observe(settings: Settings, node: Node) -> NodeFacts | Unreachable:
    try:
        async with asyncio.timeout(RUN_TIMEOUT_S), await connect(settings, node) as connection:
            sent_s = time.time()
            done = await connection.run(shell(settings), input=facts_script(settings, node))
            asked_s = (sent_s + time.time()) / 2
    except TimeoutError:
        return Unreachable(f"no answer within {CONNECT_TIMEOUT_S} s")
    except (OSError, asyncssh.Error) as error:
        return Unreachable(reason_of(error))
    if not done.stdout:
        said = str(done.stderr or "").strip().splitlines()
        return Unreachable(said[-1] if said else f"its shell ended with {done.exit_status} and said nothing")
    return parse_facts(str(done.stdout), asked_s)


def reason_of(error: Exception) -> str:
    """`no route to host`, or what SSH says."""
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return str(error) or type(error).__name__


def facts_script(settings: Settings, node: Node) -> str:
    """`facts.sh` with its inputs: what to look for on this node."""
    inputs = {
        "SELF_ADDRESS": str(node.address),
        "SSH_PORT": str(settings.ssh.port),
        "PEERS": " ".join(str(other.address) for other in settings.nodes if other is not node),
        "SYSCTLS": " ".join(settings.engine.sysctls),
        "OPERATORS": " ".join(settings.engine.operators),
    }
    return "".join(f"{key}={shlex.quote(value)}\n" for key, value in inputs.items()) + SCRIPT()


async def run_script(settings: Settings, node: Node, script: str) -> str:
    """What `script` prints on a node. Raises OSError or asyncssh.Error when it can't be run."""
    async with await connect(settings, node) as connection:
        result = await connection.run(shell(settings), input=script, check=True)
    return str(result.stdout)


async def connect(settings: Settings, node: Node) -> asyncssh.SSHClientConnection:
    """A connection to a node that shows the declared host key. Raises OSError or asyncssh.Error."""
    return await reach(settings.ssh, node.ssh_address, node.host_key)


async def reach(
    ssh: Ssh, host: str, host_key: str, timeout_s: float = CONNECT_TIMEOUT_S
) -> asyncssh.SSHClientConnection:
    """A connection to a host, declared or not, that shows this key. Raises OSError or asyncssh.Error."""
    key_file = ssh.private_key_file
    try:
        return await asyncssh.connect(
            host,
            port=ssh.port,
            username=ssh.user,
            client_keys=[str(key_file.expanduser())] if key_file else (),
            known_hosts=([asyncssh.import_public_key(host_key)], [], []),
            connect_timeout=timeout_s,
        )
    except asyncssh.KeyImportError as error:
        raise OSError(f"its host_key, or our private key, is no key ({error})") from None


def shell(settings: Settings) -> str:
    """What reads a script from stdin as root."""
    return f"{settings.ssh.shell} -s"
