"""What a node is, typed, and the pure parser of what `facts.sh` prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

EngineState = Literal["running", "stopped", "absent", "unknown"]


@dataclass(frozen=True)
class Unreachable:
    """A node that could not be asked, and why: nothing is known of it."""

    reason: str


@dataclass(frozen=True)
class NodeFacts:
    """One node as it was seen. None is "could not be read", never "not there"."""

    hostname: str | None
    kernel: str | None
    engine: EngineState
    engine_version: str | None
    swarm_state: str | None
    swarm_node_id: str | None
    swarm_manager: bool | None
    swarm_cluster_id: str | None

    @property
    def manages(self) -> bool:
        """Whether this node's engine answers as a manager of a swarm that has a leader."""
        return self.swarm_state == "active" and self.swarm_manager is True and bool(self.swarm_cluster_id)


def parse_facts(text: str) -> NodeFacts:
    """The lines `key value` of facts.sh; unknown keys are passed over, absent ones are None."""
    pairs = (line.partition(" ") for line in text.splitlines())
    facts = {key: value.strip() or None for key, _, value in pairs}
    engine = facts.get("engine")
    state: EngineState = "unknown" if engine is None else "running"
    if engine in ("stopped", "absent"):
        state = "stopped" if engine == "stopped" else "absent"
    manager = facts.get("swarm_manager")
    return NodeFacts(
        hostname=facts.get("hostname"),
        kernel=facts.get("kernel"),
        engine=state,
        engine_version=engine if state == "running" else None,
        swarm_state=facts.get("swarm_state"),
        swarm_node_id=facts.get("swarm_node_id"),
        swarm_manager=None if manager is None else manager == "true",
        swarm_cluster_id=facts.get("swarm_cluster_id"),
    )
