"""What the program relies on in the docker provider, with whatever plugin is installed.

The cases make services, networks, secrets and configs of their own (`contract-…`) in the target's swarm. They
share one stack: `life` records its runs, and each test looks at what concerns it.
"""

from __future__ import annotations

import base64
import copy
import os
import signal
import time
from dataclasses import dataclass
from typing import Any

import pytest

from components.overlay_options import MTU
from tests.contract.conftest import OFFICIAL, Project, Run, Step
from tests.contract.docker_corpus import (
    CHANGES,
    CONTAINER,
    PASSWORD,
    RESTLESS,
    SPELLINGS,
    Place,
    after_changes,
    before_changes,
    everything,
    pools,
    replaceable,
    restless,
    roll,
    spelled,
)
from tests.contract.docker_program import Resources, declare, encoded, put, succeeded
from tests.contract.swarm import Swarm, wait_for
from tests.contract.target import Target

pytestmark = pytest.mark.contract


@dataclass(frozen=True)
class Seen:
    """The swarm between two runs."""

    names: dict[str, list[str]]
    """Of services, networks, secrets and configs, by kind."""
    full: list[str]
    """Environment of the containers of contract-full."""
    rolled: tuple[list[str], list[str]]
    """Environment of the containers of contract-roll, and of its specification."""
    state: frozenset[str]


@dataclass(frozen=True)
class Life:
    """The runs of one stack, in their order."""

    made: Run
    quiet: Run
    changed: Run
    drifted: Run
    repaired: Run
    failed: Run
    recovered: Run
    rested: Run
    destroyed: Run
    seen: dict[str, Seen]
    """After each run that changes something, by the run's name."""
    leaked: bool
    """Whether the password was found in state or output of the first runs."""
    own: set[str]
    """Names of the objects that the stack made."""


def look(swarm: Swarm, project: Project) -> Seen:
    names = {kind: swarm.names(kind) for kind in ("service", "network", "secret", "config")}
    rolls = "contract-roll" in names["service"]
    return Seen(
        names,
        swarm.running_environment("contract-full"),
        (swarm.running_environment("contract-roll"), swarm.environment("contract-roll") if rolls else []),
        frozenset(project.state()),
    )


@pytest.fixture(scope="module")
def place(swarm: Swarm) -> Place:
    return Place(swarm.node, swarm.image)


def live(project: Project, swarm: Swarm) -> Life:
    """Run after run of one stack; `lives` calls it."""
    place, target = Place(swarm.node, swarm.image), project.target
    existing = adopted(swarm, place)
    common = everything(place) | {"roll": rolling(place, "1")}
    passing = before_changes(place) | restless(place) | spelled()
    declare(project, common | passing | web(place, "a1") | existing)
    runs, seen = {"made": project.up()}, {}
    seen["made"] = look(swarm, project)
    succeeded(runs["made"])
    leaked = is_kept(project, runs["made"], PASSWORD)

    for resource in existing.values():
        del resource["import_"]
    lasting = common | existing
    declare(project, lasting | passing | web(place, "a1"))
    runs["quiet"] = project.preview("--refresh")

    later = {"later": {**replaceable()["network-label"], "inputs": {"name": "contract-later"}}}
    token = {"type": "secret", "inputs": {"name": "contract-later", "data": encoded("x")}, "host_of": "later"}
    changed = after_changes(place) | spelled() | later | {"later-token": token}
    changed["sealed"] = copy.deepcopy(common["sealed"])
    changed["sealed"]["inputs"]["options"][MTU] = "1450"
    changed["sealed"]["inputs"]["labels"] = []
    declare(project, lasting | restless(place) | changed | web(place, "a1"))
    runs["changed"] = project.preview()

    swarm.docker("service update --detach --env-add MODE=two --limit-memory 70M contract-full")
    declare(project, lasting | web(place, "b2"))
    runs["drifted"] = project.preview("--refresh")
    runs["repaired"] = project.up("--refresh")
    seen["repaired"] = look(swarm, project)

    swarm.docker("service rm contract-full")
    failing = {"roll": rolling(place, "2", "fail"), "sick": sick(place), "nowhere": nowhere(target)}
    declare(project, lasting | web(place, "b2") | failing)
    runs["failed"] = project.up("--refresh", "--continue-on-error")
    seen["failed"] = look(swarm, project)

    declare(project, lasting | web(place, "b2") | {"roll": rolling(place, "2")})
    runs["recovered"] = project.up("--refresh")
    seen["recovered"] = look(swarm, project)
    runs["rested"] = project.preview("--refresh", "--expect-no-changes")
    runs["destroyed"] = project.destroy()
    if OFFICIAL and runs["destroyed"].exit_code:  # it may give up waiting for containers that are gone
        project.refresh()
        runs["destroyed"] = project.destroy()
    seen["destroyed"] = look(swarm, project)
    own = {each["inputs"]["name"] for each in (lasting | passing | web(place, "b2") | failing).values()}
    return Life(**runs, seen=seen, leaked=leaked, own=own)


