"""Steps of removed nodes that run on a manager, pointed at one that answers; the state names another."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from components.settings import Node
from ops.forget import SECRET
from ops.pending import COMMAND, Deployment

#: Steps `<node>-<step>` that run on whichever manager there was when they were last changed.
ON_A_MANAGER = ("labels", "token")


def repointed(
    deployment: Deployment, readable: Deployment, removed: Collection[str], entry: Node
) -> Deployment:
    """The deployment with the manager of each removed node's steps replaced by `entry`.

    readable: the same state with its secrets, as a connection is one; an import encrypts them again.
    """
    steps = {f"{name}-{step}" for name in removed for step in ON_A_MANAGER}
    pointed = {
        each["urn"]: _pointed(each, entry)
        for each in readable.get("resources", ())
        if each["type"] == COMMAND and _name(each) in steps
    }
    resources = [pointed.get(each["urn"], each) for each in deployment.get("resources", ())]
    return {**deployment, "resources": resources}


def _pointed(resource: dict[str, Any], entry: Node) -> dict[str, Any]:
    changed = dict(resource)
    for part in ("inputs", "outputs"):
        if "connection" in (resource.get(part) or {}):
            given = _with_host(resource[part]["connection"], entry)
            changed[part] = {**resource[part], "connection": given}
    return changed


def _with_host(connection: dict[str, Any], entry: Node) -> dict[str, Any]:
    own = {"host": entry.ssh_address, "hostKey": entry.pinned_key}
    if SECRET in connection:
        return {**connection, "plaintext": json.dumps({**json.loads(connection["plaintext"]), **own})}
    return {**connection, **own}


def _name(resource: dict[str, Any]) -> str:
    return str(resource["urn"]).rpartition("::")[2]
