"""facts.sh itself, on this machine, with fakes ahead on PATH: what it asks, and that it writes nothing."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from components.observe import NodeFacts, parse_facts
from components.observe.over_ssh import SCRIPT, facts_script, reason_of
from tests.unit.examples import settings

UNITS = "Id=docker.service\nLoadState=loaded\nActiveState={state}\nUnitFileState={enabled}\n"
UNITS += "\nId=platform-beta-firewall.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\n"
INFO = 'engine 28.0.1\ndocker_root /\nswarm_state active\nswarm_manager {manager}\nswarm_error ""\n'


@pytest.fixture
def fakes(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("docker", "dockerd", "systemctl"):
        fake(folder, name, "exit 1")
    return folder


def fake(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f'#!/bin/bash\necho "{name} $*" >>{folder}/calls\n{body}\n')
    path.chmod(0o755)


def unit(folder: Path, state: str, enabled: str = "enabled") -> None:
    fake(folder, "systemctl", f"cat <<'EOF'\n{UNITS.format(state=state, enabled=enabled)}\nEOF")


def docker(folder: Path, info: str) -> None:
    row = 'members {"id":"i","name":"n","role":"worker","availability":"active","state":"down",'
    row += '"address":"a","labels":{"k":"v w"},"reachability":null}'
    body = f"case $1$2 in info*) cat <<'EOF'\n{info}EOF\n;; nodels) echo i ;;"
    body += f" nodeinspect) cat <<'EOF'\n{row}\nEOF\n;; esac"
    fake(folder, "docker", body)


def run(folder: Path, peers: str = "", ssh_port: int = 1, **inputs: str) -> NodeFacts:
    given = {
        "SELF_ADDRESS": "127.0.0.1",
        "SSH_PORT": str(ssh_port),
        "PEERS": peers,
        "SYSCTLS": "",
        "OPERATORS": "",
    }
    preamble = "".join(f"{key}='{value}'\n" for key, value in {**given, **inputs}.items())
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-s"], input=preamble + SCRIPT(), env=environment, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return parse_facts(done.stdout, 0.0)


def calls(folder: Path) -> str:
    return (folder / "calls").read_text()


@pytest.mark.parametrize("state", ["inactive", "failed"])
def test_a_stopped_engine_is_not_asked_since_its_socket_would_start_it(fakes: Path, state: str) -> None:
    unit(fakes, state, enabled="disabled")
    facts = run(fakes)
    assert (facts.engine, facts.engine_enabled) == ("stopped", False)
    assert "docker " not in calls(fakes)


def test_an_engine_that_runs_and_says_nothing_is_unknown(fakes: Path) -> None:
    unit(fakes, "active")
    assert run(fakes).engine == "unknown"


def test_an_engine_that_starts_over_and_over_is_stopped(fakes: Path) -> None:
    unit(fakes, "activating")
    assert run(fakes).engine == "stopped"


def test_only_a_manager_is_asked_for_the_members(fakes: Path) -> None:
    unit(fakes, "active")
    docker(fakes, INFO.format(manager="false"))
    assert (run(fakes).members, "node ls" in calls(fakes)) == (None, False)
    docker(fakes, INFO.format(manager="true"))
    (member,) = run(fakes).members or ()
    assert (member.name, member.state, member.labels) == ("n", "down", {"k": "v w"})


NETWORK = 'overlays {"name":"beta","ipam":[],"options":{},"labels":{},"attachable":true}'


@pytest.mark.parametrize("failing", ["", "networkls", "networkinspect", "servicels"])
def test_networks_and_services_are_known_all_or_not_at_all(fakes: Path, failing: str) -> None:
    unit(fakes, "active")
    body = f"case $1$2 in info*) cat <<'EOF'\n{INFO.format(manager='true')}EOF\n;; '{failing}') exit 1 ;;"
    body += " networkls) printf 'ingress\\nbeta\\n' ;; servicels) printf 'a\\nb\\n' ;;"
    fake(fakes, "docker", f"{body} networkinspect) echo '{NETWORK}' ;; esac")
    facts = run(fakes)
    if failing:
        assert (facts.overlays, facts.services) == (None, None)
    else:
        assert [each.name for each in facts.overlays or ()] == ["beta"]
        assert facts.services == 2


def test_one_fact_that_fails_loses_only_itself(fakes: Path) -> None:
    for name in ("df", "ip", "nproc", "getent", "uname"):
        fake(fakes, name, "exit 3")
    facts = run(fakes)
    assert (facts.disk_free_mib, facts.routes, facts.cores, facts.docker_group) == (None, None, None, None)
    assert facts.memory_mib
    assert facts.os_id
    assert facts.clock_skew_s is not None, "it reached its end"


def test_users_and_kernel_settings_are_read(fakes: Path) -> None:
    fake(fakes, "getent", "echo docker:x:103:li,wang")
    fake(fakes, "id", "case $2 in zhao) echo zhao docker ;; nobody-here) exit 1 ;; *) echo users ;; esac")
    facts = run(fakes, OPERATORS="zhao chen nobody-here", SYSCTLS="kernel.ostype net.no.such.key")
    assert facts.docker_group == frozenset({"li", "wang", "zhao"})
    assert facts.missing_users == frozenset({"nobody-here"})
    assert facts.sysctls == {"kernel.ostype": "Linux", "net.no.such.key": ""}


def test_a_slash_in_a_kernel_settings_name_is_a_dot_of_an_interface(
    fakes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for interface, value in (("eth0.100", "2"), ("eth0", "1")):
        file = tmp_path / "net/ipv4/conf" / interface / "rp_filter"
        file.parent.mkdir(parents=True)
        file.write_text(f"{value}\n")
    text = SCRIPT().replace("/proc/sys/", f"{tmp_path}/")
    monkeypatch.setattr("tests.unit.test_facts_script.SCRIPT", lambda: text)
    keys = {"net.ipv4.conf.eth0/100.rp_filter": "2", "net.ipv4.conf.eth0.rp_filter": "1"}
    assert run(fakes, SYSCTLS=" ".join(keys)).sysctls == keys


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_ports_of_others_are_tried(fakes: Path, listener: int) -> None:
    script = SCRIPT().replace("7946", str(listener)).replace("2377", "1")
    assert script != SCRIPT()
    preamble = "SELF_ADDRESS=127.0.0.1\nSSH_PORT=1\nPEERS='127.0.0.1'\nSYSCTLS=''\nOPERATORS=''\n"
    done = subprocess.run(["bash", "-s"], input=preamble + script, capture_output=True, text=True, check=True)
    peers = parse_facts(done.stdout).peers
    assert {port: probe.state for (_, port), probe in peers.items()} == {1: "refused", listener: "open"}
    assert all(probe.latency_ms is not None and probe.latency_ms < 1000 for probe in peers.values())


def test_the_script_writes_no_file() -> None:
    code = "\n".join(
        line.split(" # ")[0] for line in SCRIPT().splitlines() if not line.lstrip().startswith("#")
    )
    assert "<<" not in code, "older shells keep here-documents in files"
    targets = re.findall(r"(?<![0-9<$-])[0-9&]?>{1,2}(?!\()\s*([^\s;)]+)", code)
    assert set(targets) <= {"/dev/null", "&1", "=", '"/dev/tcp/$0/$1"'} | {t for t in targets if t.isdigit()}
    assert not re.search(
        r"\b(mktemp|tee|touch|rm|mv|cp|mkdir|sysctl -w|usermod|systemctl (start|stop|enable))\b", code
    )


def test_inputs_are_quoted() -> None:
    environment = settings(engine={"operators": ["deploy"], "sysctls": {"net.core.somaxconn": "1"}})
    script = facts_script(environment, environment.nodes[0])
    assert script.startswith(
        "SELF_ADDRESS=192.0.2.11\nSSH_PORT=22\nPEERS='192.0.2.12 192.0.2.13 192.0.2.14 192.0.2.15'\n"
    )
    assert "SYSCTLS=net.core.somaxconn\nOPERATORS=deploy\n" in script


def test_why_a_node_could_not_be_asked_is_said_in_plain_words() -> None:
    dialled = OSError(113, "Connect call failed ('192.0.2.11', 22)")
    assert reason_of(dialled) == "no route to host"
    assert reason_of(asyncssh.PermissionDenied("Permission denied")) == "Permission denied"
    assert reason_of(ConnectionResetError()) == "ConnectionResetError"
