from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.errors import ConfigurationError
from components.reading import read
from components.stack import RawStack
from tests.unit.examples import raw

SECRETS = {"naming_key": "k" * 32}
SERVICE = """\
description: an example
image: example:1
resources: {cpus: 1, memory_mib: 64}
configs: [{file: a.conf.j2, path: /a}]
"""


def stack(**changes: Any) -> RawStack:
    return RawStack(raw(ssh={"private_key_file": __file__}, **changes), SECRETS)


@pytest.fixture
def services(tmp_path: Path) -> Path:
    (tmp_path / "example" / "server").mkdir(parents=True)
    (tmp_path / "example" / "server" / "service.yaml").write_text(SERVICE)
    (tmp_path / "example" / "server" / "a.conf.j2").write_text("{{ settings.edge.domain }}")
    return tmp_path


def test_files_are_rendered(services: Path) -> None:
    assert read(stack(), services).texts == {("example", "a.conf.j2"): "beta.example.com"}


OBJECTS = "{topics: [{name: a, parts: 1}, {name: b, parts: 1}], rights: []}"
OWN = {
    "topics": [{"name": "b", "parts": 2}, {"name": "c", "parts": 3}],
    "rights": [{"user": "x"}, {"user": "y"}],
}
LISTED = "{% for t in objects.topics %}{{ t.name }}{{ t.parts }} {% endfor %}{{ objects.rights | length }}"


def test_an_environment_adds_objects_and_changes_them_by_their_name(services: Path) -> None:
    (services / "example" / "server" / "objects.yaml").write_text(OBJECTS)
    (services / "example" / "server" / "a.conf.j2").write_text(LISTED)
    assert read(stack(), services).texts["example", "a.conf.j2"] == "a1 b1 0"
    mine = stack(services={"example": {"objects": OWN}})
    assert read(mine, services).texts["example", "a.conf.j2"] == "a1 b2 c3 2"


def test_objects_that_nobody_reads_are_a_fault(services: Path) -> None:
    (services / "example" / "server" / "objects.yaml").write_text(OBJECTS)
    with pytest.raises(ConfigurationError, match=r"objects.topic is read by nobody; did you mean topics\?"):
        read(stack(services={"example": {"objects": {"topic": [{"name": "d"}]}}}), services)


def test_a_faulty_file_of_objects_is_a_fault(services: Path) -> None:
    (services / "example" / "server" / "objects.yaml").write_text("topics: [")
    with pytest.raises(ConfigurationError, match=r"objects\.yaml"):
        read(stack(), services)


@pytest.mark.parametrize("text", ["{{ settings.nothing }}", "{% if %}", "{{"])
def test_a_template_that_cannot_be_rendered_is_a_fault(services: Path, text: str) -> None:
    (services / "example" / "server" / "a.conf.j2").write_text(text)
    with pytest.raises(ConfigurationError, match=r"services/example/server/a\.conf\.j2: can't be rendered"):
        read(stack(), services)


def test_broken_yaml_and_unknown_keys_are_faults_beside_others(services: Path) -> None:
    (services / "example" / "server" / "service.yaml").write_text(SERVICE + "colour: red\n")
    (services / "other" / "server").mkdir(parents=True)
    (services / "other" / "server" / "service.yaml").write_text("a: [")
    with pytest.raises(ConfigurationError) as caught:
        read(stack(network={"subnet": "192.0.2.0/24"}), services)
    text = str(caught.value)
    place = "services/other/server/service.yaml:1"
    parts = ("services/example/server.colour", f"{place}: is not YAML", "192.0.2.0/24")
    assert all(part in text for part in parts)


def test_a_key_file_that_cannot_be_read_is_a_fault(services: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match=r"ssh\.private_key_file: /nowhere can't be read"):
        read(RawStack(raw(ssh={"private_key_file": "/nowhere"}), SECRETS), services)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with pytest.raises(ConfigurationError, match="no SSH agent runs"):
        read(RawStack(raw(), SECRETS), services)
