from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from ops.pending import Found, Operation, operations, settle, settled
from ops.swarm_objects import SwarmObject, find, parse, script

NETWORK = "docker:index/network:Network"
SERVICE = "docker:index/service:Service"
SECRET = "docker:index/secret:Secret"
CONFIG = "docker:index/serviceConfig:ServiceConfig"
COMMAND = "command:remote:Command"


def resource(kind: str, name: str, **more: Any) -> dict[str, Any]:
    urn = f"urn:pulumi:lab::platform-beta::{kind}::{name}"
    return {"urn": urn, "type": kind, "custom": True, "inputs": {"name": name, "data": "x"}, **more}


def operation(doing: str, kind: str, name: str = "one") -> Operation:
    return Operation(doing, resource(kind, name))


@pytest.mark.parametrize("kind", [NETWORK, SERVICE, CONFIG])
def test_what_was_made_unseen_is_adopted_by_its_id(kind: str) -> None:
    begun = operation("creating", kind)
    before = {"resources": [resource("x:y:Z", "zero")], "pending_operations": [{}], "manifest": {}}
    after = settled(before, [settle(begun, Found("id-1"))])
    assert "pending_operations" not in after
    assert after["resources"][-1]["id"] == "id-1"
    assert after["resources"][-1]["urn"] == begun.urn
    assert after["resources"][-1]["outputs"] == begun.resource["inputs"]
    assert before["resources"] == [resource("x:y:Z", "zero")]


@pytest.mark.parametrize("kind", [NETWORK, SERVICE, CONFIG, SECRET])
def test_what_was_not_made_is_only_dropped(kind: str) -> None:
    settlement = settle(operation("creating", kind), None)
    assert settlement.action == "drop"
    assert "it is made now" in settlement.sentence
    assert settled({"resources": []}, [settlement])["resources"] == []


def test_an_unused_secret_is_removed_and_a_used_one_adopted() -> None:
    begun = operation("creating", SECRET)
    assert settle(begun, Found("id-1")).action == "remove"
    assert settle(begun, Found("id-1", ("nginx",))).action == "adopt"


@pytest.mark.parametrize("doing", ["creating", "updating", "deleting"])
def test_scripts_run_again(doing: str) -> None:
    settlement = settle(operation(doing, COMMAND, "node-1-engine"), None)
    assert settlement.action == "drop"
    assert "node-1-engine" in settlement.sentence


@pytest.mark.parametrize("doing", ["updating", "deleting", "reading", "importing"])
def test_what_the_state_knows_already_is_dropped_whatever_exists(doing: str) -> None:
    assert settle(operation(doing, SERVICE), Found("id-1")).action == "drop"


def test_components_are_dropped_in_silence() -> None:
    component = {**resource("platform:service:Service", "api"), "custom": False}
    settlement = settle(Operation("creating", component), None)
    assert (settlement.action, settlement.sentence) == ("drop", "")


def test_a_replacement_takes_the_place_of_what_it_replaces() -> None:
    begun = operation("creating", NETWORK)
    old = resource(NETWORK, "one", id="old", pendingReplacement=True)
    after = settled({"resources": [old]}, [settle(begun, Found("new"))])
    assert [each["id"] for each in after["resources"]] == ["new"]


def test_what_is_in_the_state_already_is_not_adopted_twice() -> None:
    known = resource(NETWORK, "one", id="id-1")
    after = settled({"resources": [known]}, [settle(operation("creating", NETWORK), Found("id-1"))])
    assert after["resources"] == [known]


def test_the_schema_note_of_the_official_plugin_comes_from_a_resource_of_its_kind() -> None:
    other = resource(SERVICE, "other", outputs={"__meta": "note"})
    after = settled({"resources": [other]}, [settle(operation("creating", SERVICE), Found("id-1"))])
    assert after["resources"][-1]["outputs"]["__meta"] == "note"


