"""What is off unless an environment enables it, seen from the lab and from its secrets."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from components.declaration import load_declarations
from components.reading import read
from components.stack import RawStack
from lab.catalog import load_images
from lab.data_tier import BY_TEST, SWITCH, images_of_the_lab, off_unless_enabled, turned_on, without
from lab.left_out import SERVICES
from lab.stackfile import PREFIX, lab_config, write
from ops.secrets import idle, load_recipes, wanted
from tests.unit import examples
from tests.unit.test_lab_images import image
from tests.unit.test_lab_stackfile import LAB

ON = frozenset({"nginx", "platform-api", "platform-web"})
RECIPES = load_recipes(SERVICES.parent / "secrets.yaml")


def pulled() -> dict[str, str]:
    """Every service's image, as the lab's nodes would pull it."""
    names = [service for found in load_images() for service in found.services]
    return {name: f"10.213.7.2:5000/{name}:1" for name in names}


def services_in(turned_on: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    """(planned, off) where the lab's stack file turns those on."""
    on = {name: each for name, each in pulled().items() if name in ON | turned_on}
    config = lab_config(LAB, on, turned_on=turned_on)
    settings = {key.removeprefix(PREFIX): value for key, value in config.items()}
    settings["ssh"] = {"private_key_file": __file__}
    plan = read(RawStack(settings, dict.fromkeys(RECIPES, "x"))).plan
    return frozenset(service.name for service in plan.services), frozenset(plan.off)


def test_whoever_is_off_says_so_in_the_declaration_and_to_the_lab() -> None:
    declared = load_declarations(SERVICES, [])
    off = {service.name for service in declared if service.off_unless_enabled}
    assert off == off_unless_enabled(SERVICES) == {service.name for service in declared} - ON


def test_the_lab_has_the_data_tier_only_where_it_is_told_to() -> None:
    off = off_unless_enabled(SERVICES)
    assert services_in(frozenset()) == (ON, off)
    assert services_in(off) == (ON | off, frozenset())


@pytest.mark.parametrize(("said", "told"), [(None, False), ("", False), ("0", False), ("1", True)])
def test_the_switch_decides_what_is_made_and_enabled(
    said: str | None, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SWITCH, raising=False)
    if said is not None:
        monkeypatch.setenv(SWITCH, said)
    made = [found.name for found in images_of_the_lab()]
    assert turned_on() == (off_unless_enabled(SERVICES) - BY_TEST if told else frozenset())
    assert {"node", "registry", "base-bookworm", "base-sid", "nginx"} <= set(made)
    assert [found.name for found in load_images() if told or found.name in made] == made
    assert all(
        (name in made) == told
        for name in ("mysql", "redis", "mongodb", "haproxy", "ledger", "rclone", "bucket")
    )


def test_a_base_goes_with_the_last_image_on_it_and_a_shared_image_stays(tmp_path: Path) -> None:
    image(tmp_path, "base-x")
    image(tmp_path, "base-y", base="base-x")
    image(tmp_path, "db", base="base-y")
    image(tmp_path, "shared", extra="services: [db-backup, web]\n")
    kept = without(load_images(tmp_path), frozenset({"db", "db-backup"}))
    assert [found.name for found in kept] == ["shared"]
    kept = without(load_images(tmp_path), frozenset({"db-backup"}))
    assert [found.name for found in kept] == [found.name for found in load_images(tmp_path)]


def test_what_was_enabled_leaves_the_stack_file_with_the_switch(tmp_path: Path) -> None:
    file, record = tmp_path / "Pulumi.lab.yaml", tmp_path / "stack.yaml"
    tier = lab_config(LAB, {"nginx": "nginx:1", "redis": "redis:1"}, turned_on=frozenset({"redis"}))
    assert tier[f"{PREFIX}services"]["redis"] == {"image": "redis:1", "enabled": True}
    for ours in (tier, lab_config(LAB, {"nginx": "nginx:1"})):
        write(file, ours, record=record, keep_old=True)
    assert yaml.safe_load(file.read_text())["config"][f"{PREFIX}services"] == {"nginx": {"image": "nginx:1"}}


def test_secrets_of_what_is_off_are_not_made_and_everything_else_is() -> None:
    declared = load_declarations(SERVICES, [])
    mounted = {secret.name for service in declared if service.name in ON for secret in service.secrets}
    made = wanted(RECIPES, idle(examples.settings(), declared))
    assert mounted | {"naming_key", "edge_ca_key", "edge_ca_certificate"} <= set(made)
    assert not {"mysql_root_password", "redis_app_password", "mongodb_keyfile"} & set(made)
    everything = wanted(RECIPES, idle(examples.settings(**examples.data_tier()), declared))
    assert list(everything.items()) == list(RECIPES.items())


def test_an_unused_secret_is_made_where_a_wanted_one_is_made_of_it() -> None:
    unused = frozenset({"edge_tls_key", "edge_ca_certificate", "edge_ca_key", "api_token"})
    assert set(RECIPES) - set(wanted(RECIPES, unused)) == {"api_token"}
    unused |= {"edge_tls_certificate"}
    assert set(RECIPES) - set(wanted(RECIPES, unused)) == unused
