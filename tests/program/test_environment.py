"""The whole program under Pulumi's mocks: which resources, in which order, with which secrets hidden."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pulumi_docker as docker
import pytest

from components.declaration import load_declarations
from components.observation import Observation
from components.observe import Unreachable
from components.reading import read
from components.remote import Host
from components.service import Service
from components.stack import RawStack
from tests.program.recorder import COMMAND, SERVICE, Recorder, new_recorder, run_program
from tests.unit import examples
from tests.unit.examples import house
from tests.unit.machines import Machines, a_plan, machine, machines, spoilt
from tests.unit.secret_values import sound

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def recorder() -> Recorder:
    return new_recorder()


def one_manager() -> Machines:
    settings = a_plan().settings
    return {"node-1": Unreachable("no route"), "node-2": machine(settings, settings.nodes[1])}


def run(facts: Machines | None = None, drift: Mapping[str, str] = {}, **changes: Any) -> dict[str, Any]:
    """Of an environment with one manager that answers, where nothing else is asked for."""
    observed = Observation(one_manager() if facts is None else facts, drift, ())
    declared = load_declarations(ROOT / "configs" / "services", [])
    names = {secret.name for service in declared for secret in service.secrets} | {"naming_key"}
    secrets = {name: sound()[name] for name in names}
    reading = read(RawStack(house(**changes), secrets))

    run_program(reading, observed, secrets)
    return secrets


def test_every_node_is_prepared_and_joined_by_scripts_that_take_their_input_by_stdin(
    recorder: Recorder,
) -> None:
    run()
    commands = {name: args.inputs for name, args in recorder.resources.items() if args.typ == COMMAND}
    for number in range(1, 6):
        assert {f"node-{number}-{step}" for step in ("engine", "sysctls", "firewall", "labels")} <= set(
            commands
        )
        assert {f"node-{number}-{step}" for step in ("token", "join")} <= set(commands)
    assert all(inputs["create"] == "bash -s" for inputs in commands.values())
    assert "triggers" not in {key for inputs in commands.values() for key in inputs}


ENGINES = {
    "all serve: one after the other": ({}, ["", "1", "2", "3", "4"]),
    "none serves: side by side": ({number: {"swarm_state": "inactive"} for number in range(1, 6)}, [""] * 5),
    "stopped ones first, side by side": (
        {2: {"engine": "stopped", "swarm_state": None}, 4: {"engine": "stopped", "swarm_state": None}},
        ["2 4", "", "1", "", "3"],
    ),
    "what is unknown may serve": ({2: {"engine": "unknown", "swarm_state": None}}, ["", "1", "2", "3", "4"]),
}


@pytest.mark.parametrize(("spoils", "waits"), ENGINES.values(), ids=ENGINES)
def test_engines_that_carry_tasks_are_changed_one_after_the_other(
    recorder: Recorder,
    spoils: dict[int, dict[str, Any]],
    waits: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: dict[str, list[str]] = {}
    original = Host.run

    def run_and_note(host: Host, name: str, *arguments: Any, **named: Any) -> Any:
        options: Any = next(item for item in arguments if isinstance(item, pulumi.ResourceOptions))
        seen[name] = [item._name for item in options.depends_on or []]
        return original(host, name, *arguments, **named)

    monkeypatch.setattr(Host, "run", run_and_note)
    facts = machines(a_plan())
    for number, changes in spoils.items():
        facts = spoilt(facts, f"node-{number}", **changes)
    run(facts=facts)
    assert {number: seen[f"node-{number}-engine"] for number in range(1, 6)} == {
        number: [f"node-{other}-engine" for other in said.split()] for number, said in enumerate(waits, 1)
    }


def test_nothing_secret_is_named_in_an_undo(recorder: Recorder) -> None:
    secrets = run()
    undos = " ".join(str(args.inputs.get("delete")) for args in recorder.resources.values())
    assert "leave-swarm" not in undos or "JOIN_TOKEN" not in undos
    assert not [value for value in secrets.values() if value in undos]


@pytest.mark.parametrize("facts", [None, {}], ids=["a manager answers", "none does"])
def test_the_providers_address_is_the_same_whichever_manager_answers(
    recorder: Recorder, facts: Machines | None
) -> None:
    run(facts=facts)
    assert recorder.resources["swarm"].inputs == {"host": "unix://.tools/run/stack.sock"}


def test_what_was_seen_to_differ_is_an_update_that_says_how(recorder: Recorder) -> None:
    facts = spoilt(machines(a_plan()), "node-4", swarm_state="inactive")
    run(facts, {"node-2-labels": "label edge=true is missing", "node-4-join": "is in no swarm"})
    updates = {
        name: str(args.inputs["update"])
        for name, args in recorder.resources.items()
        if args.typ == COMMAND and args.inputs.get("update")
    }
    assert set(updates) == {"node-2-labels", "node-4-token", "node-4-join", "node-4-labels"}
    assert updates["node-2-labels"].endswith(": label edge=true is missing")
    assert updates["node-4-token"].startswith("bash -s -- id-of-node-4 # observed")
    assert updates["node-4-labels"].endswith(": joins anew, without role, availability and labels")


def test_services_are_named_plainly_and_use_the_networks_id(recorder: Recorder) -> None:
    run()
    services = recorder.inputs(SERVICE)
    assert {"nginx", "platform-api", "mysql-router", "mysql-1", "redis-sentinel-3", "mongodb-2"} <= set(
        services
    )
    aliases = {unit: sorted(each.aliases) for each in examples.declared() for unit in each.unit_names}
    assert aliases["mysql-router"] == ["mysql"]
    for name, inputs in services.items():
        (network,) = inputs["taskSpec"]["networksAdvanceds"]
        assert network == {
            "id": "platform-beta-id",
            **({"aliases": aliases[name]} if aliases[name] else {}),
        }
        assert inputs["updateConfig"]["failureAction"] == "rollback"


def test_secrets_are_named_by_their_content(recorder: Recorder) -> None:
    run()
    made = [name for name, args in recorder.resources.items() if args.typ == "docker:index/secret:Secret"]
    assert made
    assert all(len(name.rpartition("-")[2]) == 8 for name in made)
    assert not [name for name in made if name.startswith(("naming_key", "edge_ca_key"))]


def test_a_service_names_the_nodes_that_it_is_bound_to_and_so_goes_before_them(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: dict[str, set[str]] = {}
    original = Service.__init__

    def note(service: Service, platform: Any, declared: Any, needs: Any, opts: Any) -> None:
        waits[declared.name] = {item._name for item in opts.depends_on}
        original(service, platform, declared, needs, opts)

    monkeypatch.setattr(Service, "__init__", note)
    run()
    nodes = a_plan().settings.nodes
    edge = {f"{node.name}-labels" for node in nodes if node.labels.get("edge") == "true"}
    assert edge
    assert edge <= waits["nginx"]
    assert len(waits["mysql"]) >= 3
    assert waits["platform-web"] == {"node-5-labels", "swarm-settings"}


def test_a_text_is_one_config_however_many_mount_it(recorder: Recorder) -> None:
    run()
    made = {
        name: args.inputs["data"]
        for name, args in recorder.resources.items()
        if args.typ == "docker:index/serviceConfig:ServiceConfig"
    }
    mounted = [
        config["configName"]
        for inputs in recorder.inputs(SERVICE).values()
        for config in inputs["taskSpec"]["containerSpec"].get("configs") or ()
    ]
    assert set(mounted) == set(made)
    assert len(mounted) > len(made)
    assert len([name for name in made if name.startswith("mysql.run-member-sh-")]) == 1
    assert len({(name.rpartition("-")[0], data) for name, data in made.items()}) == len(made)


def test_members_are_chained_so_that_the_first_declared_changes_last(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: dict[str, list[str]] = {}
    original = docker.Service

    def note(logical: str, **named: Any) -> Any:
        waits[logical] = [item._name for item in named["opts"].depends_on or []]
        return original(logical, **named)

    monkeypatch.setattr(docker, "Service", note)
    run()
    assert "mysql-3" in waits["mysql-2"]
    assert "mysql-2" in waits["mysql-1"]
    assert not [name for name in waits["mysql-3"] if name.startswith("mysql-")]
