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
from ops.recovery import ForeignObjectError, Recovery
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

    def look(self) -> dict[str, Any]:
        return self.export()

    def replace(self, exported: dict[str, Any]) -> None:
        object.__setattr__(self, "written", exported["deployment"])

    def locks(self) -> list[Any]:
        return []


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def recovered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]) -> Recovery:
    monkeypatch.setattr(processes, "leftovers", lambda _: iter(()))
    monkeypatch.setattr(recovery, "stored_secrets", lambda *_: {NAMING_KEY: "key", "token": "value"})
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}/state?no_tmp_dir=true")
    (tmp_path / "Pulumi.yaml").write_text("name: platform-beta\n")
    return Recovery(KeptBackend(tmp_path, "lab"), Reading(Plan(settings(), (API,)), {}), said.append)


def listed(monkeypatch: pytest.MonkeyPatch, *there: SwarmObject) -> None:
    monkeypatch.setattr(swarm_objects, "list_objects", lambda _: there)


def test_a_secret_that_was_just_removed_is_not_adopted_from_the_list_before(
    recovered: Recovery, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    removed: list[str] = []
    listed(monkeypatch, SwarmObject("secret", "id-of-token", TOKEN, "", frozenset()))
    monkeypatch.setattr(
        swarm_objects, "remove_secrets", lambda _, secrets: removed.extend(each.name for each in secrets)
    )
    recovered.recover()
    assert removed == [TOKEN]
    assert vars(recovered.backend)["written"]["resources"] == []
    assert not any("adopted into the state" in sentence for sentence in said)


def test_a_preview_tells_of_each_object_once(
    recovered: Recovery, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The secret is an open operation, the service is what nobody knows of."""
    listed(
        monkeypatch,
        SwarmObject("secret", "id-of-token", TOKEN, "", frozenset()),
        SwarmObject("service", "id-of-api", API.name, "lab", frozenset()),
    )
    recovered.explain()
    assert len([sentence for sentence in said if TOKEN in sentence]) == 1
    assert f"service {API.name}: exists, is not in the state; `make up` adopts it" in said


def test_with_an_object_that_is_not_ours_nothing_is_written(
    recovered: Recovery, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed(monkeypatch, SwarmObject("service", "id-of-api", API.name, "beta", frozenset()))
    with pytest.raises(ForeignObjectError, match="belongs to stack beta"):
        recovered.recover()
    assert "written" not in vars(recovered.backend)


def test_only_the_half_written_attributes_of_this_stack_are_removed(
    recovered: Recovery, said: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    listed(monkeypatch)
    folder = tmp_path / "state/.pulumi/stacks/platform-beta"
    folder.mkdir(parents=True)
    for name, text in {
        "lab.json": "",
        "lab.json.attrs": "",
        "lab.json.bak.attrs": "{}",
        "beta.json.attrs": "",
    }.items():
        (folder / name).write_text(text)
    recovered.recover()
    assert {file.name for file in folder.iterdir()} == {"lab.json", "lab.json.bak.attrs", "beta.json.attrs"}
    assert [line for line in said if "lab.json.attrs was half-written" in line]
