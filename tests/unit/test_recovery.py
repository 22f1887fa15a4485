"""What is settled and adopted before a run, from one list of what the swarm has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.checks import NAMING_KEY
from components.contents import secret_name
from components.reading import Reading
from components.topology import Plan
from ops import processes, recovery, swarm_objects
from ops.adoption import TYPES, Declared
from ops.backend import Backend
from ops.recovery import Recovery
from ops.swarm_objects import SwarmObject
from tests.unit.examples import declaration, settings

API = declaration(secrets=[{"name": "token", "path": "/run/secrets/token"}])
TOKEN = secret_name("token", "value", "key")


class KeptBackend(Backend):
    """A state in memory."""

    written: dict[str, Any]

    def export(self, *arguments: str) -> dict[str, Any]:
        urn = Declared("secret", TOKEN, ("platform:secrets:SwarmSecrets", "secrets"), {}).urn("lab")
        begun = {"urn": urn, "type": TYPES["secret"], "custom": True, "inputs": {"name": TOKEN}}
        return {"deployment": {"pending_operations": [{"type": "creating", "resource": begun}]}}

    def replace(self, exported: dict[str, Any]) -> None:
        object.__setattr__(self, "written", exported["deployment"])

    def locks(self) -> list[Any]:
        return []


def test_a_secret_that_was_just_removed_is_not_adopted_from_the_list_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = (SwarmObject("secret", "id-of-token", TOKEN, "", frozenset()),)
    removed: list[str] = []
    monkeypatch.setattr(swarm_objects, "list_objects", lambda _: there)
    monkeypatch.setattr(
        swarm_objects, "remove_secrets", lambda _, secrets: removed.extend(each.name for each in secrets)
    )
    monkeypatch.setattr(processes, "leftovers", lambda _: iter(()))
    monkeypatch.setattr(recovery, "stored_secrets", lambda *_: {NAMING_KEY: "key", "token": "value"})
    backend, said = KeptBackend(tmp_path, "lab"), list[str]()
    Recovery(backend, Reading(Plan(settings(), (API,)), {}), said.append).recover()
    assert removed == [TOKEN]
    assert backend.written["resources"] == []
    assert not any("adopted into the state" in sentence for sentence in said)
