from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import yaml

from lab.model import NODES, Lab
from lab.stackfile import lab_config, write

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


def stack(tmp_path: Path, ours: dict[str, Any], keep_old: bool = True) -> dict[str, Any]:
    """What the stack file says after the lab wrote it once more."""
    file = tmp_path / "Pulumi.lab.yaml"
    write(file, ours, record=tmp_path / "stack.yaml", keep_old=keep_old)
    return dict(yaml.safe_load(file.read_text()))


def edit(tmp_path: Path, key: str, value: Any) -> None:
    file = tmp_path / "Pulumi.lab.yaml"
    document = yaml.safe_load(file.read_text())
    document["config"][key] = value
    file.write_text(yaml.safe_dump(document))


def test_secrets_salt_and_other_projects_keys_are_kept_everything_else_is_the_labs(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.lab.yaml").write_text(yaml.safe_dump(OLD))
    merged = stack(tmp_path, lab_config(LAB, IMAGES))
    assert merged["encryptionsalt"] == "v1:salt"
    assert merged["config"]["platform-beta:secrets"] == {"api_token": {"secure": "v1:sealed"}}
    assert merged["config"]["other:key"] == 1
    assert len(merged["config"]["platform-beta:nodes"]) == 5
    assert "platform-beta:gone" not in merged["config"]


def test_what_a_person_changed_stays_and_the_rest_follows_the_lab(tmp_path: Path) -> None:
    stack(tmp_path, lab_config(LAB, IMAGES))
    edit(tmp_path, "platform-beta:services", {"nginx": {**{"image": IMAGES["nginx"]}, "replicas": 1}})
    edit(tmp_path, "platform-beta:swarm", {"task_history_limit": 9})
    newer = {"nginx": IMAGES["nginx"].replace("nginx:1", "nginx:2")}
    config = stack(tmp_path, lab_config(LAB, newer))["config"]
    assert config["platform-beta:services"]["nginx"] == {"image": newer["nginx"], "replicas": 1}
    assert config["platform-beta:swarm"] == {"task_history_limit": 9}
    edit(tmp_path, "platform-beta:services", {"nginx": {"image": "mine:1"}})
    config = stack(tmp_path, lab_config(LAB, IMAGES))["config"]
    assert config["platform-beta:services"]["nginx"] == {"image": "mine:1"}


def test_a_new_passphrase_leaves_nothing_that_the_old_one_sealed(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.lab.yaml").write_text(yaml.safe_dump(OLD))
    assert set(stack(tmp_path, lab_config(LAB, IMAGES), keep_old=False)) == {"config"}
    assert "sealed" not in (tmp_path / "Pulumi.lab.yaml").read_text()


def test_writing_again_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.lab.yaml").write_text(yaml.safe_dump(OLD))
    assert stack(tmp_path, lab_config(LAB, IMAGES)) == stack(tmp_path, lab_config(LAB, IMAGES))


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
