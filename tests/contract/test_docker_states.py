"""State that one kind of docker plugin wrote is read by the other; entries for lost objects are adopted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.network import CHOSEN_BY_SWARM
from components.overlay_options import MTU
from tests.contract.conftest import Project
from tests.contract.docker_corpus import Place, network, pools, roll
from tests.contract.docker_program import Resources, declare, encoded, succeeded
from tests.contract.plugin_homes import official_home, offline_home
from tests.contract.swarm import Swarm
from tests.contract.target import Target

pytestmark = pytest.mark.contract


def program(swarm: Swarm, name: str, third: int) -> Resources:
    """One object of each kind, the service without a task, with what the environment's program gives."""
    labels = [{"label": "platform-beta", "value": "contract"}]
    token = {"secret_id": {"id_of": "token"}, "secret_name": {"name_of": "token"}, "file_name": "/token"}
    page = {"config_id": {"id_of": "page"}, "config_name": {"name_of": "page"}, "file_name": "/page"}
    tmpfs = {"target": "/tmp", "type": "tmpfs", "tmpfs_options": {"size_bytes": 1048576}}
    named = {"name": f"contract-{name}", "labels": labels}
    return {
        "net": network(name, attachable=True, labels=labels, ipam_configs=pools(third), options={MTU: "1400"})
        | {"ignore_changes": [CHOSEN_BY_SWARM, "labels"]},
        "token": {"type": "secret", "inputs": {**named, "data": {"secret": encoded("x")}}},
        "page": {"type": "config", "inputs": {**named, "data": encoded("x")}},
        "web": Place(swarm.node, swarm.image).idle(
            name,
            labels=labels,
            task_spec__container_spec__secrets=[token],
            task_spec__container_spec__configs=[page],
            task_spec__container_spec__mounts=[tmpfs],
            task_spec__container_spec__env={"A": "1", "b.c": "2"},
            task_spec__networks_advanceds=[{"id": {"id_of": "net"}, "aliases": ["alias"]}],
            task_spec__resources={"limits": {"nano_cpus": 500000000, "memory_bytes": 67108864}},
            task_spec__log_driver={"name": "json-file", "options": {"max-size": "1m"}},
            update_config=roll("rollback"),
            rollback_config=roll("pause"),
        )
        | {"ignore_changes": ["taskSpec.placement.platforms"]},
    }


@pytest.mark.parametrize("writer", ["offline", "official"])
def test_state_of_one_kind_is_read_by_the_other_without_a_change(
    writer: str, swarm: Swarm, target: Target, tmp_path: Path
) -> None:
    homes = {"official": official_home(tmp_path / "official"), "offline": offline_home(tmp_path / "offline")}
    (reader,) = homes.keys() - {writer}
    (tmp_path / "project").mkdir()
    project = Project(tmp_path / "project", target, homes[writer])
    declare(project, program(swarm, writer, 91 if writer == "offline" else 92))
    succeeded(project.up())
    project.home = homes[reader]
    succeeded(project.preview("--expect-no-changes"))
    succeeded(project.preview("--refresh", "--expect-no-changes"))


def test_an_entry_with_the_programs_own_inputs_adopts_what_the_state_has_lost(
    project: Project, swarm: Swarm
) -> None:
    """It needs no bookkeeping of a plugin. A secret's data and labels, which nothing tells, are believed."""
    declare(project, program(swarm, "lost", 93))
    succeeded(project.up())
    state = json.loads(project.state_file.read_text())
    for entry in state["checkpoint"]["latest"]["resources"]:
        if entry["type"].startswith("docker:"):
            inputs = without_bookkeeping(entry["inputs"])
            kept = {name: entry[name] for name in ("urn", "custom", "id", "type", "parent", "provider")}
            entry.clear()
            entry.update(kept, inputs={"name": inputs["name"]}, outputs=inputs)
    project.state_file.write_text(json.dumps(state))
    succeeded(project.preview("--refresh", "--expect-no-changes"))


def without_bookkeeping(value: Any) -> Any:
    """Inputs as a program gives them."""
    if isinstance(value, list):
        return [without_bookkeeping(each) for each in value]
    if isinstance(value, dict):
        return {key: without_bookkeeping(each) for key, each in value.items() if key != "__defaults"}
    return value
