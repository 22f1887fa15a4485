"""install-engine and set-sysctls against a fake host."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.scripts.conftest import Machine

CONFIG = '{\n  "log-driver": "json-file"\n}\n'
ENGINE = {"ENGINE_SOURCE": "distribution", "DAEMON_JSON": CONFIG, "OPERATORS": ""}

#: Running unless the file `broken` names the configuration in force; a start writes the pid file.
SYSTEMCTL = """
case "$*" in
  "-q is-active docker") [ -f "$FAKES/docker.pid" ] ;;
  "restart docker")
    rm -f "$FAKES/docker.pid"
    grep -q broken "$FAKES/docker/daemon.json" 2>/dev/null && exit 1
    touch "$FAKES/docker.pid" ;;
esac
"""
#: Answers while the pid file is there; `starting` names unhealthy containers, one fewer each time.
DOCKER = """
[ -f "$FAKES/docker.pid" ] || exit 1
case "$1" in
  info) cat "$FAKES/swarm" ;;
  ps) cat "$FAKES/starting" && sed -i 1d "$FAKES/starting" ;;
  node) cat "$FAKES/leaderless" ;;
  *) cat "$FAKES/version" ;;
esac
"""


@pytest.fixture
def host(machine: Machine) -> Machine:
    """A Debian host with a running engine that is as declared."""
    machine.fake("systemctl", SYSTEMCTL)
    machine.fake("docker", DOCKER)
    machine.fake("dockerd", "echo --config-file")
    machine.fake("curl", "exit 64")
    machine.fake("journalctl", "echo failed to start daemon: no such driver")
    machine.fake("dpkg", "cat $FAKES/audit 2>/dev/null; [ $1 = --configure ] && rm -f $FAKES/audit; true")
    machine.fake("apt-get", "exit 64")
    machine.fake("apt-cache", "echo '  Candidate: 20.10'")
    machine.write("os-release", 'ID=debian\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian 12"\n')
    machine.write("version", "20.10.24+dfsg1\n")
    machine.write("swarm", "node-1|/var/lib/docker|inactive|false\n")
    machine.write("starting", "")
    config = machine.write("docker/daemon.json", CONFIG)
    os.utime(config, (1, 1))
    machine.write("docker.pid", "1")
    return machine


def config_file(host: Machine) -> Path:
    return host.folder / "docker" / "daemon.json"


def test_a_host_that_is_as_declared_is_left_alone(host: Machine) -> None:
    run = host.run("install-engine.sh", **ENGINE)
    assert (run.code, run.out) == (0, "engine 20.10.24+dfsg1\n")
    assert run.err == ""
    assert run.called("systemctl restart") + run.called("apt-get") == []


def test_after_a_restart_in_a_swarm_the_nodes_tasks_are_waited_for(host: Machine) -> None:
    host.write("swarm", "node-1|/var/lib/docker|active|false\n")
    host.write("starting", "one\ntwo\n")
    changed = {**ENGINE, "DAEMON_JSON": CONFIG.replace("json-file", "local"), "SETTLE_S": "0"}
    run = host.run("install-engine.sh", **changed)
    assert (run.code, len(run.called("systemctl restart"))) == (0, 1)
    assert len(run.called("docker ps")) == 3
    assert "waits for the tasks" in run.err


def test_without_a_leader_no_task_is_waited_for(host: Machine) -> None:
    host.write("swarm", "node-1|/var/lib/docker|pending|false\n")
    host.write("leaderless", "Error response from daemon: rpc error: The swarm does not have a leader.\n")
    (host.folder / "docker.pid").unlink()
    run = host.run("install-engine.sh", **{**ENGINE, "SETTLE_S": "0"})
    assert (run.code, len(run.called("systemctl restart")), run.called("docker ps")) == (0, 1, [])
    assert "the swarm has no leader yet" in run.err


def test_an_engine_that_ran_waits_for_a_leader_so_that_no_other_is_restarted_without_one(
    host: Machine,
) -> None:
    host.write("swarm", "node-1|/var/lib/docker|active|true\n")
    host.write("leaderless", "Error response from daemon: rpc error: The swarm does not have a leader.\n")
    changed = {**ENGINE, "DAEMON_JSON": CONFIG.replace("json-file", "local"), "SETTLE_S": "0"}
    run = host.run("install-engine.sh", **changed)
    assert (run.code, len(run.called("systemctl restart"))) == (1, 1)
    assert "the swarm has no leader 70 s after this engine's restart; start the managers" in run.last_words


def test_the_configuration_is_there_before_the_first_start(host: Machine) -> None:
    config_file(host).unlink()
    for name in ("dockerd", "docker.pid"):
        (host.folder / ("bin" if name == "dockerd" else ".") / name).unlink()
    host.fake("apt-get", f'cp "{config_file(host)}" "$FAKES/seen" && touch "$FAKES/docker.pid"')
    run = host.run("install-engine.sh", **ENGINE)
    assert run.code == 0
    assert (host.folder / "seen").read_text() == CONFIG
    assert "docker.io" in run.called("apt-get")[0]
    assert all(" update" not in call for call in run.called("apt-get"))


def test_lists_of_packages_are_fetched_when_the_known_ones_do_not_do(host: Machine) -> None:
    (host.folder / "bin" / "dockerd").unlink()
    host.fake("apt-get", 'case "$*" in *update*) touch "$FAKES/fresh" ;; *) [ -f "$FAKES/fresh" ] ;; esac')
    run = host.run("install-engine.sh", **ENGINE)
    assert run.code == 0
    assert len(run.called("apt-get")) == 3


def test_another_package_manager_is_waited_for(host: Machine) -> None:
    (host.folder / "bin" / "dockerd").unlink()
    busy = 'echo "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7"; exit 100'
    host.fake("apt-get", f'[ -f "$FAKES/twice" ] || {{ touch "$FAKES/twice"; {busy}; }}')
    run = host.run("install-engine.sh", **ENGINE)
    assert run.code == 0
    assert "waits for another package manager" in run.err


def test_an_interrupted_installation_is_finished(host: Machine) -> None:
    host.write("audit", "docker.io is not configured\n")
    host.fake("apt-get", "")
    run = host.run("install-engine.sh", **ENGINE)
    assert run.code == 0
    assert run.called("dpkg --configure -a")


def test_a_changed_configuration_restarts_the_engine_once(host: Machine) -> None:
    changed = {**ENGINE, "DAEMON_JSON": '{"debug": true}'}
    first = host.run("install-engine.sh", **changed)
    again = host.run("install-engine.sh", **changed)
    assert config_file(host).read_text() == '{"debug": true}\n'
    assert (len(first.called("systemctl restart")), again.called("systemctl restart")) == (1, [])


def test_a_configuration_written_but_not_in_force_is_noticed(host: Machine) -> None:
    os.utime(config_file(host))
    os.utime(host.folder / "docker.pid", (1, 1))
    run = host.run("install-engine.sh", **ENGINE)
    assert (run.code, len(run.called("systemctl restart"))) == (0, 1)


def test_a_configuration_that_does_not_start_is_put_back(host: Machine) -> None:
    run = host.run("install-engine.sh", **{**ENGINE, "DAEMON_JSON": '{"broken": 1}'})
    assert run.code == 1
    assert config_file(host).read_text() == CONFIG
    assert (host.folder / "docker.pid").exists()
    assert "no such driver" in run.err
    assert "the former one is back" in run.last_words


def test_a_configuration_that_dockerd_refuses_is_never_written(host: Machine) -> None:
    host.fake("dockerd", 'case "$*" in *--help*) echo --validate ;; *) echo unknown option; exit 1 ;; esac')
    run = host.run("install-engine.sh", **{**ENGINE, "DAEMON_JSON": '{"broken": 1}'})
    assert run.code == 1
    assert config_file(host).read_text() == CONFIG
    assert run.called("systemctl restart") == []
    assert "dockerd refuses the configuration: unknown option" in run.last_words


@pytest.mark.parametrize(("version", "code"), [("19.03.15", 1), ("20.10.0", 0), ("28.2.2", 0), ("1.13.1", 1)])
def test_old_engines_are_refused(host: Machine, version: str, code: int) -> None:
    host.write("version", version + "\n")
    run = host.run("install-engine.sh", **ENGINE)
    assert run.code == code
    assert (f"Docker Engine {version} is older than 20.10" in run.last_words) == bool(code)


def test_operators_join_the_docker_group(host: Machine) -> None:
    host.fake("getent", "")
    host.fake("id", '[ "$2" = ann ] && echo "ann docker" || echo bob')
    host.fake("usermod", "")
    run = host.run("install-engine.sh", **{**ENGINE, "OPERATORS": "ann bob"})
    assert (run.code, run.called("usermod")) == (0, ["usermod -aG docker bob"])


def test_a_missing_operator_is_named(host: Machine) -> None:
    host.fake("getent", "exit 2")
    run = host.run("install-engine.sh", **{**ENGINE, "OPERATORS": "bob"})
    assert run.code == 1
    assert "has no user bob; make the user" in run.last_words


def test_podman_in_disguise_is_not_installed(host: Machine) -> None:
    (host.folder / "bin" / "dockerd").unlink()
    host.write("os-release", 'ID=rocky\nID_LIKE="rhel centos fedora"\nPRETTY_NAME="Rocky Linux 9"\n')
    run = host.run("install-engine.sh", **ENGINE)
    assert (run.code, run.called("apt-get")) == (1, [])
    assert "Rocky Linux 9 has no Docker Engine of its own; set engine.source to docker" in run.last_words


def test_a_repository_with_another_key_is_refused(host: Machine) -> None:
    (host.folder / "bin" / "dockerd").unlink()
    host.fake("curl", 'while [ "$1" != -o ]; do shift; done; echo key >"$2"')
    host.fake("gpg", "echo fpr:::::::::0000000000000000000000000000000000000000:")
    run = host.run(
        "install-engine.sh",
        **{**ENGINE, "ENGINE_SOURCE": "docker", "ENGINE_REPOSITORY": "https://mirror.example/linux"},
    )
    assert (run.code, run.called("apt-get")) == (1, [])
    assert "holds another key than Docker's" in run.last_words
    assert not (host.folder / "keys" / "docker.asc").exists()


def test_kernel_settings_are_written_set_and_read_back(machine: Machine) -> None:
    machine.fake("sysctl", '[ "$1" = -n ] && exec cat "$FAKES/$2"; echo "${2#*=}" >"$FAKES/${2%%=*}"')
    machine.write("vm.max_map_count", "65530\n")
    machine.write("net.ipv4.ip_local_port_range", "32768\t60999\n")
    text = "# ours\nvm.max_map_count = 262144\nnet.ipv4.ip_local_port_range=32768 60999\n"
    first = machine.run("set-sysctls.sh", SYSCTLS=text)
    again = machine.run("set-sysctls.sh", SYSCTLS=text)
    assert (first.code, first.out, again.out) == (0, "sysctls 2\n", "sysctls 2\n")
    assert first.called("sysctl -qw") == ["sysctl -qw vm.max_map_count=262144"]
    assert (again.called("sysctl -qw"), again.err) == ([], "")
    assert (machine.folder / "sysctl.conf").read_text() == text


def test_settings_the_kernel_refuses_are_all_named(machine: Machine) -> None:
    machine.fake("sysctl", "exit 1")
    run = machine.run("set-sysctls.sh", SYSCTLS="a.b=1\nc.d=2 3\n")
    assert run.code == 1
    assert "the kernel did not take a.b=1 c.d=2 3" in run.last_words
