"""Runs tests/lab/ledger.py inside the overlay, in containers on one node, and keeps what they say."""

from __future__ import annotations

import asyncio
import base64
import json
import shlex
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from components.observe.over_ssh import connect, shell
from components.settings import Settings
from tests.lab.kit import LEDGER_IMAGE, Client
from tests.lab.nodes import on_node

LEDGER = Path(__file__).parent / "ledger.py"
BEGIN_LIMIT_S = 60
#: Reading back is tried for PATIENCE_S of ledger.py.
END_LIMIT_S = 240
End = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Where clients run, and what they are given: passwords as files. `images`: the lab's, by name."""

    settings: Settings
    node: str
    images: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)

    def container(
        self, name: str, command: Iterable[str], files: Mapping[str, str], image: str = LEDGER_IMAGE
    ) -> str:
        """A script for the node: files in memory, gone in the end; nothing secret in argv."""
        puts = "".join(
            f"base64 -d >\"$folder/{path}\" <<<'{base64.b64encode(text.encode()).decode()}'\n"
            for path, text in files.items()
        )
        return f"""set -eu
folder=$(mktemp -d /run/ledger.XXXXXX)
trap 'rm -rf "$folder"' EXIT
{puts}docker run --rm --name {name} --network {shlex.quote(self.settings.network.name)} \\
  --env 'RES_OPTIONS=timeout:1 attempts:1' \\
  -v "$folder:/run/secrets:ro" {shlex.quote(self.images[image])} {shlex.join(command)} </dev/null
"""


@dataclass
class Writer:
    """One ledger under way, by a service's client and under the name `run`."""

    place: Place
    client: Client
    run: str
    seconds: int
    events: list[dict[str, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def start(self) -> None:
        """Begin in the background."""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._stream()), daemon=True)
        self._thread.start()

    def await_first_write(self) -> None:
        """Return when a write was accepted."""
        until = time.monotonic() + BEGIN_LIMIT_S
        while not self.events:
            waits = self._thread.is_alive() and time.monotonic() < until
            assert waits, f"{self.client.name}: no write was accepted: {self.errors[-5:]}"
            time.sleep(0.1)

    def stop(self) -> None:
        """No more writes; what was acknowledged is read back."""
        on_node(self.place.settings, self.place.node, f"docker kill --signal TERM {self.name} >/dev/null")

    def end(self) -> End:
        """The closing line, once everything was read back."""
        self._thread.join(self.seconds + END_LIMIT_S)
        ends = [event for event in self.events if event["event"] == "end"]
        assert ends, f"{self.client.name}: the writer told no end: {self.events[-3:]} {self.errors[-5:]}"
        return ends[0]

    def gap_s(self, since: float, until: float) -> float:
        """The longest time without an accepted write that touches these moments (of time.time())."""
        gaps = [event for event in self.events if event["event"] == "gap"]
        return max(
            (g["seconds"] for g in gaps if g["ended"] >= since and g["ended"] - g["seconds"] <= until),
            default=0,
        )

    @property
    def name(self) -> str:
        """The container's name."""
        return f"ledger-{self.client.name}-{self.run}"

    def command(self) -> list[str]:
        """What runs in the container: Python finds client.py beside the script that it runs."""
        variant = [self.client.variant] if self.client.variant else []
        return ["python3", "/run/secrets/ledger.py", self.run, str(self.seconds), *variant]

    def files(self) -> dict[str, str]:
        """The container's /run/secrets."""
        own = {"ledger.py": LEDGER.read_text(), "client.py": self.client.source}
        return {**own, **{name: self.place.secrets[name] for name in self.client.secrets}}

    async def _stream(self) -> None:
        settings, node = self.place.settings, self.place.node
        (there,) = [each for each in settings.nodes if each.name == node]
        script = self.place.container(self.name, self.command(), self.files(), self.client.image)
        async with await connect(settings, there) as connection:
            process = await connection.create_process(shell(settings))
            process.stdin.write(script)
            process.stdin.write_eof()

            async def errors() -> None:
                async for line in process.stderr:
                    self.errors.append(str(line).rstrip())

            told = asyncio.create_task(errors())
            async for line in process.stdout:
                text = str(line).rstrip()
                if text.startswith("{"):
                    self.events.append(json.loads(text))
                elif text:
                    self.errors.append(text)
            await told


class Ledgers:
    """Ledgers of several services at the same time: enter it, do harm, then ask `ends`."""

    def __init__(self, place: Place, clients: Iterable[Client], run: str, seconds: int = 900) -> None:
        self.run, self.clients = run, tuple(clients)
        self.writers = {client.name: Writer(place, client, run, seconds) for client in self.clients}
        self.ends: dict[str, End] = {}

    def __enter__(self) -> Ledgers:
        for writer in self.writers.values():
            writer.start()
        for writer in self.writers.values():
            writer.await_first_write()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for writer in self.writers.values():
            writer.stop()
        self.ends = {name: writer.end() for name, writer in self.writers.items()}

    def gaps_s(self, since: float, until: float) -> dict[str, float]:
        """By ledger, the longest time without an accepted write that touches these moments.

        A gap that has not ended is in none: ask when writes go on, or when the ledgers have ended.
        """
        return {name: writer.gap_s(since, until) for name, writer in self.writers.items()}


def read_back(place: Place, clients: Iterable[Client], run: str) -> dict[str, int]:
    """By ledger, how many writes of an earlier run are there."""
    writers = [Writer(place, client, run, 0) for client in clients]
    for writer in writers:
        writer.start()
    return {writer.client.name: int(writer.end()["present"]) for writer in writers}
