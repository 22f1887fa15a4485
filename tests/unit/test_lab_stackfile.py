from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import yaml

from lab.model import NODES, Lab
from lab.stackfile import lab_config, merge, write

LAB = Lab(
    id="cafe0123",
    subnet=IPv4Network("10.213.7.0/24"),
    push_port=5001,
    host_keys={node.name: f"ssh-ed25519 AAAA{node.number}" for node in NODES},
)
IMAGES = {"nginx": "10.213.7.2:5000/nginx:1@sha256:" + "0" * 64}
OLD: dict[str, Any] = {
    "encryptionsalt": "v1:salt",
    "config": {
        "platform-beta:secrets": {"api_token": {"secure": "v1:sealed"}},
        "platform-beta:nodes": [],
        "platform-beta:gone": True,
        "other:key": 1,
    },
}


def test_secrets_salt_and_other_projects_keys_are_kept_everything_else_is_the_labs() -> None:
    merged = merge(OLD, lab_config(LAB, IMAGES))
    assert merged["encryptionsalt"] == "v1:salt"
    assert merged["config"]["platform-beta:secrets"] == {"api_token": {"secure": "v1:sealed"}}
    assert merged["config"]["other:key"] == 1
    assert len(merged["config"]["platform-beta:nodes"]) == 5
    assert "platform-beta:gone" not in merged["config"]


def test_a_new_passphrase_leaves_nothing_that_the_old_one_sealed(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.lab.yaml"
    file.write_text(yaml.safe_dump(OLD))
    write(file, lab_config(LAB, IMAGES), keep_old=False)
    assert "encryptionsalt" not in file.read_text()
    assert "sealed" not in file.read_text()


def test_writing_again_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.lab.yaml"
    file.write_text(yaml.safe_dump(OLD))
    write(file, lab_config(LAB, IMAGES), keep_old=True)
    first = file.read_text()
    write(file, lab_config(LAB, IMAGES), keep_old=True)
    assert file.read_text() == first


def test_each_node_has_its_own_address_and_host_key() -> None:
    nodes = lab_config(LAB, IMAGES)["platform-beta:nodes"]
    assert nodes[0]["address"] == "10.213.7.11"
    assert len({node["address"] for node in nodes}) == 5
    assert [node["host_key"] for node in nodes] == [f"ssh-ed25519 AAAA{n}" for n in range(1, 6)]


def test_the_engine_may_pull_from_the_labs_registry() -> None:
    config = lab_config(LAB, IMAGES)
    assert config["platform-beta:engine"]["insecure_registries"] == ["10.213.7.2:5000"]
    assert config["platform-beta:services"] == {"nginx": {"image": IMAGES["nginx"]}}


def test_no_setting_of_the_lab_reaches_out_of_a_node_into_this_machine() -> None:
    for name in lab_config(LAB, IMAGES)["platform-beta:engine"]["sysctls"]:
        assert name.startswith("net."), name


def test_the_program_accepts_what_the_lab_writes() -> None:
    from components.settings import Settings

    config = lab_config(LAB, IMAGES)
    values = {key.removeprefix("platform-beta:"): value for key, value in config.items()}
    settings = Settings.model_validate(values)
    assert [node.name for node in settings.nodes] == [node.name for node in NODES]
