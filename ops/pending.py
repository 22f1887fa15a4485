"""What an interrupted run left open, and how each of it is settled: pure, on an exported deployment.

`pulumi` writes every operation into the state before it begins. A run that was killed leaves them there, and
what was being created may exist without being known. https://www.pulumi.com/docs/support/troubleshooting/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from components.identity import without_notes

Deployment = dict[str, Any]
Kind = Literal["network", "service", "config", "secret"]

KINDS: dict[str, Kind] = {
    "docker:index/network:Network": "network",
    "docker:index/service:Service": "service",
    "docker:index/serviceConfig:ServiceConfig": "config",
    "docker:index/secret:Secret": "secret",
}
COMMAND = "command:remote:Command"


@dataclass(frozen=True)
class Operation:
    """One operation that was begun: `doing` is creating, updating, deleting, reading or importing."""

    doing: str
    resource: Mapping[str, Any]

    @property
    def urn(self) -> str:
        """The resource's URN."""
        return str(self.resource["urn"])

    @property
    def kind(self) -> Kind | None:
        """What it is in the swarm; None when it is nothing there."""
        return KINDS.get(self.resource["type"])

    @property
    def name(self) -> str:
        """What the swarm, or else the program, calls it."""
        given = (self.resource.get("inputs") or {}).get("name")
        return given if self.kind and isinstance(given, str) else self.urn.rpartition("::")[2]

    @property
    def made_unseen(self) -> bool:
        """Whether something may exist in the swarm that the state doesn't know."""
        return self.doing == "creating" and self.kind is not None

    @property
    def rolls(self) -> bool:
        """Whether tasks of a service may still be rolling."""
        return self.doing in ("creating", "updating") and self.kind == "service"


@dataclass(frozen=True)
class Found:
    """An object of the swarm, and the services that use it."""

    id: str
    users: tuple[str, ...] = ()


@dataclass(frozen=True)
class Settlement:
    """What is done about an operation: `adopt` by id, `remove` from the swarm, or only `drop`.

    sentence: what is said of it; empty for what only the program knows.
    """

    operation: Operation
    action: Literal["drop", "adopt", "remove"]
    sentence: str
    id: str = ""


def operations(deployment: Deployment) -> tuple[Operation, ...]:
    """What the state lists as begun and not ended."""
    listed = deployment.get("pending_operations") or ()
    return tuple(Operation(each["type"], each["resource"]) for each in listed)


def settle(operation: Operation, found: Found | None) -> Settlement:
    """Decide on one operation; `found`: the object that the swarm has under its name (for `made_unseen`)."""
    if operation.made_unseen:
        return _settle_creation(operation, found)
    if not operation.resource.get("custom"):
        return _drop(operation, "")  # a component is nothing but its children
    what = f"{operation.resource['type'].split(':')[-1].lower()} {operation.name}"
    if operation.resource["type"] == COMMAND and operation.doing != "deleting":
        return _drop(
            operation,
            f"script {operation.name}: it ran when a run was interrupted; it can be repeated, and runs again",
        )
    rest = {
        "updating": "what it is now is read anew, and what still differs is changed again",
        "deleting": "what is still there is deleted again",
    }.get(operation.doing, "it begins anew")
    return _drop(operation, f"{what}: {operation.doing} it was interrupted; {rest}")


def _settle_creation(operation: Operation, found: Found | None) -> Settlement:
    what = f"{operation.kind} {operation.name}: creating it was interrupted"
    if found is None:
        return _drop(operation, f"{what} before it was made; it is made now")
    if operation.kind == "secret" and not found.users:
        sentence = f"{what}; it exists, no service uses it: it is removed and made anew"
        return Settlement(operation, "remove", sentence, found.id)
    return Settlement(operation, "adopt", f"{what}; it exists and is kept, as {found.id[:12]}", found.id)


def _drop(operation: Operation, sentence: str) -> Settlement:
    return Settlement(operation, "drop", sentence)


def settled(deployment: Deployment, settlements: Iterable[Settlement]) -> Deployment:
    """The deployment without open operations, what was adopted among its resources."""
    after = {key: value for key, value in deployment.items() if key != "pending_operations"}
    resources = list(after.get("resources") or ())
    for settlement in settlements:
        if settlement.action == "adopt":
            resources = _with(resources, settlement)
    return {**after, "resources": resources}


def _with(resources: list[dict[str, Any]], settlement: Settlement) -> list[dict[str, Any]]:
    """The adopted one comes last, after all it depends on. What it was to replace is gone already."""
    operation = settlement.operation
    rest = [each for each in resources if each["urn"] != operation.urn or not each.get("pendingReplacement")]
    if any(each["urn"] == operation.urn and not each.get("delete") for each in rest):
        return rest
    inputs = operation.resource.get("inputs") or {}
    # The next refresh replaces the outputs by what the swarm says; the plugin keeps what it can't read.
    outputs = {**without_notes(inputs), **_bookkeeping(resources, operation.resource["type"])}
    return [*rest, {**operation.resource, "id": settlement.id, "outputs": outputs}]


def _bookkeeping(resources: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """`__meta`, the official plugin's note on a kind's schema, from another resource of that kind."""
    for each in resources:
        meta = (each.get("outputs") or {}).get("__meta") if each["type"] == kind else None
        if meta is not None:
            return {"__meta": meta}
    return {}
