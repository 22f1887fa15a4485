from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from ops.pending import Found, Operation, operations, settle, settled
from ops.swarm_objects import parse

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


def test_answers_of_the_swarm() -> None:
    text = "found network platform-beta abc \nfound secret token-1 def api,nginx\n"
    assert parse(text) == {
        ("network", "platform-beta"): Found("abc"),
        ("secret", "token-1"): Found("def", ("api", "nginx")),
    }


DOCKER = r"""#!/bin/bash
case "$*" in
  info*) echo "${SWARM:-active true}" ;;
  'service ls --quiet') echo s1 ;;
  'secret ls '*) [[ -z ${BROKEN:-} ]] || exit 1; printf 'token-1\ntoken-10\n' ;;
  'secret inspect '*) echo secret-id ;;
  'service inspect '*) printf 'api other secret-id\nweb other\n' ;;
  'secret rm '*) echo "$*" >>"$REMOVED_FILE" ;;
  *) echo "unexpected: $*" >&2; exit 9 ;;
esac
"""


def find(tmp_path: Path, preamble: str, **environment: str) -> subprocess.CompletedProcess[str]:
    docker = tmp_path / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    script = preamble + (Path(__file__).parents[2] / "ops" / "find-objects.sh").read_text()
    given = {"PATH": f"{tmp_path}:/usr/bin:/bin", "REMOVED_FILE": str(tmp_path / "removed"), **environment}
    return subprocess.run(["bash", "-s"], input=script, env=given, capture_output=True, text=True)


def test_an_object_is_found_by_its_exact_name_with_its_users(tmp_path: Path) -> None:
    done = find(tmp_path, "WANTED='secret token-1\nsecret token\n'\nREMOVED=''\n")
    assert (done.returncode, done.stdout) == (0, "found secret token-1 secret-id api\n")


def test_a_failing_question_is_no_absence(tmp_path: Path) -> None:
    done = find(tmp_path, "WANTED='secret token-1\n'\nREMOVED=''\n", BROKEN="yes")
    assert done.returncode != 0
    assert done.stdout == ""


def test_a_host_that_manages_no_swarm_says_so(tmp_path: Path) -> None:
    assert (
        find(tmp_path, "WANTED=''\nREMOVED=''\n", SWARM="inactive false").stdout
        == "no-swarm inactive false\n"
    )


def test_only_named_secrets_are_removed(tmp_path: Path) -> None:
    assert find(tmp_path, "WANTED=''\nREMOVED='secret token-1\n'\n").returncode == 0
    assert (tmp_path / "removed").read_text() == "secret rm token-1\n"
