"""Which changes `ignore_changes` hides in the offline docker plugin: those that the official one hides."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from components.network import CHOSEN_BY_SWARM
from components.overlay_options import MTU, VXLAN_ID
from lab.plugins.docker.client import Client
from lab.plugins.docker.inputs import refreshed
from lab.plugins.docker.object_schemas import NETWORK as NETWORK_SCHEMA
from lab.plugins.docker.objects import NetworkBackend
from lab.plugins.docker.read_errors import ReadErrors
from lab.plugins.docker.service import ServiceBackend
from lab.plugins.docker.service_schema import SERVICE as SERVICE_SCHEMA
from lab.plugins.docker.swarm_resource import SwarmResource
from lab.plugins.resource import Operation

NETWORK = SwarmResource(NetworkBackend(Client(), ReadErrors({})))
SERVICE = SwarmResource(ServiceBackend(Client()))
LINUX, WINDOWS = ({"architecture": "amd64", "os": name} for name in ("linux", "windows"))


async def _log(*_: Any) -> None:
    return None


OPERATION = Operation("urn:pulumi:a::b::c::d", 0.0, threading.Event(), _log)


def changed(resource: SwarmResource, state: dict[str, Any], inputs: dict[str, Any], *ignore: str) -> set[str]:
    """Paths of the changes that are shown."""
    return set(asyncio.run(resource.diff(OPERATION, inputs, state, inputs, list(ignore))).detailed)


def network(mtu: str, **more: str) -> dict[str, Any]:
    return {"name": "mesh", "driver": "overlay", "options": {MTU: mtu, **more}}


def service(**task: Any) -> dict[str, Any]:
    return {"name": "web", "taskSpec": {"containerSpec": {"image": "a", **task.pop("container", {})}, **task}}


def test_a_state_with_the_official_plugins_notes_is_read() -> None:
    """A run on the official plugins that was killed left them in what `make up` then took over."""

    class Swarm(ServiceBackend):
        async def read(self, id: str, state: Any) -> tuple[str, Any] | None:
            assert "__defaults" not in str(state)
            return id, {"name": "web", "taskSpec": {"containerSpec": {"image": "a"}}}

    noted = {"__defaults": [], **service(container={"__defaults": ["x"]})}
    made = asyncio.run(SwarmResource(Swarm(Client())).read(OPERATION, "id-1", service(), noted))
    assert made == ("id-1", service(), service())


def test_what_swarm_chose_is_ignored_as_the_program_spells_it_and_a_changed_mtu_still_shows() -> None:
    made = network("1400", **{VXLAN_ID: "4097"})
    assert changed(NETWORK, made, network("1400"), CHOSEN_BY_SWARM) == set()
    assert changed(NETWORK, made, network("1450"), CHOSEN_BY_SWARM) == {f'options["{MTU}"]'}


@pytest.mark.parametrize(
    "path",
    [
        f'options["{VXLAN_ID}"]',
        f"options.{VXLAN_ID}",
        f"options['{VXLAN_ID}']",
        f'options.["{VXLAN_ID}"].x',
        "options[*]",
        "options.*",
        "*",
        "",
        "Options",
    ],
)
def test_any_other_spelling_ignores_nothing(path: str) -> None:
    made = network("1400", **{VXLAN_ID: "4097"})
    assert changed(NETWORK, made, network("1400"), path) == {f'options["{VXLAN_ID}"]'}


def test_a_path_covers_what_lies_below_it() -> None:
    made = network("1400", **{VXLAN_ID: "4097"})
    assert changed(NETWORK, made, network("1450"), "options") == set()
    state = service(placement={"constraints": ["a"], "platforms": [LINUX]})
    inputs = service(placement={"constraints": ["b"]})
    shown = {"taskSpec.placement.constraints[0]"}
    assert changed(SERVICE, state, inputs, "taskSpec.placement.platforms") == shown
    assert changed(SERVICE, state, inputs, "taskSpec.placement") == set()
    assert changed(SERVICE, state, inputs, "taskSpec") == set()


def test_blocks_have_no_place_in_their_path() -> None:
    state = service(placement={"constraints": ["a"], "platforms": [LINUX]})
    inputs = service(placement={"constraints": ["a"]})
    for path in (
        "taskSpec[0].placement[0].platforms",
        "taskSpec[0].placement",
        "taskSpec.placement.platform",
    ):
        assert changed(SERVICE, state, inputs, path) == {"taskSpec.placement.platforms"}


def test_a_place_in_a_list_has_to_be_in_the_old_state() -> None:
    state = service(container={"args": ["a", "b"]})
    inputs = service(container={"args": ["a", "c", "d"]})
    args = "taskSpec.containerSpec.args"
    assert changed(SERVICE, state, inputs) == {f"{args}[1]", f"{args}[2]"}
    assert changed(SERVICE, state, inputs, f"{args}[1]") == {f"{args}[2]"}
    assert changed(SERVICE, state, inputs, f"{args}[2]") == {f"{args}[1]", f"{args}[2]"}
    assert changed(SERVICE, state, inputs, f"{args}[*]") == {f"{args}[1]", f"{args}[2]"}


def test_an_element_of_a_set_is_named_by_its_place() -> None:
    state = service(placement={"platforms": [LINUX]})
    inputs = service(placement={"platforms": [WINDOWS]})
    platforms = "taskSpec.placement.platforms"
    assert changed(SERVICE, state, inputs) == {f"{platforms}[0].os"}
    assert changed(SERVICE, state, inputs, f"{platforms}[0]") == set()
    assert changed(SERVICE, state, inputs, f"{platforms}[0].os") == set()
    assert changed(SERVICE, state, inputs, f"{platforms}[1]") == {f"{platforms}[0].os"}


def test_a_key_is_bracketed_for_dots_quotes_and_brackets_only() -> None:
    options = {"max-size": "1m", "a.b": "1", 'say "x"': "1"}
    state = service(logDriver={"name": "json-file", "options": options})
    inputs = service(logDriver={"name": "json-file", "options": dict.fromkeys(options, "2")})
    at = "taskSpec.logDriver.options"
    every = {f'{at}["max-size"]', f'{at}["a.b"]', f'{at}["say \\"x\\""]'}
    assert changed(SERVICE, state, inputs) == every
    assert changed(SERVICE, state, inputs, f"{at}.max-size") == every - {f'{at}["max-size"]'}
    assert changed(SERVICE, state, inputs, f'{at}["max-size"]') == every
    assert changed(SERVICE, state, inputs, f'{at}.["a.b"]') == every - {f'{at}["a.b"]'}
    assert changed(SERVICE, state, inputs, f'{at}.["say \\"x\\""]') == every - {f'{at}["say \\"x\\""]'}


def test_a_key_covers_keys_that_go_on_after_it_with_a_dot() -> None:
    made = {"name": "mesh", "options": {"a": "1", "a.b": "1", "ab": "1"}}
    inputs = {"name": "mesh", "options": {"a": "2", "a.b": "2", "ab": "2"}}
    assert changed(NETWORK, made, inputs, "options.a") == {"options.ab"}


def test_an_update_keeps_what_is_ignored() -> None:
    """Else a change that restarts no task would take the platforms away, and restart every task."""
    state = service(placement={"constraints": ["a"], "platforms": [LINUX]})
    inputs = service(placement={"constraints": ["b"]})
    ignore = ["taskSpec.placement.platforms"]
    after = asyncio.run(SERVICE.update(OPERATION, "id", state, inputs, ignore, preview=True))
    assert after["taskSpec"]["placement"] == {"constraints": ["b"], "platforms": [LINUX]}
    plainly = asyncio.run(SERVICE.update(OPERATION, "id", state, inputs, [], preview=True))
    assert plainly["taskSpec"]["placement"] == {"constraints": ["b"]}


def test_a_refresh_keeps_what_came_from_elsewhere_out_of_the_inputs() -> None:
    """Else Pulumi's engine would find it among the old inputs, and ignore it however it is spelled."""
    read = {**network("1450", **{VXLAN_ID: "4097"}), "attachable": True}
    assert refreshed(NETWORK_SCHEMA.fields, network("1400"), read) == network("1450")
    inputs = service(container={"args": ["a"], "env": {"A": "1", "B": "1"}})
    now = service(container={"args": ["b", "c"], "env": {"A": "2", "C": "1"}, "user": "0"})
    assert refreshed(SERVICE_SCHEMA.fields, inputs, now) == service(
        container={"args": ["b"], "env": {"A": "2"}}
    )
