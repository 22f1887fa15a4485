"""The lock's scripts on the managers, over SSH."""

from __future__ import annotations

import asyncio
import shlex
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import asyncssh

from components.lock.holder import Holder, parse_holder
from components.observe import over_ssh
from components.settings import Node, Settings

FOLDER = Path(__file__).parent
#: A manager that doesn't answer within this counts as unreachable.
TIMEOUT_S = 10
#: The name that a holder's shell has in a list of processes.
TITLE = "platform-beta-run"

Broken = Literal["broken", "free", "other"]


async def connect(settings: Settings, node: Node) -> asyncssh.SSHClientConnection:
    """An SSH connection to a node, its host key checked. Raises OSError or asyncssh.Error."""
    async with asyncio.timeout(TIMEOUT_S):
        return await over_ssh.connect(settings, node)


def command(settings: Settings, script: str, *arguments: str) -> str:
    """A script of this folder as the remote command line: stdin stays free. It takes no secrets."""
    return f"{settings.ssh.shell} -c {shlex.join([(FOLDER / script).read_text(), TITLE, *arguments])}"


@dataclass
class Session:
    """A shell on one node that has, or was refused, the lock there. `holder`: who has it instead."""

    connection: asyncssh.SSHClientConnection
    process: asyncssh.SSHClientProcess[Any]
    holder: Holder | None

    @staticmethod
    async def open(settings: Settings, connection: asyncssh.SSHClientConnection, claim: str) -> Session:
        """Ask for the lock. Raises OSError or asyncssh.Error when the host can't tell."""
        process = await connection.create_process(command(settings, "hold.sh", claim))
        async with asyncio.timeout(TIMEOUT_S):
            first = await process.stdout.readline()
            if first.strip() == "taken":
                return Session(connection, process, None)
            rest, words = await process.stdout.read(), await process.stderr.read()
        holder = parse_holder(first + rest)
        if holder is None:
            raise OSError(words.strip() or "the host could not take the lock")
        return Session(connection, process, holder)

    async def beat(self) -> None:
        """Tell the other side that we live."""
        self.process.stdin.write("\n")
        await self.process.stdin.drain()

    async def close(self) -> None:
        """Give the lock back, or leave."""
        if not self.process.is_closing():
            self.process.stdin.write("stop\n")
            self.process.stdin.write_eof()
            async with asyncio.timeout(TIMEOUT_S):
                await self.process.wait()
        self.connection.close()


def holders(settings: Settings) -> dict[str, Holder | str | None]:
    """By manager: who holds the lock, None for nobody, or a text: why it could not be asked."""
    answers = _everywhere(settings, "show.sh")
    return {name: text if failed else parse_holder(text) for name, (failed, text) in answers.items()}


def break_locks(settings: Settings, run: str) -> dict[str, str]:
    """By manager: `broken`, `free` or `other` (see break.sh), or why it could not be asked."""
    return {name: text.strip() for name, (_, text) in _everywhere(settings, "break.sh", run).items()}


def _everywhere(settings: Settings, script: str, *arguments: str) -> dict[str, tuple[bool, str]]:
    async def ask(node: Node) -> tuple[bool, str]:
        try:
            async with await connect(settings, node) as connection, asyncio.timeout(TIMEOUT_S):
                done = await connection.run(command(settings, script, *arguments), check=True)
            return False, str(done.stdout)
        except asyncssh.ProcessError as error:
            return True, str(error.stderr).strip() or f"exit code {error.exit_status}"
        except (OSError, asyncssh.Error) as error:
            return True, reason(error)

    async def ask_all() -> list[tuple[bool, str]]:
        return await asyncio.gather(*map(ask, settings.managers))

    with ThreadPoolExecutor(1) as thread:  # the caller may be inside an event loop
        answers = thread.submit(asyncio.run, ask_all()).result()
    return dict(zip((node.name for node in settings.managers), answers, strict=True))


def reason(error: Exception) -> str:
    """Why a node could not be asked, in words."""
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT_S} s"
    return str(error) or type(error).__name__
