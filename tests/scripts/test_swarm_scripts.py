"""init-, join-, leave-, set-swarm, set-node and read-join-token against a fake engine."""

from __future__ import annotations

import pytest

from tests.scripts.conftest import Machine

TOKEN = "SWMTKN-1-3pu6hszjas19xyp7ghgosyx9k8atbfcr8p2is99znpy26u2lkl-1awxwuwd3z9j1z3puu7rcgdbx"
INIT = {"NODE_NAME": "node-1", "ADVERTISE_ADDRESS": "10.0.0.1"}
JOIN = {
    "NODE_NAME": "node-1",
    "ROLE": "manager",
    "ADVERTISE_ADDRESS": "10.0.0.1",
    "MANAGER_ADDRESS": "127.0.0.1",
    "JOIN_TOKEN": TOKEN,
}
NODE = {"NODE_NAME": "node-2", "ROLE": "worker", "AVAILABILITY": "active", "LABELS": "edge=true\n"}

#: `docker info` prints the file `info`; init and join turn it into `info.after`, leaving into `info.left`.
DOCKER = f"""
case "$1 $2" in
  "info "*) cat "$FAKES/info" ;;
  "swarm init") cat "$FAKES/info.after" >"$FAKES/info"; echo "docker swarm join --token {TOKEN}" ;;
  "swarm leave") cat "$FAKES/info.left" >"$FAKES/info" ;;
  "swarm update") cat "$FAKES/info.after" >"$FAKES/info" ;;
  "swarm join-token") echo "{TOKEN}" ;;
  "node demote") cat "$FAKES/info.demoted" >"$FAKES/info" 2>/dev/null || true ;;
  "node ls") cat "$FAKES/nodes" ;;
  "node inspect") cat "$FAKES/node" ;;
  "node update") cat "$FAKES/node.after" >"$FAKES/node" ;;
  "node rm") : ;;
  *) exit 64 ;;
esac
"""


def info(
    state: str, manager: bool = False, address: str = "", managers: str = "", name: str = "node-1"
) -> str:
    """A line as read_host asks for it."""
    cluster = "cluster-1|5" if manager else "|"
    node = "node-id" if state == "active" else ""
    return f"{name}|/nowhere|{state}|{str(manager).lower()}|{node}|{address}|{cluster}|{managers}|\n"


@pytest.fixture
def host(machine: Machine) -> Machine:
    machine.fake("docker", DOCKER)
    machine.write("info", info("inactive"))
    machine.write("info.left", info("inactive"))
    return machine


def test_init_makes_a_swarm_and_prints_its_id_but_no_token(host: Machine) -> None:
    host.write("info.after", info("active", True, "10.0.0.1"))
    run = host.run("init-swarm.sh", **INIT)
    assert (run.code, run.out) == (0, "swarm cluster-1\n")
    assert run.called("docker swarm init") == ["docker swarm init --advertise-addr 10.0.0.1"]
    assert TOKEN not in run.out + run.err


def test_init_again_changes_nothing_and_prints_the_same(host: Machine) -> None:
    host.write("info", info("active", True, "10.0.0.1"))
    run = host.run("init-swarm.sh", **INIT)
    assert (run.code, run.out, run.called("docker swarm")) == (0, "swarm cluster-1\n", [])


def test_init_refuses_a_worker_of_another_swarm(host: Machine) -> None:
    host.write("info", info("active", False, "10.0.0.1"))
    run = host.run("init-swarm.sh", **INIT)
    assert run.code == 1
    assert "is a worker of a swarm already; take it out" in run.last_words


def test_init_refuses_a_host_of_another_name(host: Machine) -> None:
    host.write("info", info("inactive", name="debian"))
    run = host.run("init-swarm.sh", **INIT)
    assert (run.code, run.called("docker swarm")) == (1, [])
    assert run.last_words.startswith(
        "node-1: the host calls itself debian; run 'hostnamectl set-hostname node-1"
    )


def test_init_leaves_a_half_made_swarm_first(host: Machine) -> None:
    host.write("info", info("error"))
    host.write("info.after", info("active", True, "10.0.0.1"))
    run = host.run("init-swarm.sh", **INIT)
    assert run.code == 0
    assert [call.split(" --")[0] for call in run.called("docker swarm")] == [
        "docker swarm leave",
        "docker swarm init",
    ]


def test_a_state_that_holds_a_cluster_is_never_thrown_away(host: Machine) -> None:
    (host.folder / "root" / "swarm" / "raft").mkdir(parents=True)
    host.write("info", info("error").replace("/nowhere", str(host.folder / "root")))
    run = host.run("init-swarm.sh", **INIT)
    assert (run.code, run.called("docker swarm")) == (1, [])
    assert "holds a swarm that does not start" in run.last_words


def test_join_gives_the_token_on_stdin_and_never_in_arguments(host: Machine) -> None:
    host.fake("curl", 'cat >"$FAKES/asked"; cat "$FAKES/info.after" >"$FAKES/info"')
    host.write("info.after", info("active", True, "10.0.0.1", " 127.0.0.1:2377"))
    host.fake("timeout", "exit 0")  # the manager's port answers
    run = host.run("join-swarm.sh", **JOIN)
    assert (run.code, run.out) == (0, "node node-id\n")
    assert f'"JoinToken":"{TOKEN}"' in (host.folder / "asked").read_text()
    assert TOKEN not in "".join(run.calls) + run.err


def test_a_failed_join_says_why_without_the_token(host: Machine) -> None:
    host.fake("curl", f'cat >/dev/null; echo "rpc error: invalid join token {TOKEN}"')
    host.fake("timeout", "exit 0")
    run = host.run("join-swarm.sh", **JOIN)
    assert run.code == 1
    assert "invalid join token <token>" in run.last_words
    assert TOKEN not in run.out + run.err