def test_the_official_plugins_notes_on_defaults_are_no_outputs() -> None:
    given = {"__defaults": [], "name": "one", "ports": [{"__defaults": ["x"], "port": 1}]}
    begun = Operation("creating", resource(SERVICE, "one", inputs=given))
    after = settled({"resources": []}, [settle(begun, Found("id-1"))])
    assert after["resources"][-1]["outputs"] == {"name": "one", "ports": [{"port": 1}]}


def test_operations_are_read_from_the_state() -> None:
    assert operations({}) == operations({"pending_operations": None}) == ()
    (read,) = operations({"pending_operations": [{"type": "creating", "resource": resource(SERVICE, "api")}]})
    assert (read.doing, read.kind, read.name, read.made_unseen, read.rolls) == (
        "creating",
        "service",
        "api",
        True,
        True,
    )


LISTED = """\
service s1 api lab n1,token-id,
service s2 web - n1,
network n1 platform-beta lab -
secret token-id token-1 - -
"""


def test_answers_of_the_swarm() -> None:
    api, web, network, token = parse(LISTED)
    assert api == SwarmObject("service", "s1", "api", "lab", frozenset({"n1", "token-id"}))
    assert (web.stack, web.uses) == ("", frozenset({"n1"}))
    assert (network.id, network.uses) == ("n1", frozenset())
    assert parse("") == ()
    assert token.name == "token-1"


def test_an_object_is_found_by_its_exact_name_with_its_users() -> None:
    begun = [operation("creating", SECRET, "token-1"), operation("creating", SECRET, "token")]
    assert find(parse(LISTED), begun) == {begun[0].urn: Found("token-id", ("api",))}


DOCKER = r"""#!/bin/bash
case "$*" in
  info*) [[ -z ${DOWN:-} ]] || exit 1; echo "${SWARM:-active true}" ;;
  'service ls --quiet') echo s1 ;;
  'service inspect '*) echo 'service|s1|api|lab|n1,c1,t1,' ;;
  'network ls '*) printf 'network|n1|platform-beta|lab|\nnetwork|n2|ingress||\n' ;;
  'config ls '*) echo 'config|c1|api-conf-1||' ;;
  'secret ls '*) [[ -z ${BROKEN:-} ]] || exit 1; echo 'secret|t1|token-1||' ;;
  'secret rm '*) echo "$*" >>"$REMOVED_FILE" ;;
  *) echo "unexpected: $*" >&2; exit 9 ;;
esac
"""


def ask(tmp_path: Path, question: str, **environment: str) -> subprocess.CompletedProcess[str]:
    docker = tmp_path / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    given = {"PATH": f"{tmp_path}:/usr/bin:/bin", "REMOVED_FILE": str(tmp_path / "removed"), **environment}
    return subprocess.run(["bash", "-s"], input=question, env=given, capture_output=True, text=True)


def listed(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return ask(tmp_path, script("list-objects.sh", LABEL="platform-beta.stack"), **environment)


def test_objects_are_listed_with_their_stack_and_what_they_use(tmp_path: Path) -> None:
    done = listed(tmp_path)
    assert (done.returncode, done.stdout.splitlines()) == (
        0,
        [
            "service s1 api lab n1,c1,t1,",
            "network n1 platform-beta lab -",
            "network n2 ingress - -",
            "config c1 api-conf-1 - -",
            "secret t1 token-1 - -",
        ],
    )


def test_a_failing_question_is_no_absence(tmp_path: Path) -> None:
    assert listed(tmp_path, BROKEN="yes").returncode != 0
    assert listed(tmp_path, DOWN="yes").returncode != 0


def test_a_host_without_a_swarm_says_so(tmp_path: Path) -> None:
    assert listed(tmp_path, SWARM="inactive false").stdout == "no-swarm inactive false\n"


def test_only_named_secrets_are_removed(tmp_path: Path) -> None:
    done = ask(tmp_path, script("remove-secrets.sh", NAMES="token-1 token-2"))
    assert (done.returncode, done.stdout) == (0, "removed token-1\nremoved token-2\n")
    assert (tmp_path / "removed").read_text() == "secret rm token-1\nsecret rm token-2\n"
