from __future__ import annotations

import io
import os
import subprocess
import tarfile
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from lab.apt import Apt, archive, files_for, parse_targets
from lab.catalog import IMAGES
from lab.model import NODES, Lab
from lab.nodes import HOST_KEY, capabilities, host_key_pair, node_command
from lab.others import foreign
from lab.status import parse_answers

LAB = Lab(id="cafe0123", subnet=IPv4Network("10.213.7.0/24"), push_port=5001)
TARGETS = """
http://packages.test/debian/ bookworm
http://packages.test/debian/ bookworm-updates
http://packages.test/debian-security/ bookworm-security
"""


def test_a_capability_that_the_host_lacks_is_not_asked_for() -> None:
    held = capabilities("Name:\tx\nCapBnd:\t000001fffeffffff\n")
    assert "SYS_RESOURCE" not in held
    assert {"SYS_ADMIN", "NET_ADMIN", "AUDIT_READ"} <= set(held)
    assert len(held) == 37


def test_a_node_is_made_with_label_and_fixed_address_and_never_privileged() -> None:
    command = node_command(LAB, NODES[0], "image", ["SYS_ADMIN"])
    assert command[command.index("--label") + 1] == "platform-beta.lab=cafe0123"
    assert command[command.index("--ip") + 1] == "10.213.7.11"
    assert "cafe0123-node-1:/var/lib/docker" in command
    assert "--privileged" not in command
    assert command[-1] == "image"


def test_a_manager_and_a_worker_refuse_old_versions_of_the_api() -> None:
    limited = [node for node in NODES if node.min_api_version]
    assert {node.role for node in limited} == {"manager", "worker"}
    for node in NODES:
        command = node_command(LAB, node, "image", [])
        told = [word for word in command if word.startswith("DOCKER_MIN_API_VERSION=")]
        assert told == (["DOCKER_MIN_API_VERSION=1.44"] if node in limited else [])
        assert all(command[command.index(word) - 1] == "--env" for word in told)


def test_the_entry_passes_the_limit_to_the_engines_unit(tmp_path: Path) -> None:
    text = (IMAGES / "node/rootfs/usr/local/sbin/lab-node-entry").read_text()
    drop_in = tmp_path / "docker.service.d" / "lab.conf"
    text = text.replace("/etc/systemd/system/docker.service.d/lab.conf", str(drop_in))
    script = text.replace('main "$@" </dev/null', "limit_engine")
    assert script.count(str(drop_in)) == 1
    for limit, expected in (("1.44", "[Service]\nEnvironment=DOCKER_MIN_API_VERSION=1.44\n"), ("", None)):
        subprocess.run(
            ["bash", "-c", script], env={**os.environ, "DOCKER_MIN_API_VERSION": limit}, check=True
        )
        assert (drop_in.read_text() if drop_in.exists() else None) == expected


def test_sshd_of_a_node_keeps_the_limits_of_its_distribution() -> None:
    lines = (IMAGES / "node/rootfs/etc/ssh/sshd_config.d/lab.conf").read_text().splitlines()
    assert [line for line in lines if line.startswith(("Max", "PerSource"))] == []


def test_every_node_has_host_keys_of_its_own_readable_by_root_alone() -> None:
    one, other = host_key_pair(), host_key_pair()
    assert one[HOST_KEY] != other[HOST_KEY]
    assert one[f"{HOST_KEY}.pub"].startswith(b"ssh-ed25519 AAAA")
    with tarfile.open(fileobj=io.BytesIO(archive(one, private=frozenset({HOST_KEY})))) as tar:
        assert {entry.name: entry.mode for entry in tar} == {
            HOST_KEY.lstrip("/"): 0o600,
            f"{HOST_KEY}.pub".lstrip("/"): 0o644,
        }


def test_the_hosts_mirrors_are_found_among_its_suites() -> None:
    expected = ("http://packages.test/debian", "http://packages.test/debian-security")
    assert parse_targets(TARGETS) == expected


def test_another_vendors_repository_is_no_mirror() -> None:
    assert parse_targets("http://other.test/apt nodistro\n" + TARGETS)[0] == "http://packages.test/debian"
    with pytest.raises(LookupError):
        parse_targets("http://other.test/apt nodistro\n")


def test_packages_come_the_hosts_way() -> None:
    apt = Apt("http://m.test/debian", "http://m.test/security", ('Acquire::http::Proxy "http://p.test:1";',))
    files = files_for(apt, "bookworm")
    assert files["/etc/apt/sources.list"].decode().splitlines() == [
        "deb http://m.test/debian bookworm main",
        "deb http://m.test/debian bookworm-updates main",
        "deb http://m.test/security bookworm-security main",
    ]
    assert b'Proxy "http://p.test:1"' in files["/etc/apt/apt.conf.d/90-lab"]
    assert files_for(apt, "sid")["/etc/apt/sources.list"] == b"deb http://m.test/debian sid main\n"


def test_only_labs_of_other_checkouts_are_foreign() -> None:
    assert foreign("a-node-1 a\nb-node-1 b\n\nb-registry b\n", own="a") == ["b-node-1", "b-registry"]


@pytest.mark.parametrize(
    ("swarm", "shown"),
    [("active true", "manager"), ("active false", "worker"), ("inactive false", "inactive")],
)
def test_a_nodes_answers_are_read(swarm: str, shown: str) -> None:
    text = f"running\nactive\n{swarm}\n209715200\ntotal_inactive_file 104857600\n"
    assert parse_answers(text) == {
        "systemd": "running",
        "engine": "active",
        "swarm": shown,
        "memory_mib": 100,
    }


def test_answers_that_are_missing_are_no_answers() -> None:
    with pytest.raises(ValueError, match="values"):
        parse_answers("running\nactive\n")
