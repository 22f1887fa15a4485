"""What a user can get wrong, each with its message: tests/unit/bad/*.yaml, and what a file can't say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pulumi.runtime
import pytest

from components.errors import Fault, printable
from components.stack import NAMESPACE
from components.stack_engine import from_engine
from components.yaml_file import read_mapping, read_text
from tests.unit.bad_input import CANARY, entries, messages

ENTRIES = entries()


@pytest.mark.parametrize("name", ENTRIES)
def test_every_mistake_has_its_message(name: str, tmp_path: Path) -> None:
    found = messages(tmp_path, ENTRIES[name])
    assert found == ENTRIES[name]["expected"]
    assert CANARY not in "".join(found)


def test_the_corpus_is_as_large_as_promised() -> None:
    assert len(ENTRIES) >= 60


def engine(monkeypatch: pytest.MonkeyPatch, secrets: Any, encrypted: bool = True) -> list[str]:
    given = {f"{NAMESPACE}:secrets": json.dumps(secrets)}
    monkeypatch.setattr(pulumi.runtime, "get_config_env", lambda: given)
    monkeypatch.setattr(pulumi.runtime, "is_config_secret", lambda key: encrypted)
    return [str(fault) for fault in from_engine().faults]


@pytest.mark.parametrize(
    ("secrets", "expected"),
    [
        ({"api_token": CANARY}, []),
        (
            {"api_token": ""},
            ["secrets.api_token: is empty, which Swarm refuses; give it a content, or remove it"],
        ),
        (
            {"api_token": CANARY * 100_000},
            ["secrets.api_token: has 600000 bytes, Swarm takes less than 512000; make it smaller"],
        ),
        ({"api_token": 123}, ["secrets.api_token: is not text; delete it and run: make secrets"]),
        (CANARY, ["secrets: is not a mapping of names to encrypted values; delete it and run: make secrets"]),
    ],
)
def test_values_of_secrets_are_checked_and_not_shown(
    secrets: Any, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert engine(monkeypatch, secrets) == expected


def test_secrets_in_plain_text_are_refused_by_the_program_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert engine(monkeypatch, {"api_token": CANARY}, encrypted=False) == [
        "secrets: holds values in plain text; "
        "delete them (they are no secrets any more) and run: make secrets"
    ]


def test_a_file_that_may_not_be_read_is_a_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    faults: list[Fault] = []
    assert read_text(tmp_path / "a", "here", faults) is None
    assert [str(fault) for fault in faults] == [
        "here: can't be read (Permission denied); correct the path or its permissions"
    ]


def test_a_config_that_leaves_its_folder_by_a_link_is_a_fault(tmp_path: Path) -> None:
    entry = {"service": {"configs": [{"file": "a.conf", "path": "/a"}]}, "files": {"api/x": "x"}}
    (tmp_path / "outside").write_text(CANARY)
    (tmp_path / "services" / "api" / "server").mkdir(parents=True)
    (tmp_path / "services" / "api" / "server" / "a.conf").symlink_to(tmp_path / "outside")
    assert messages(tmp_path, entry) == [
        "services/api/server.configs: a.conf leads out of the folder of services; put the file itself there"
    ]


def test_a_key_that_a_merge_brings_is_not_given_twice(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: &a {x: 1}\nb: &b {<<: *a, x: 2}\nc: {<<: *b, x: 3}\n")
    faults: list[Fault] = []
    assert (read_mapping(tmp_path / "a.yaml", "a", faults) or {})["c"] == {"x": 3}
    assert faults == []


SOUND: dict[str, dict[str, Any]] = {
    "what the mistakes are made in": {},
    "two services share a port on disjoint nodes": {
        "service": {"ports": [{"name": "a", "port": 1, "published": 80}], "placement": {"role": "manager"}},
        "services": {
            "b": {"ports": [{"name": "b", "port": 1, "published": 80}], "placement": {"role": "worker"}}
        },
    },
    "two managers, being told so": {"set": {"nodes[2].role": "worker", "swarm.even_managers": True}},
    "start-first with a free node": {
        "service": {"replicas": 4, "placement": {"max_per_node": 1}, "update": {"order": "start-first"}}
    },
    "memory that suffices to the last byte": {
        "set": {"nodes[3].memory_mib": 1000, "nodes[4].memory_mib": 1500},
        "service": {
            "replicas": 5,
            "placement": {"role": "worker"},
            "resources": {"cpus": 1, "memory_mib": 600, "reserve_memory_mib": 500},
        },
    },
    "a subnet with room for exactly what is needed": {
        "set": {"network.subnet": "10.20.0.0/28"},
        "service": {"replicas": 7, "update": {"order": "start-first"}},
    },
    "a drained worker": {"set": {"nodes[4].availability": "drain"}},
    "an image by digest alone": {"service": {"image": "example@sha256:" + "a" * 64}},
    "an image of ours from a registry": {
        "service": {"image": "platform/api:1.0"},
        "set": {"services": {"api": {"image": "registry.example.com/platform/api:1.0"}}},
    },
    "an image of ours from a registry on this machine": {
        "service": {"image": "localhost:5000/platform/api:1.0"}
    },
    "an image of ours where the service is off": {
        "services": {"b": {"image": "platform/b:1.0"}},
        "set": {"services": {"b": {"enabled": False}}},
    },
    "what Pulumi itself reads": {
        "keys": {
            "pulumi:tags": {"a": "b"},
            "pulumi:autonaming": {"mode": "verbatim"},
            "pulumi:disable-default-providers": ["aws"],
        },
        "beside": {
            "encryptionsalt": "v1:x",
            "secretsprovider": "passphrase",
            "encryptedkey": "x",
            "environment": ["beta"],
        },
    },
    "what Pulumi itself reads, in a run of the program": {"keys": {"pulumi:tags": {"a": "b"}}, "values": {}},
    "a setting without its namespace": {"keys": {"firewall": {"enabled": False}}},
    "two pools of one subnet each": {
        "set": {"engine.address_pools": [{"base": "172.30.0.0/24"}, {"base": "172.31.0.0/24"}]}
    },
    "a pool of two subnets": {"set": {"engine.address_pools": [{"base": "172.30.0.0/23"}]}},
    "a domain of 64 characters": {"set": {"edge.domain": "a" * 59 + ".test"}},
    "a label of 63 characters": {"set": {"edge.domain": "a" * 63}},
    "a sysctl of a VLAN interface": {
        "set": {
            "engine.sysctls": {
                "net.ipv4.conf.eth0/100.rp_filter": "1",
                "net.ipv4.conf.Br-0/1/2.arp_filter": "1",
            }
        }
    },
    "variables as their schema has them": {
        "service": {
            "environment": {
                "AT": "23:59",
                "FROM": "00:00",
                "EVERY_S": "",
                "KEEP": "0",
                "URL": "http://a:1/b",
                "ON": "false",
            },
            "environment_schema": {
                "AT": {"type": "time"},
                "FROM": {"type": "time"},
                "EVERY_S": {"type": "integer", "minimum": 60, "optional": True},
                "KEEP": {"type": "integer"},
                "URL": {"type": "url"},
                "ON": {"type": "boolean"},
            },
        },
        "set": {"services": {"api": {"environment": {"EVERY_S": "60"}}}},
    },
    "a wrong variable where the service is off": {
        "services": {"b": {"environment": {"A": ""}, "environment_schema": {"A": {"type": "string"}}}},
        "set": {"services": {"b": {"enabled": False}}},
    },
    "closing braces in a variable": {
        "set": {"services": {"api": {"environment": {"A": '[{"a": {"b": 1}}]'}}}}
    },
}


@pytest.mark.parametrize("name", SOUND)
def test_what_is_sound_is_let_through(name: str, tmp_path: Path) -> None:
    assert messages(tmp_path, SOUND[name]) == []


def test_a_place_is_one_short_printable_line() -> None:
    assert printable("a\nb\ud800\x1b[31m") == "a\\nb\\ud800\\x1b[31m"
    assert len(printable("x" * 10_000)) < 400
