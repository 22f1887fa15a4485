"""What exists in the swarm and is not in the state: ours is adopted, what is not ours is told."""

from __future__ import annotations

from typing import Any

import pytest

from components.contents import config_name, secret_name
from components.reading import Reading
from components.topology import Plan
from ops.adoption import (
    Declared,
    adopted,
    declared_objects,
    declared_secrets,
    foreign_faults,
    lost,
    may_be_secrets,
    with_local_socket,
)
from ops.pending import Kind
from ops.swarm_objects import SwarmObject
from tests.unit.examples import declaration, settings

STACK = "lab"
KEY = "key"
API = declaration(configs=[{"file": "api.conf", "path": "/etc/api.conf"}])
READING = Reading(Plan(settings(), (API,)), {(API.name, "api.conf"): "port = 1\n"})
NETWORK = READING.plan.settings.network.name
CONFIG = config_name(API.name, "api.conf", "port = 1\n")
TOKEN = secret_name("token", "value", KEY)
DECLARED = [*declared_objects(READING), *declared_secrets(["token"], {"token": "value"}, KEY)]


def swarm_object(kind: Kind, name: str, stack: str = STACK, *uses: str) -> SwarmObject:
    return SwarmObject(kind, f"id-of-{name}", name, stack, frozenset(uses))


ALL = [
    swarm_object("network", NETWORK),
    swarm_object("service", API.name, STACK, f"id-of-{NETWORK}"),
    swarm_object("config", CONFIG, ""),
    swarm_object("secret", TOKEN, ""),
    swarm_object("config", f"{CONFIG[:-8]}00000000", ""),
]


def state_with(*objects: SwarmObject) -> dict[str, Any]:
    return adopted({}, STACK, NETWORK, lost({}, STACK, objects, DECLARED))


def names(missing: list[tuple[Declared, SwarmObject]]) -> set[str]:
    return {each.name for each, _ in missing}


def test_what_is_declared_and_exists_is_found_by_its_exact_name() -> None:
    assert names(lost({}, STACK, ALL, DECLARED)) == {NETWORK, API.name, CONFIG, TOKEN}
    assert lost({}, STACK, [], DECLARED) == []


def test_what_is_adopted_is_missing_no_more() -> None:
    state = state_with(*ALL[:2])
    assert names(lost(state, STACK, ALL, DECLARED)) == {CONFIG, TOKEN}
    assert lost(state_with(*ALL), STACK, ALL, DECLARED) == []


def test_an_entry_that_waits_for_its_deletion_is_not_the_object() -> None:
    state = state_with(*ALL)
    for each in state["resources"]:
        if each["type"].endswith(":Network"):
            each |= {"delete": True, "id": "of-the-network-before"}
    assert names(lost(state, STACK, ALL, DECLARED)) == {NETWORK}


def test_an_object_that_waits_for_its_deletion_gets_no_second_entry() -> None:
    state = state_with(*ALL)
    for each in state["resources"]:
        each["delete"] = each["type"].endswith(":Network")
    assert lost(state, STACK, ALL, DECLARED) == []


def test_a_service_depends_on_what_it_uses_so_that_a_destroy_takes_it_down_first() -> None:
    used = ALL[0], ALL[2], ALL[3]
    api = swarm_object("service", API.name, STACK, *(each.id for each in used), "of-somebody-else")
    entries = {each.get("id"): each for each in state_with(api, *used)["resources"]}
    assert set(entries[api.id]["dependencies"]) == {entries[each.id]["urn"] for each in used}
    order = list(entries)
    assert all(order.index(each.id) < order.index(api.id) for each in used)


def test_entries_stand_below_their_components_in_the_order_that_pulumi_asks_for() -> None:
    seen: set[str] = set()
    for each in state_with(*ALL)["resources"]:
        assert each.get("parent") is None or each["parent"] in seen, each
        assert each.get("provider") is None or each["provider"].rpartition("::")[0] in seen, each
        assert each["urn"] not in seen
        seen.add(each["urn"])
    root = "urn:pulumi:lab::platform-beta::"
    assert f"{root}platform:service:Service$docker:index/service:Service::{API.name}" in seen
    assert f"{root}platform:network:OverlayNetwork$docker:index/network:Network::{NETWORK}" in seen
    assert f"{root}platform:secrets:SwarmSecrets$docker:index/secret:Secret::{TOKEN}" in seen
    assert f"{root}platform:swarm:Swarm$pulumi:providers:docker::swarm" in seen


def test_a_provider_that_the_state_has_is_used() -> None:
    state = state_with(ALL[0])
    (provider,) = [each for each in state["resources"] if each["type"] == "pulumi:providers:docker"]
    after = adopted(state, STACK, NETWORK, lost(state, STACK, ALL, DECLARED))
    assert [each for each in after["resources"] if each["type"] == provider["type"]] == [provider]
    service = next(each for each in after["resources"] if each["type"] == "docker:index/service:Service")
    assert service["provider"] == f"{provider['urn']}::{provider['id']}"


def test_a_secrets_value_stands_in_its_entry_only_to_be_encrypted() -> None:
    (entry,) = [each for each in state_with(*ALL)["resources"] if each["type"].endswith(":Secret")]
    for part in ("inputs", "outputs"):
        assert entry[part]["data"] == {
            "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
            "plaintext": '"dmFsdWU="',
        }


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([swarm_object("service", API.name, "")], "has no label platform-beta.stack"),
        ([swarm_object("service", API.name, "beta")], "belongs to stack beta"),
        ([swarm_object("network", NETWORK, "")], "has no label platform-beta.stack"),
    ],
)
def test_what_is_not_ours_is_told_with_a_remedy(found: list[SwarmObject], expected: str) -> None:
    (fault,) = foreign_faults(lost({}, STACK, found, DECLARED), STACK, found)
    assert expected in fault.fault
    assert f"docker {found[0].kind} rm {found[0].name}" in fault.remedy


def test_a_network_without_a_label_is_ours_when_a_service_of_ours_uses_it() -> None:
    found = [swarm_object("network", NETWORK, ""), ALL[1]]
    assert list(foreign_faults(lost({}, STACK, found, DECLARED), STACK, found)) == []


def test_secrets_are_decrypted_only_where_one_may_be_missing() -> None:
    assert may_be_secrets({}, ALL, ["token"])
    assert not may_be_secrets(state_with(*ALL), ALL, ["token"])
    assert not may_be_secrets({}, ALL, ["other"])
    assert not may_be_secrets({}, [swarm_object("secret", f"{TOKEN}-old", "")], ["token"])


def test_a_provider_of_the_version_before_is_pointed_at_the_local_socket() -> None:
    given = {"host": "ssh://root@swarm-manager:22", "sshOpts": '["-o", "BatchMode=yes"]', "version": "5.2.0"}
    old = {"urn": "u", "type": "pulumi:providers:docker", "inputs": given, "outputs": dict(given), "id": "1"}
    after = with_local_socket({"resources": [old]}, STACK)["resources"][0]
    assert after["inputs"] == after["outputs"] == {"host": "unix://.tools/run/lab.sock", "version": "5.2.0"}
    assert with_local_socket({"resources": [after]}, STACK)["resources"] == [after]
    assert with_local_socket({}, STACK) == {}, "a stack without resources is left as it is"