def adopted(swarm: Swarm, place: Place) -> Resources:
    """Objects that exist already, with their ids."""
    pool = pools(77)[0]
    network_id = swarm.docker(f"network create --driver overlay --subnet {pool['subnet']} contract-adopted")
    config_id = swarm.target.ssh("echo -n text | docker config create contract-adopted -").strip()
    create = f"service create --quiet --detach --name contract-adopted --constraint node.id=={swarm.node}"
    service_id = swarm.docker(f"{create} --endpoint-mode dnsrr --replicas 0 {swarm.image} serve").split()[0]
    service: dict[str, Any] = {
        "name": "contract-adopted",
        "mode": {"replicated": {"replicas": 0}},
        "endpoint_spec": {"mode": "dnsrr"},
        "task_spec": {
            "container_spec": {"image": place.image, "args": ["serve"]},
            "placement": {"constraints": [f"node.id=={place.node}"]},
        },
    }
    return {
        "adopted-net": {
            "type": "network",
            "import_": network_id,
            "inputs": {"name": "contract-adopted", "driver": "overlay", "ipam_configs": [pool]},
        },
        "adopted-page": {
            "type": "config",
            "import_": config_id,
            "inputs": {"name": "contract-adopted", "data": encoded("text")},
        },
        "adopted-web": {"type": "service", "import_": service_id, "inputs": service},
    }


def rolling(place: Place, version: str, mode: str = "serve") -> dict[str, Any]:
    """A service whose update starts the new task first, and rolls back when it fails."""
    service = place.service("roll", update_config=roll("rollback") | {"order": "start-first"})
    put(service["inputs"], f"{CONTAINER}__env", {"VERSION": version})
    put(service["inputs"], f"{CONTAINER}__args", [mode])
    return service


def sick(place: Place) -> dict[str, Any]:
    return place.service(
        "sick",
        task_spec__container_spec__healthcheck__tests=["CMD", "/server", "unhealthy"],
        task_spec__container_spec__healthcheck__retries=1,
        converge_config={"delay": "500ms", "timeout": "10s"},
    )


def nowhere(target: Target) -> dict[str, Any]:
    """A secret at a host where nothing listens."""
    inputs = {"name": "contract-nowhere", "data": encoded("x")}
    return {"type": "secret", "inputs": inputs, "host": unreachable(target)}


def unreachable(target: Target) -> str:
    return f"ssh://{target.user}@{target.address}:1"


def web(place: Place, version: str) -> Resources:
    """A service with a secret and a config, both named by their version."""
    token = {"secret_id": {"id_of": f"token-{version}"}, "secret_name": {"name_of": f"token-{version}"}}
    page = {"config_id": {"id_of": f"page-{version}"}, "config_name": {"name_of": f"page-{version}"}}
    return {
        f"token-{version}": {
            "type": "secret",
            "inputs": {"name": f"contract-token-{version}", "data": {"secret": encoded(version)}},
        },
        f"page-{version}": {
            "type": "config",
            "inputs": {"name": f"contract-page-{version}", "data": encoded(version)},
        },
        "web": place.service(
            "web",
            task_spec__container_spec__secrets=[token | {"file_name": "/run/secrets/token"}],
            task_spec__container_spec__configs=[page | {"file_name": "/page"}],
        ),
    }


