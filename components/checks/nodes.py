"""Nodes and engine: faults between the fields that describe the machines. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from components.errors import Fault
from components.settings import Settings


def node_faults(settings: Settings) -> Iterator[Fault]:
    """Machines that are the same one twice, managers that cannot hold a quorum, nowhere to run."""
    nodes = settings.nodes
    yield from _duplicates("name", [node.name for node in nodes])
    yield from _duplicates("address", [str(node.address) for node in nodes])
    yield from _duplicates("host_key", [node.pinned_key for node in nodes])
    yield from _manager_faults(settings)
    if all(node.availability == "drain" for node in nodes):
        yield Fault("nodes", "every node is drained, so nothing can run", "set one to active")
    yield from _repository_faults(settings)


def _manager_faults(settings: Settings) -> Iterator[Fault]:
    count = len(settings.managers)
    if count == 0:
        yield Fault("nodes", "no node is a manager", "give one or three the role manager")
    elif count % 2 == 0 and not settings.swarm.even_managers:
        fault = f"{count} managers survive no more losses than {count - 1} do"
        yield Fault("nodes", fault, "make their number odd, or set swarm.even_managers: true")


def _duplicates(field: str, values: list[str]) -> Iterator[Fault]:
    for value, count in Counter(values).items():
        if count > 1:
            indexes = [index for index, other in enumerate(values) if other == value]
            paths = ", ".join(f"nodes[{index}].{field}" for index in indexes)
            shown = "the same key" if field == "host_key" else value
            yield Fault(paths, f"{count} nodes have {shown}", f"give every node its own {field}")


def _repository_faults(settings: Settings) -> Iterator[Fault]:
    engine = settings.engine
    if engine.source == "docker" and engine.repository is None:
        fault = "is needed for source docker"
        yield Fault("engine.repository", fault, "give the base URL of Docker's packages")
    if engine.source != "docker" and engine.repository is not None:
        fault = f"is not used with source {engine.source}"
        yield Fault("engine.repository", fault, "set engine.source: docker, or remove it")
