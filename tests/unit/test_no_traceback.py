"""No input, however broken, ends in a traceback: what is spoiled is read, or refused with its faults.

BAD_INPUT_EXAMPLES=5000 searches at random beyond the fixed examples that `make check` has time for.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pulumi.runtime
import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from components.errors import ConfigurationError
from components.reading import RECIPES, SERVICES, read
from components.stack import NAMESPACE, RawStack, from_file
from components.stack_engine import from_engine
from tests.unit.bad_input import CANARY, SECRETS
from tests.unit.examples import raw, written_recipes
from tests.unit.secret_values import faulty, sound
from tests.unit.spoiling import JUNK, spoiled, torn

SEARCH = settings(
    max_examples=int(os.environ.get("BAD_INPUT_EXAMPLES", "40")),
    deadline=None,
    derandomize="BAD_INPUT_EXAMPLES" not in os.environ,
    database=None,
    suppress_health_check=list(HealthCheck),
)
SERVICE: dict[str, Any] = {
    "description": "an example",
    "image": "example:1.0",
    "members": [{"name": "db-1", "labels": {"edge": "true"}}, {"name": "db-2"}],
    "placement": {"role": "manager", "labels": {}, "max_per_node": 1},
    "resources": {"cpus": 1, "memory_mib": 64, "reserve_cpus": 0.1, "reserve_memory_mib": 8},
    "ports": [{"name": "http", "port": 80, "published": 80, "protocol": "tcp"}],
    "health": {"command": ["check"], "interval_s": 5},
    "update": {"order": "stop-first", "parallelism": 1},
    "stop": {"grace_s": 3, "signal": "SIGTERM"},
    "user": "1",
    "environment": {"A": "1"},
    "environment_schema": {"A": {"type": "integer", "minimum": 1, "optional": True}},
    "configs": [{"file": "a.j2", "path": "/a", "mode": "0444"}],
    "secrets": [{"name": "api_token", "path": "/b", "uid": "0"}],
    "volumes": [{"name": "data", "path": "/data"}],
    "tmpfs": [{"path": "/tmp", "size_mib": 1}],
    "needs": [],
    "metrics": {"port": 9100},
}
STACK: dict[str, Any] = raw(
    ssh={"user": "root", "port": 22, "private_key_file": __file__},
    engine={
        "address_pools": [{"base": "172.30.0.0/16", "size": 24}],
        "registry_mirrors": ["https://mirror.example.com"],
        "insecure_registries": ["10.213.0.2:5000"],
        "sysctls": {"net.core.somaxconn": "4096"},
    },
    services={"api": {"memory_mib": 128, "environment": {"B": "2"}}},
)


def checked(run: Callable[[], object]) -> None:
    """Success, or faults that a person can read; any other exception is what the test is looking for."""
    try:
        run()
        return
    except ConfigurationError as error:
        refused = error
    assert refused.faults
    for fault in refused.faults:
        assert all(part.strip() for part in (fault.place, fault.fault, fault.remedy)), fault
        assert str(fault).isprintable()
    assert CANARY not in str(refused)


def folder_with(service: bytes) -> TemporaryDirectory[str]:
    folder = TemporaryDirectory()
    api = Path(folder.name) / "api" / "server"
    api.mkdir(parents=True)
    (api / "service.yaml").write_bytes(service)
    (api / "a.j2").write_text("{{ settings.edge.domain }}{{ service.image }}")
    return folder


def stack_text(values: dict[str, Any]) -> bytes:
    config = {f"{NAMESPACE}:{key}": value for key, value in {**values, "secrets": SECRETS}.items()}
    return yaml.safe_dump({"config": config}).encode()


MOUNTING = yaml.safe_dump(
    {**SERVICE, "secrets": [{"name": name, "path": f"/{name}"} for name in sound()]}
).encode()
PEMS = [name for name, value in sound().items() if "-----BEGIN" in value]
EVERY_RECIPE = yaml.safe_dump(written_recipes(), sort_keys=False).encode()
OWN_RECIPES = (SERVICES / "mysql" / "server" / "secrets.yaml").read_bytes()
SOUND_STACK, SOUND_SERVICE = stack_text(STACK), yaml.safe_dump(SERVICE).encode()


def test_what_is_spoiled_is_sound_at_first(tmp_path: Path) -> None:
    with folder_with(SOUND_SERVICE) as folder:
        (tmp_path / "Pulumi.test.yaml").write_bytes(SOUND_STACK)
        assert read(from_file(tmp_path / "Pulumi.test.yaml"), Path(folder)).plan.services


def with_key_file(path: str) -> dict[str, Any]:
    return {**STACK, "ssh": {"private_key_file": path}}


@SEARCH
@example(values=with_key_file("~nobody-at-all/id"), secrets=SECRETS)
@example(values=with_key_file("a\0b"), secrets=SECRETS)
@example(values=with_key_file("x" * 5000), secrets=SECRETS)
@example(values={**STACK, "\ud800": 1}, secrets=SECRETS)
@example(values={**STACK, "services": {"\ud800": {}}}, secrets={"\ud800": {"secure": "x"}})
@example(values={**STACK, "nodes": STACK["nodes"] * 40}, secrets={1: None})
@given(values=spoiled(STACK), secrets=st.one_of(st.just(SECRETS), spoiled(SECRETS)))
def test_no_settings_end_in_a_traceback(values: dict[str, Any], secrets: dict[str, Any]) -> None:
    with folder_with(SOUND_SERVICE) as folder:
        checked(lambda: read(RawStack(values, secrets), Path(folder)))


@SEARCH
@example(values={**sound(), "mysql_tls_key": b"-----BEGIN PRIVATE KEY-----"})
@example(values={**sound(), **dict.fromkeys(sound(), "\ud800")})
@example(values={**sound(), **dict.fromkeys(sound(), "9" * 1_000_000)})
@example(values=dict.fromkeys(sound(), faulty()["torn"]))
@example(values=dict.fromkeys(sound(), faulty()["key of another kind"]))
@given(values=spoiled(dict(sound())))
def test_no_value_of_a_secret_ends_in_a_traceback(values: dict[str, Any]) -> None:
    with folder_with(MOUNTING) as folder:
        (Path(folder) / "secrets.yaml").write_bytes(EVERY_RECIPE)
        checked(lambda: read(RawStack(STACK, values), Path(folder), Path(folder) / "secrets.yaml"))


@SEARCH
@given(
    key=st.sampled_from(PEMS),
    value=st.sampled_from(PEMS).flatmap(lambda name: torn(sound()[name].encode())),
)
def test_no_torn_key_or_certificate_ends_in_a_traceback(key: str, value: bytes) -> None:
    values = {**sound(), key: value.decode(errors="surrogateescape")}
    with folder_with(MOUNTING) as folder:
        (Path(folder) / "secrets.yaml").write_bytes(EVERY_RECIPE)
        checked(lambda: read(RawStack(STACK, values), Path(folder), Path(folder) / "secrets.yaml"))


@SEARCH
@given(recipes=torn(OWN_RECIPES))
def test_no_recipes_of_a_service_end_in_a_traceback(recipes: bytes) -> None:
    with folder_with(SOUND_SERVICE) as folder:
        (Path(folder) / "api" / "secrets.yaml").write_bytes(recipes)
        checked(lambda: read(RawStack(STACK, sound()), Path(folder)))


@SEARCH
@given(recipes=torn(RECIPES.read_bytes()))
def test_no_recipes_end_in_a_traceback(recipes: bytes) -> None:
    with folder_with(SOUND_SERVICE) as folder:
        (Path(folder) / "secrets.yaml").write_bytes(recipes)
        checked(lambda: read(RawStack(STACK, sound()), Path(folder), Path(folder) / "secrets.yaml"))


@SEARCH
@example(service={**SERVICE, "configs": [{"file": "a\0b", "path": "/a"}]})
@example(service={**SERVICE, "configs": [{"file": "x" * 5000, "path": "/a"}]})
@example(service={**SERVICE, "needs": ["api"], "resources": {"cpus": float("nan"), "memory_mib": 2**99}})
@given(service=spoiled(SERVICE))
def test_no_service_ends_in_a_traceback(service: dict[str, Any]) -> None:
    with folder_with(yaml.safe_dump(service).encode(errors="replace")) as folder:
        checked(lambda: read(RawStack(STACK, SECRETS), Path(folder)))


# Many of these let PyYAML end in an exception that is not its own, or in a number that can't be shown.
TORN = [
    b"2026-99-99",
    b"9" * 5000,
    b"0x" + b"f" * 5000,
    b"!!int ''",
    b"!!bool x",
    b"!!timestamp x",
    b"!!float x",
]
TORN += [
    b"&a [*a]",
    b"? [a]\n: b",
    b"[" * 500,
    b"\xff",
    b"\0",
    b"!!binary x",
    b"{0x" + b"f" * 5000 + b": 1}",
]


@pytest.mark.parametrize("torn_value", TORN, ids=lambda value: repr(value[:16]))
def test_no_value_that_yaml_chokes_on_ends_in_a_traceback(torn_value: bytes) -> None:
    stack = SOUND_STACK.replace(b"beta.example.com", torn_value)
    with folder_with(SOUND_SERVICE.replace(b"an example", torn_value)) as folder:
        file = Path(folder) / "Pulumi.test.yaml"
        file.write_bytes(stack)
        with pytest.raises(ConfigurationError):
            from_and_read(file, Path(folder))
        checked(lambda: from_and_read(file, Path(folder)))
        checked(lambda: read(RawStack(STACK, SECRETS), Path(folder)))


def from_and_read(stack: Path, services: Path) -> object:
    return read(from_file(stack), services)


@SEARCH
@given(stack=torn(SOUND_STACK), service=torn(SOUND_SERVICE))
def test_no_file_ends_in_a_traceback(stack: bytes, service: bytes) -> None:
    with folder_with(service) as folder:
        file = Path(folder) / "Pulumi.test.yaml"
        file.write_bytes(stack)
        checked(lambda: read(from_file(file), Path(folder)))


@SEARCH
@given(
    template=st.one_of(
        torn(b"{{ settings.edge.domain }} {% for p in service.ports %}{{ p.port }}{% endfor %}")
    )
)
def test_no_template_ends_in_a_traceback(template: bytes) -> None:
    with folder_with(SOUND_SERVICE) as folder:
        (Path(folder) / "api" / "a.j2").write_bytes(template)
        checked(lambda: read(RawStack(STACK, SECRETS), Path(folder)))


@SEARCH
@given(
    key=st.sampled_from([*STACK, "secrets"]),
    value=st.one_of(
        st.text(max_size=20),
        JUNK.map(lambda junk: json.dumps(junk, default=repr, skipkeys=True)),
        st.sampled_from(["[" * 100_000, "9" * 5000, '"\\ud800"', '{"\\ud800": 1}', "NaN"]),
    ),
)
def test_nothing_that_the_engine_hands_over_ends_in_a_traceback(key: str, value: str) -> None:
    given = {f"{NAMESPACE}:{name}": json.dumps(part) for name, part in {**STACK, "secrets": {}}.items()}
    given[f"{NAMESPACE}:{key}"] = value
    with pytest.MonkeyPatch.context() as patch, folder_with(SOUND_SERVICE) as folder:
        patch.setattr(pulumi.runtime, "get_config_env", lambda: given)
        checked(lambda: read(from_engine(), Path(folder)))