def is_kept(project: Project, run: Run, secret: str) -> bool:
    """Whether the secret, or its base64 at any alignment, is in state, output or events."""
    shown = run.output if OFFICIAL else run.shown()  # whose debug lines repeat what Docker reports, env too
    haystack = project.raw_state() + shown.encode()
    spelled = [base64.b64encode((padding + secret).encode())[4:-4] for padding in ("", "x", "xx")]
    return any(each in haystack for each in [secret.encode(), *spelled])


def shown(step: Step) -> tuple[str, set[str]]:
    """Operation and paths; `__meta` is how the official plugin says that it can't name what replaces."""
    return step.op, {path for path in step.changed if not path.startswith("__")}


def heads(step: Step) -> set[str]:
    """Changed paths up to the first index: the official plugin can't always name a set's element."""
    return {path.partition("[")[0] for path in step.changed}


def test_everything_is_made_and_serves(life: Life) -> None:
    assert {"mesh", "sealed", "token", "page", "full", "everywhere"} <= life.made.operations().keys()
    assert "MODE=one" in life.seen["made"].full


def test_nothing_secret_is_in_the_state_or_shown(life: Life) -> None:
    assert not life.leaked


def test_what_is_as_declared_stays_clean_and_what_swarm_spells_otherwise_does_not(life: Life) -> None:
    """The latter never comes to rest with the official plugin either."""
    steps = succeeded(life.quiet).steps
    changed = {
        name: (step.op, heads(step)) for name, step in steps.items() if step.op not in ("same", "refresh")
    }
    assert changed == RESTLESS | {name: ("replace", {"options"}) for name in misspelled()}


def misspelled() -> set[str]:
    """The networks whose ignored path the official plugin spells otherwise."""
    return {f"spelled-{number}" for number, ignores in enumerate(SPELLINGS.values()) if not ignores}


def test_only_a_path_spelled_as_the_official_plugin_does_is_ignored(life: Life) -> None:
    steps = {name: step.op for name, step in life.changed.steps.items() if name.startswith("spelled-")}
    assert {name for name, op in steps.items() if op != "same"} == misspelled()


def test_a_changed_mtu_shows_beside_what_is_ignored(life: Life) -> None:
    assert shown(life.changed.steps["sealed"]) == ("replace", {f'options["{MTU}"]'})


def test_each_changed_input_is_an_update_or_a_replacement_and_is_named(life: Life) -> None:
    seen = succeeded(life.changed)
    expected = {name: (op, paths) for name, (_, _, op, paths) in CHANGES.items()}
    assert {name: shown(seen.steps[name]) for name in CHANGES} == expected
    assert [seen.steps[name].op for name in replaceable()] == ["replace"] * 3
    assert seen.events.index('"delete-replaced"') < seen.events.index('"create-replacement"')


def test_a_host_that_is_not_known_yet_defers_to_the_run(life: Life) -> None:
    assert life.changed.steps["later-token"].op == "create"


def test_outside_changes_are_named_and_repaired(life: Life) -> None:
    drifted = succeeded(life.drifted).steps["full"]
    paths = {"taskSpec.containerSpec.env.MODE", "taskSpec.resources.limits.memoryBytes"}
    assert (drifted.op, set(drifted.changed)) == ("update", paths)
    succeeded(life.repaired)
    assert "MODE=one" in life.seen["repaired"].full


def test_a_new_secret_rolls_through_its_service_and_the_old_one_goes_last(life: Life) -> None:
    steps = {
        "token-b2": "create",
        "page-b2": "create",
        "web": "update",
        "token-a1": "delete",
        "page-a1": "delete",
    }
    operations = life.repaired.operations()
    assert {name: operations.get(name) for name in steps} == steps
    names = life.seen["repaired"].names
    kept = {name for name in [*names["secret"], *names["config"]] if "-token-" in name or "-page-" in name}
    assert {name for name in kept if name.startswith("contract-")} == {
        "contract-token-b2",
        "contract-page-b2",
    }


