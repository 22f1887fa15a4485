"""Which values of secrets are let through, and that no refused one is shown; each fault: bad/secrets.yaml."""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from components.checks.secrets import secret_faults
from components.declaration import load_declarations
from components.errors import ConfigurationError, Fault
from components.reading import RECIPES, SERVICES, read
from components.secret_recipes import Recipes, load_recipes
from components.stack import RawStack
from components.topology import Plan, draft
from tests.unit.bad_input import CANARY, messages
from tests.unit.examples import declared, house, settings
from tests.unit.secret_values import faulty, sound

#: Everything on, so that every secret counts.
EVERYTHING = {"backup-bucket": {"enabled": True}}
PEM = "-----BEGIN {0}-----\n" + CANARY * 16 + "\n-----END {0}-----\n"


@functools.cache
def everything() -> Plan:
    return draft(settings(services=EVERYTHING), load_declarations(SERVICES, []))


@functools.cache
def recipes() -> Recipes:
    return load_recipes(RECIPES, SERVICES, declared(), [])


def said(values: dict[str, Any], plan: Plan | None = None) -> str:
    given = {**sound(), **values}
    faults = list(secret_faults(recipes(), plan or everything(), given, datetime.now(UTC)))
    return str(ConfigurationError(faults)) if faults else ""


def test_what_make_secrets_makes_is_sound() -> None:
    faults: list[Fault] = []
    assert load_recipes(RECIPES, SERVICES, declared(), faults).keys() == sound().keys()
    assert faults == []
    bucket = {"BUCKET_ENDPOINT": "https://s3.example.com", "BUCKET_NAME": "backups"}
    stack = house({"backup-bucket": {"enabled": True, "environment": bucket}})
    assert read(RawStack(stack, sound())).plan.secret_names == everything().secret_names


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("redis_app_password", "aZ0+/=._~-aZ"),
        ("mysql_app_password", "x" * 256),
        ("mysql_repl_password", "x" * 32),
        ("mongodb_keyfile", "a+/=09"),
        ("mongodb_keyfile", "x" * 1024),
        ("bucket_secret_key", " \"\\'#ä"),
        ("somebodys_own", "x"),
        ("mysql_app_password", {"secure": "v1:x"}),
    ],
)
def test_what_every_store_takes_is_let_through(name: str, value: Any) -> None:
    assert said({name: value}) == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("redis_app_password", "x" * 11),
        ("mysql_app_password", "x" * 257),
        ("mysql_repl_password", "x" * 33),
        ("mongodb_keyfile", "a+/=0"),
        ("mongodb_keyfile", "x" * 1025),
        ("mongodb_keyfile", "a+/=0-_~."),
        ("bucket_secret_key", "x\r"),
        ("mysql_tls_key", faulty()["encrypted key"]),
    ],
)
def test_what_is_just_beyond_is_refused(name: str, value: str) -> None:
    assert f"secrets.{name}: " in said({name: value})


def test_a_pair_that_is_of_another_make_than_its_authority_is_one_fault() -> None:
    text = said({"mysql_tls_certificate": faulty()["signed by another"]})
    assert "1 fault in the configuration, nothing was touched" in text


def test_secrets_of_what_is_off_may_be_wrong() -> None:
    off = draft(settings(), load_declarations(SERVICES, []))
    assert said({"bucket_secret_key": "a\nb"}, off) == ""
    assert "bucket_secret_key" in said({"bucket_secret_key": "a\nb"})


def test_the_key_of_an_authority_may_be_kept_elsewhere() -> None:
    without = {name: value for name, value in sound().items() if not name.endswith("_ca_key")}
    assert not list(secret_faults(recipes(), everything(), without, datetime.now(UTC)))


@pytest.mark.parametrize("name", sound())
@pytest.mark.parametrize(
    "value",
    [
        f"{CANARY}!",
        f"{CANARY}\n{CANARY}0123456789",
        PEM.format("PRIVATE KEY"),
        PEM.format("CERTIFICATE"),
        PEM.format("ENCRYPTED PRIVATE KEY"),
    ],
)
def test_no_faulty_value_is_shown(name: str, value: str) -> None:
    text = said({name: value})
    assert f"secrets.{name}: " in text or (name.startswith("bucket_") and "\n" not in value)
    assert CANARY not in text
    assert not [line for line in value.splitlines() if line in text]
    assert str(len(value)) not in text.replace(str(text.count("\n")), "")


def test_what_faults_say_is_the_same_for_short_values_of_any_length(tmp_path: Path) -> None:
    entry = {"service": {"secrets": [{"name": "redis_app_password", "path": "/a"}]}}
    found = set()
    for length in range(1, 12):
        folder = tmp_path / str(length)
        folder.mkdir()
        found.add(tuple(messages(folder, {**entry, "values": {"redis_app_password": "x" * length}})))
    assert len(found) == 1
