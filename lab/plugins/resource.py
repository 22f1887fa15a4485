"""What a plugin implements: one `Resource` per type token, and a `Provider` that holds them.

Methods get and return plain property maps (`lab.plugins.values`). They run on one event loop: blocking work
goes through `asyncio.to_thread`. When the engine cancels, the running method is cancelled
(`asyncio.CancelledError`), and `Operation.cancelled` is set for what runs in threads.
"""

import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from lab.plugins.values import Props

Change = Literal["add", "add-replace", "delete", "delete-replace", "update", "update-replace"]
Severity = Literal["debug", "info", "warning", "error"]


class PluginError(Exception):
    """An operation failed; the text is what the operator reads."""


class InitFailedError(PluginError):
    """An operation failed half-way: the object exists, so the engine keeps it with these properties."""

    def __init__(self, text: str, id: str, outputs: Props, inputs: Props | None = None) -> None:
        super().__init__(text)
        self.id, self.outputs, self.inputs = id, outputs, inputs


@dataclass(frozen=True)
class Failure:
    """An input that is wrong: its path, and what is wrong with it."""

    property: str
    reason: str


@dataclass(frozen=True)
class Diff:
    """Changes by property path, such as `triggers[0]`; those that end in -replace ask for a replacement."""

    detailed: Mapping[str, Change] = field(default_factory=dict)
    delete_before_replace: bool = False


@dataclass(frozen=True)
class Operation:
    """One call of the engine about one resource."""

    urn: str
    timeout_s: float
    """0: no limit."""
    cancelled: threading.Event
    _log: Callable[[Severity, str, str, bool], Awaitable[None]]

    @property
    def type(self) -> str:
        """Type token of the resource, such as `command:remote:Command`."""
        return self.urn.split("::")[2].rpartition("$")[2]

    @property
    def name(self) -> str:
        """Logical name of the resource."""
        return self.urn.split("::", 3)[3]

    async def log(self, severity: Severity, text: str) -> None:
        """Show a line among the diagnostics of the run."""
        await self._log(severity, text, self.urn, False)

    async def status(self, text: str) -> None:
        """Show a line beside the resource until the next one."""
        await self._log("info", text, self.urn, True)


class Resource(Protocol):
    """One type of resource. Any method may raise PluginError."""

    async def check(self, operation: Operation, olds: Props, news: Props) -> tuple[Props, list[Failure]]:
        """Return the inputs with defaults filled in, and what is wrong with them."""

    async def diff(
        self,
        operation: Operation,
        old_inputs: Props,
        state: Props,
        news: Props,
        ignore: list[str],
    ) -> Diff:
        """Compare the declared inputs with the last ones and the state."""

    async def create(self, operation: Operation, inputs: Props, preview: bool) -> tuple[str, Props]:
        """Make the object; return its id and all its properties. May raise InitFailedError."""

    async def read(
        self, operation: Operation, id: str, inputs: Props, state: Props
    ) -> tuple[str, Props, Props]:
        """Return id, inputs and properties as they are; an empty id when the object is gone."""

    async def update(
        self, operation: Operation, id: str, state: Props, news: Props, ignore: list[str], preview: bool
    ) -> Props:
        """Change the object; return all its properties. May raise InitFailedError."""

    async def delete(self, operation: Operation, id: str, state: Props) -> None:
        """Remove the object; it is no fault when it is gone already."""


@dataclass(frozen=True)
class Provider:
    """One plugin: its package name and version, its resources by type token, and its configuration."""

    name: str
    version: str
    resources: Mapping[str, Resource]
    configure: Callable[[Props], Awaitable[None]] | None = None
    """Gets the provider's inputs once, before any resource; unknown ones are UNKNOWN."""
    check_config: Callable[[Props], tuple[Props, list[Failure]]] | None = None
    diff_config: Callable[[Props, Props], Diff] | None = None
    """Old and new inputs of the provider; without it every change is an update."""
