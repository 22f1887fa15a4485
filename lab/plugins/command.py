# ruff: noqa: D102 - the methods are those of lab.plugins.resource.Resource
"""Offline plugin for pulumi-command 1.2.1: `command:remote:Command` as this project uses it.

Start it with `python -m lab.plugins.command <engine address>`. What it does otherwise than the official one
is in docs/decisions/0002-offline-plugins.md.
"""

import secrets
from typing import TYPE_CHECKING, Any

from lab.plugins import server
from lab.plugins.command_inputs import INPUTS, LOGGED, checked_inputs, target_of
from lab.plugins.difference import detailed_diff
from lab.plugins.resource import Change, Diff, Failure, Operation, Provider
from lab.plugins.values import UNKNOWN, Props, contains_unknown, plain

if TYPE_CHECKING:
    from lab.plugins.session import Output

_OUTPUTS = ("stdout", "stderr")


class Command:
    """A command that runs on a host when the resource is made, changed or removed."""

    def __init__(self) -> None:
        self._connections: Any = None  # made with the first command: asyncssh takes 0.3 s to import

    async def check(self, operation: Operation, olds: Props, news: Props) -> tuple[Props, list[Failure]]:
        return checked_inputs(news)

    async def diff(
        self, operation: Operation, old_inputs: Props, state: Props, news: Props, ignore: list[str]
    ) -> Diff:
        kept = {name: state[name] for name in ignore if name in state}
        changes = detailed_diff(old_inputs, {**news, **kept})
        return Diff({path: _change(path, kind) for path, kind in changes.items()})

    async def create(self, operation: Operation, inputs: Props, preview: bool) -> tuple[str, Props]:
        id = operation.name + secrets.token_hex(4)
        if preview:
            return id, inputs | dict.fromkeys(_OUTPUTS, UNKNOWN)
        return id, inputs | await self._run(operation, inputs.get("create"), inputs, {})

    async def read(
        self, operation: Operation, id: str, inputs: Props, state: Props
    ) -> tuple[str, Props, Props]:
        return id, inputs, state

    async def update(
        self, operation: Operation, id: str, state: Props, news: Props, ignore: list[str], preview: bool
    ) -> Props:
        previous = {name: state.get(name, "") for name in _OUTPUTS}
        if preview:
            return news | (dict.fromkeys(_OUTPUTS, UNKNOWN) if _outputs_may_change(state, news) else previous)
        return news | await self._run(operation, news.get("update", news.get("create")), news, previous)

    async def delete(self, operation: Operation, id: str, state: Props) -> None:
        await self._run(
            operation, state.get("delete"), state, {name: state.get(name, "") for name in _OUTPUTS}
        )

    async def _run(self, operation: Operation, command: Any, inputs: Props, previous: Props) -> Props:
        """Run a command, or nothing when it is None; return the outputs."""
        if command is None:
            return dict.fromkeys(_OUTPUTS, "") | previous
        output = await self._execute(operation, plain(command), plain(inputs), plain(previous))
        return {"stdout": output.stdout, "stderr": output.stderr}

    async def _execute(self, operation: Operation, command: str, inputs: Props, previous: Props) -> "Output":
        from lab.plugins import session

        self._connections = self._connections or session.Connections()
        environment = {f"PULUMI_COMMAND_{name.upper()}": text for name, text in previous.items() if text}
        if inputs.get("addPreviousOutputInEnv") is False:
            environment = {}
        logged = LOGGED.get(inputs.get("logging", "stdoutAndStderr"), frozenset())
        target = target_of(inputs["connection"])
        async with self._connections.borrow(target, operation.status) as connection:
            return await session.to_its_end(
                session.run(connection, command, inputs.get("stdin"), environment, logged, operation.status)
            )


def _change(path: str, kind: str) -> Change:
    """A new or vanished `triggers` replaces; for its items the SDK itself asks for that."""
    return f"{kind}-replace" if path == "triggers" else kind  # type: ignore[return-value]


def _outputs_may_change(state: Props, news: Props) -> bool:
    """The official rule: an unknown input, or one that was set before and differs now."""
    return contains_unknown(news) or any(name in state and state[name] != news.get(name) for name in INPUTS)


PROVIDER = Provider("command", "1.2.1", {"command:remote:Command": Command()})

if __name__ == "__main__":
    server.main(PROVIDER)