def test_join_again_asks_nothing_of_the_swarm(host: Machine) -> None:
    host.write("info", info("active", True, "10.0.0.1", " 10.0.0.9:2377 127.0.0.1:2377"))
    run = host.run("join-swarm.sh", **JOIN)
    assert (run.code, run.out, len(run.called("docker "))) == (0, "node node-id\n", 2)


def test_join_refuses_a_member_of_another_swarm(host: Machine) -> None:
    host.write("info", info("active", True, "10.0.0.1", " 127.0.0.11:2377"))
    run = host.run("join-swarm.sh", **JOIN)
    assert run.code == 1
    assert "is a node of another swarm" in run.last_words
    assert "docker swarm leave" in run.last_words


def test_join_says_when_the_manager_does_not_answer(host: Machine) -> None:
    host.fake("timeout", "exit 1")
    run = host.run("join-swarm.sh", **JOIN)
    assert run.code == 1
    assert "127.0.0.1:2377 does not answer" in run.last_words


@pytest.mark.parametrize("docker", [None, "exit 1"], ids=["no engine", "engine down"])
def test_leaving_is_done_where_no_engine_answers(machine: Machine, docker: str | None) -> None:
    if docker:
        machine.fake("docker", docker)
    run = machine.run("leave-swarm.sh", NODE_NAME="node-1", ROLE="worker")
    assert (run.code, run.out) == (0, "left node-1\n")


def test_a_worker_leaves_without_force(host: Machine) -> None:
    host.write("info", info("active"))
    run = host.run("leave-swarm.sh", NODE_NAME="node-1", ROLE="worker")
    assert (run.code, run.called("docker swarm")) == (0, ["docker swarm leave"])


def test_a_manager_steps_down_before_it_leaves(host: Machine) -> None:
    host.write("info", info("active", True))
    host.write("info.demoted", info("active", False))
    host.write("nodes", "true Reachable\nfalse Leader\nfalse Reachable\n")
    run = host.run("leave-swarm.sh", NODE_NAME="node-1", ROLE="manager")
    assert run.code == 0
    assert run.called("docker node demote") == ["docker node demote node-id"]
    assert run.called("docker swarm") == ["docker swarm leave"]


def test_the_last_manager_ends_the_swarm(host: Machine) -> None:
    host.write("info", info("active", True))
    host.write("nodes", "true Leader\n")
    run = host.run("leave-swarm.sh", NODE_NAME="node-1", ROLE="manager")
    assert (run.code, run.called("docker node demote")) == (0, [])
    assert run.called("docker swarm") == ["docker swarm leave --force"]


def test_a_manager_stays_when_its_going_would_cost_the_quorum(host: Machine) -> None:
    host.write("info", info("active", True))
    host.write("nodes", "true Leader\nfalse Reachable\nfalse Unreachable\n")
    run = host.run("leave-swarm.sh", NODE_NAME="node-1", ROLE="manager")
    assert (run.code, run.called("docker swarm")) == (1, [])
    assert "only 1 of the other 2 managers are reachable" in run.last_words


def test_a_node_gets_exactly_its_labels_in_one_request(host: Machine) -> None:
    host.write("nodes", "abc node-2 Ready\ndef node-22 Ready\n")
    host.write("node", "worker drain\nedge=false\nold.one=1\n\n")
    host.write("node.after", "worker active\nedge=true\n\n")
    run = host.run("set-node.sh", **NODE)
    assert (run.code, run.out) == (0, "node node-2 abc worker active edge=true\n")
    assert run.called("docker node update") == [
        "docker node update --role worker --availability active --label-rm old.one --label-add edge=true abc"
    ]


def test_a_node_that_is_as_declared_is_left_alone(host: Machine) -> None:
    host.write("nodes", "abc node-2 Ready\n")
    host.write("node", "worker active\nedge=true\n\n")
    run = host.run("set-node.sh", **NODE)
    assert (run.code, len(run.called("docker "))) == (0, 2)


def test_the_former_self_of_a_node_goes(host: Machine) -> None:
    host.write("nodes", "old node-2 Down\nabc node-2 Ready\n")
    host.write("node", "worker active\nedge=true\n\n")
    run = host.run("set-node.sh", **NODE)
    assert (run.code, run.called("docker node rm")) == (0, ["docker node rm --force old"])


def test_an_unknown_node_is_named(host: Machine) -> None:
    host.write("nodes", "abc node-22 Ready\n")
    run = host.run("set-node.sh", **NODE)
    assert run.code == 1
    assert run.last_words.startswith("node-2: is no node of this swarm; join it first")


def test_the_task_history_limit_is_set_once(host: Machine) -> None:
    host.write("info", info("active", True))
    host.write("info.after", info("active", True).replace("|5|", "|3|"))
    first = host.run("set-swarm.sh", TASK_HISTORY_LIMIT="3")
    again = host.run("set-swarm.sh", TASK_HISTORY_LIMIT="3")
    assert first.called("docker swarm") == ["docker swarm update --task-history-limit 3"]
    assert (again.called("docker swarm"), again.out) == ([], "task-history-limit 3\n")


def test_only_the_token_is_printed(host: Machine) -> None:
    run = host.run("read-join-token.sh", ROLE="worker")
    assert (run.code, run.out, run.err) == (0, TOKEN + "\n", "")


def test_a_missing_input_is_named(host: Machine) -> None:
    run = host.run("init-swarm.sh", NODE_NAME="node-1")
    assert (run.code, run.called("docker")) == (1, [])
    assert run.last_words.startswith("input ADVERTISE_ADDRESS: is missing or empty")