def test_a_service_removed_outside_is_made_anew(life: Life) -> None:
    assert life.failed.steps["full"].op == "create"
    assert "MODE=one" in life.seen["failed"].full


def test_a_failing_update_is_rolled_back_while_the_old_task_serves(life: Life, swarm: Swarm) -> None:
    assert life.failed.exit_code != 0
    assert "service rollback completed" in life.failed.output
    if not OFFICIAL:
        assert f"service contract-roll on {swarm.node_name}" in life.failed.output
        assert "non-zero exit (7)" in life.failed.output
    running, specified = life.seen["failed"].rolled
    assert "VERSION=1" in running
    assert "VERSION=2" not in specified
    assert succeeded(life.recovered).steps["roll"].op == "update"
    assert "VERSION=2" in life.seen["recovered"].rolled[0]


def test_a_service_that_never_gets_healthy_fails_and_is_not_kept(life: Life, swarm: Swarm) -> None:
    assert "did not converge after 10s" in life.failed.output
    if not OFFICIAL:
        assert f"service contract-sick on {swarm.node_name}" in life.failed.output
        assert "health check failed" in life.failed.output
    assert "contract-sick" not in life.seen["failed"].names["service"]
    assert "sick" not in life.seen["failed"].state


def test_an_unreachable_host_is_named_with_the_reason(life: Life, target: Target) -> None:
    assert unreachable(target) in life.failed.output
    assert "Connection refused" in life.failed.output


def test_what_exists_already_is_adopted_by_its_id(life: Life) -> None:
    assert {life.made.steps[name].op for name in ("adopted-net", "adopted-page", "adopted-web")} == {"import"}


def test_after_all_that_there_is_nothing_to_do(life: Life) -> None:
    succeeded(life.rested)


def test_destroy_leaves_nothing_but_volumes(life: Life, swarm: Swarm) -> None:
    succeeded(life.destroyed)
    left = {name for names in life.seen["destroyed"].names.values() for name in names}
    assert not left & life.own
    wait_for(lambda: not swarm.docker("ps -aq --filter volume=contract-data"))
    swarm.docker("volume rm contract-data")


def test_a_global_service_can_not_be_waited_for(project: Project, place: Place) -> None:
    declare(project, {"everywhere": place.service("everywhere", mode={"global": True})})
    refused = project.preview()
    assert refused.exit_code != 0
    assert "conflicts with" in refused.output


def test_what_does_not_exist_can_not_be_adopted(project: Project, swarm: Swarm) -> None:
    missing = {"name": "contract-missing", "data": encoded("x")}
    declare(project, {"page": {"type": "config", "import_": "0123456789012345678901234", "inputs": missing}})
    refused = project.up()
    assert refused.exit_code != 0
    assert "does not exist" in refused.output


def test_a_cancelled_run_stops_waiting_and_the_next_one_succeeds(
    project: Project, swarm: Swarm, place: Place
) -> None:
    slow = place.service(
        "slow",
        task_spec__container_spec__healthcheck__tests=["CMD", "/server", "unhealthy"],
        converge_config={"delay": "500ms", "timeout": "60s"},
    )
    declare(project, {"slow": slow})
    run = project.start("up", "--yes", "--skip-preview")
    wait_for(lambda: "contract-slow" in swarm.names("service"))
    began = time.monotonic()
    os.kill(run.pid, signal.SIGINT)
    finished = project.finish(run)
    assert finished.exit_code != 0
    if not OFFICIAL:  # which waits until its time is up, and forgets the service
        assert time.monotonic() - began < 20
        assert "contract-slow" not in swarm.names("service")
        put(slow["inputs"], f"{CONTAINER}__healthcheck__tests", ["CMD", "/server", "healthy"])
        declare(project, {"slow": slow})
        succeeded(project.up("--refresh"))
