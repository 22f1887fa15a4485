"""What each kind of object does in the swarm; everything around it is the same for all (`swarm_resource`)."""

from __future__ import annotations

from typing import Any, Protocol

from lab.plugins.docker.fields import Schema, Values
from lab.plugins.resource import Operation

Json = dict[str, Any]


class Backend(Protocol):
    """One kind of object. Values are plain: no secrets' wrappers, no unknowns, no Nones."""

    schema: Schema

    async def create(self, operation: Operation, values: Values) -> str:
        """Make it and return its id, or raise PluginError and leave nothing behind."""

    async def read(self, id: str, known: Values) -> tuple[str, Json] | None:
        """Its id and outputs as they are now, or None when it is gone. `known`: the outputs as they were."""

    async def update(self, operation: Operation, id: str, values: Values) -> None:
        """Change it in place."""

    async def delete(self, operation: Operation, id: str, known: Values) -> None:
        """Remove it."""
