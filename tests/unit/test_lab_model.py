from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest
from pydantic import ValidationError

from lab import folder as folders
from lab.declared import lab_overrides, node_labels
from lab.folder import Folder
from lab.model import NODES, POOL, Lab, free_subnet, lab_id
from lab.shell import LabError

LAB = Lab(id="cafe0123", subnet=IPv4Network("10.213.7.0/24"), push_port=5001)


def test_the_same_path_has_the_same_lab_and_another_path_another(tmp_path: Path) -> None:
    assert lab_id(tmp_path) == lab_id(tmp_path / "x" / "..")
    assert lab_id(tmp_path) != lab_id(tmp_path / "x")


def test_names_and_addresses_follow_from_id_and_subnet() -> None:
    assert [LAB.container(node) for node in NODES] == [f"cafe0123-node-{n}" for n in range(1, 6)]
    assert [str(LAB.address(node)) for node in NODES] == [f"10.213.7.{n}" for n in range(11, 16)]
    assert LAB.registry_endpoint == "10.213.7.2:5000"
    assert LAB.label == "platform-beta.lab=cafe0123"


def test_three_managers_two_workers_and_two_edges_among_the_managers() -> None:
    assert [node.role for node in NODES].count("manager") == 3
    assert [node.role for node in NODES].count("worker") == 2
    assert [name for name, labels in node_labels().items() if "edge" in labels] == ["node-1", "node-2"]


def test_a_subnet_is_free_when_it_overlaps_no_network_of_whatever_size() -> None:
    used = [IPv4Network("10.213.0.0/24"), IPv4Network("10.213.2.128/25"), IPv4Network("172.17.0.0/16")]
    assert free_subnet(used) == IPv4Network("10.213.1.0/24")
    assert free_subnet([*used, IPv4Network("10.213.0.0/23")]) == IPv4Network("10.213.3.0/24")


def test_a_full_pool_is_a_fault() -> None:
    with pytest.raises(LookupError, match=r"10\.213\.0\.0/16"):
        free_subnet([POOL])


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert folders.load(folder) is None
    folders.save(folder, LAB)
    assert folders.load(folder) == LAB


def test_a_damaged_lab_file_is_a_fault_with_its_remedy(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folders.save(folder, LAB)
    (folder.path / "lab.json").write_text('{"id": 1}')
    with pytest.raises(LabError, match="make lab-down"):
        folders.load(folder)


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError):
        Lab.model_validate({**LAB.model_dump(), "colour": "red"})


def test_two_commands_never_work_on_one_lab(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    with folders.locked(folder), pytest.raises(LabError, match="another lab command"), folders.locked(folder):
        pass


def test_a_passphrase_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert folders.make_keys(folder) is True
    first = folder.passphrase.read_text()
    assert folders.make_keys(folder) is False
    assert folder.passphrase.read_text() == first
    assert len(first.strip()) >= 32
    assert folder.passphrase.stat().st_mode & 0o777 == 0o600
    assert folder.key.stat().st_mode & 0o777 == 0o600


def test_labels_lie_on_the_nodes_that_the_services_name(tmp_path: Path) -> None:
    for name, text in {
        "a": "labels: {fast: [node-1, node-4]}",
        "b": "labels: {fast: [node-2], slow: [node-1]}",
    }.items():
        (tmp_path / name / "server").mkdir(parents=True)
        (tmp_path / name / "server" / "lab.yaml").write_text(text)
    placed = node_labels(tmp_path)
    assert placed["node-1"] == {"fast": "true", "slow": "true"}
    assert (placed["node-2"], placed["node-4"], placed["node-5"]) == ({"fast": "true"}, {"fast": "true"}, {})
    (tmp_path / "b/server/lab.yaml").write_text("labels: {fast: [node-9]}")
    with pytest.raises(
        LabError, match=r"services/b/server/lab\.yaml labels\.fast: node-9 is no node of the lab; write one"
    ):
        node_labels(tmp_path)


def test_every_fault_of_the_labs_overrides_is_said_with_its_place(tmp_path: Path) -> None:
    for name, text in {"a": "memory_mb: 5", "b": "cpus: 0", "c": "replicas: 1"}.items():
        (tmp_path / name / "server").mkdir(parents=True)
        (tmp_path / name / "server" / "lab.yaml").write_text(text)
    with pytest.raises(LabError) as error:
        lab_overrides(tmp_path)
    assert str(error.value).splitlines() == [
        "services/a/server/lab.yaml.memory_mb: is not a setting that exists; "
        "did you mean memory_mib? If not, remove it",
        "services/b/server/lab.yaml.cpus: is less than 0.001; write at least 0.001",
    ]
