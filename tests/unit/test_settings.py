from __future__ import annotations

from pathlib import Path

import pytest

from components.errors import ConfigurationError
from components.settings import parse_settings
from components.stack import from_file
from tests.unit.examples import raw, settings

ROOT = Path(__file__).resolve().parents[2]


def test_the_production_stack_file_is_sound() -> None:
    beta = parse_settings(from_file(ROOT / "Pulumi.beta.yaml").settings)
    assert [node.role for node in beta.nodes] == ["manager"] * 3 + ["worker"] * 2
    assert beta.network.encrypted


def test_all_faults_are_reported_together_with_their_paths() -> None:
    spoiled = raw(netwrok={}, edge={})
    spoiled["nodes"][1]["address"] = "300.1.1.1"
    del spoiled["nodes"][2]["host_key"]
    with pytest.raises(ConfigurationError) as caught:
        parse_settings(spoiled)
    places = {fault.place for fault in caught.value.faults}
    assert places == {"netwrok", "edge.domain", "nodes[1].address", "nodes[2].host_key"}
    assert "nothing was touched" in str(caught.value)


def test_a_refused_value_is_not_printed() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_settings(raw(edge={"domain": "not a domain: hunter2"}))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("image", "sound"),
    [
        ("nginx:1.30.6", True),
        ("10.213.0.2:5000/nginx:1.30.6@sha256:" + "a" * 64, True),
        ("nginx", False),
        ("nginx:1.30 ", False),
        ("Nginx:1", False),
        ("registry.example.com/platform/api@sha256:" + "b" * 64, True),
    ],
)
def test_an_image_needs_a_tag_or_digest(image: str, sound: bool) -> None:
    given = {"api": {"image": image}}
    if sound:
        assert settings(services=given).services["api"].image == image
    else:
        with pytest.raises(ConfigurationError, match=r"services\.api\.image"):
            settings(services=given)


def test_a_missing_stack_file_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not exist"):
        from_file(tmp_path / "Pulumi.nowhere.yaml")
