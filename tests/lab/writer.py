"""Runs tests/lab/ledger.py inside the overlay, in a container on one node, and keeps what it says."""

from __future__ import annotations

import asyncio
import base64
import json
import shlex
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from components.observe import connect, run_script, shell
from components.settings import Node, Settings

LEDGER = Path(__file__).parent / "ledger.py"


def on_node(settings: Settings, name: str, command: str) -> str:
    """What a command prints on a node, which must succeed."""
    node = next(node for node in settings.nodes if node.name == name)
    return asyncio.run(run_script(settings, node, command))


@dataclass
class Writer:
    """A ledger under way: enter it, do harm, call `finish`. `secrets` are given to it as files."""

    settings: Settings
    node: Node
    image: str
    store: str
    run: str
    seconds: int
    secrets: Mapping[str, str] = field(repr=False)
    events: list[dict[str, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def script(self) -> str:
        """What the node runs: files in memory, gone in the end; nothing secret in argv."""
        files = {"ledger.py": LEDGER.read_text(), **self.secrets}
        puts = "".join(
            f"base64 -d >\"$folder/{name}\" <<<'{base64.b64encode(text.encode()).decode()}'\n"
            for name, text in files.items()
        )
        words = ["python3", "/run/secrets/ledger.py", self.store, self.run, str(self.seconds)]
        return f"""set -eu
folder=$(mktemp -d /run/ledger.XXXXXX)
trap 'rm -rf "$folder"' EXIT
{puts}docker run --rm --name ledger-{self.run} --network {shlex.quote(self.settings.network.name)} \\
  --env 'RES_OPTIONS=timeout:1 attempts:1' \\
  -v "$folder:/run/secrets:ro" {shlex.quote(self.image)} {" ".join(map(shlex.quote, words))} </dev/null
"""

    def __enter__(self) -> Writer:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._stream()))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.join(self.seconds + 240)

    def finish(self) -> dict[str, Any]:
        """The closing line, once the writing is over and everything was read back."""
        self._thread.join(self.seconds + 240)
        ends = [event for event in self.events if event["event"] == "end"]
        assert ends, f"the writer told no end: {self.events[-3:]} {self.errors[-5:]}"
        return ends[0]

    async def _stream(self) -> None:
        async with await connect(self.settings, self.node) as connection:
            process = await connection.create_process(shell(self.settings))
            process.stdin.write(self.script())
            process.stdin.write_eof()

            async def errors() -> None:
                async for line in process.stderr:
                    self.errors.append(str(line).rstrip())

            told = asyncio.create_task(errors())
            async for line in process.stdout:
                self.events.append(json.loads(str(line)))
            await told
