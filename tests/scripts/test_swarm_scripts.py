"""join-, leave-, set-swarm, set-, retire- and remove-node, read-join-token against a fake engine."""

from __future__ import annotations

import pytest

from tests.scripts.conftest import Machine

TOKEN = "SWMTKN-1-3pu6hszjas19xyp7ghgosyx9k8atbfcr8p2is99znpy26u2lkl-1awxwuwd3z9j1z3puu7rcgdbx"
JOIN = {
    "NODE_NAME": "node-1",
    "ROLE": "manager",
    "ADVERTISE_ADDRESS": "10.0.0.1",
    "INVITATION": f"{TOKEN} 127.0.0.1",
}
FOUND = {**JOIN, "INVITATION": "found -"}
RETIRE = {"NODE_NAME": "node-2", "MOVE_TIMEOUT_S": "1"}
NODE = {"NODE_NAME": "node-2", "ROLE": "worker", "AVAILABILITY": "active", "LABELS": "edge=true\n"}

#: `docker info` prints the file `info`; init and join turn it into `info.after`, leaving into `info.left`.
DOCKER = f"""
case "$1 $2" in
  "info "*) cat "$FAKES/info" ;;
  "ps "*) head -n 1 "$FAKES/running" 2>/dev/null; sed -i 1d "$FAKES/running" 2>/dev/null || true ;;
  "swarm init") cat "$FAKES/info.after" >"$FAKES/info"; echo "docker swarm join --token {TOKEN}" ;;
  "swarm leave") cat "$FAKES/info.left" >"$FAKES/info" ;;
  "swarm update") cat "$FAKES/info.after" >"$FAKES/info" ;;
  "swarm join-token") echo "{TOKEN}" ;;
  "node demote") cat "$FAKES/info.demoted" >"$FAKES/info" 2>/dev/null || true ;;
  "node ls") case "$*" in *Hostname* | *Self*) cat "$FAKES/nodes" ;; *) cat "$FAKES/roles" || true ;; esac ;;
  "node ps") cat "$FAKES/tasks" 2>/dev/null || true ;;
  "service ls") cat "$FAKES/services" ;;
  "node inspect") cat "$FAKES/node" ;;
  "node update") cat "$FAKES/node.after" >"$FAKES/node" 2>/dev/null || true ;;
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


def two_lists(host: Machine, managers: str) -> None:
    """`node ls` gives the managers' states when asked for managers, else the file `nodes`."""
    listed = f'case "$*" in *role=manager*) printf "{managers}" ;; *) cat "$FAKES/nodes" ;; esac'
    host.fake("docker", DOCKER.replace('"node ls") case', f'"node ls") {listed} ;;\n  "never") case'))


@pytest.fixture
def host(machine: Machine) -> Machine:
    machine.fake("docker", DOCKER)
    machine.write("info", info("inactive"))
    machine.write("info.left", info("inactive"))
    return machine


def test_the_first_manager_makes_a_swarm_and_prints_no_token(host: Machine) -> None:
    host.write("info.after", info("active", True, "10.0.0.1"))
    run = host.run("join-swarm.sh", **FOUND)
    assert (run.code, run.out) == (0, "node node-id\n")
    assert run.called("docker swarm init") == ["docker swarm init --advertise-addr 10.0.0.1"]
    assert TOKEN not in run.out + run.err


def test_founding_again_changes_nothing_and_prints_the_same(host: Machine) -> None:
    host.write("info", info("active", True, "10.0.0.1"))
    run = host.run("join-swarm.sh", **FOUND)
    assert (run.code, run.out, run.called("docker swarm")) == (0, "node node-id\n", [])


def test_founding_refuses_a_worker_of_another_swarm(host: Machine) -> None:
    host.write("info", info("active", False, "10.0.0.1"))
    run = host.run("join-swarm.sh", **FOUND)
    assert run.code == 1
    assert "is a worker of a swarm already; take it out" in run.last_words


def test_founding_refuses_a_host_of_another_name(host: Machine) -> None:
    host.write("info", info("inactive", name="debian"))
    run = host.run("join-swarm.sh", **FOUND)
    assert (run.code, run.called("docker swarm")) == (1, [])
    assert run.last_words.startswith(
        "node-1: the host calls itself debian; run 'hostnamectl set-hostname node-1"
    )


def test_founding_leaves_a_half_made_swarm_first(host: Machine) -> None:
    host.write("info", info("error"))
    host.write("info.after", info("active", True, "10.0.0.1"))
    run = host.run("join-swarm.sh", **FOUND)
    assert run.code == 0
    assert [call.split(" --")[0] for call in run.called("docker swarm")] == [
        "docker swarm leave",
        "docker swarm init",
    ]


def test_a_state_that_holds_a_cluster_is_never_thrown_away(host: Machine) -> None:
    (host.folder / "root" / "swarm" / "raft").mkdir(parents=True)
    host.write("info", info("error").replace("/nowhere", str(host.folder / "root")))
    run = host.run("join-swarm.sh", **FOUND)
    assert (run.code, run.called("docker swarm")) == (1, [])
    assert "holds a swarm that does not start" in run.last_words


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


def test_a_node_leaves_when_the_containers_of_its_tasks_have_ended(host: Machine) -> None:
    host.write("info", info("active"))
    host.write("running", "mysql-1.1.abc\n" * 3)
    run = host.run("leave-swarm.sh", NODE_NAME="node-1", ROLE="worker")
    assert "waits until mysql-1.1.abc ended" in run.err
    last_question = max(number for number, call in enumerate(run.calls) if call.startswith("docker ps"))
    assert run.calls.index("docker swarm leave") > last_question
    assert len(run.called("docker ps")) == 4


@pytest.mark.parametrize(("state", "manager"), [("active", True), ("error", False)])
def test_a_node_whose_tasks_nobody_can_end_does_not_wait_for_them(
    host: Machine, state: str, manager: bool
) -> None:
    host.fake("docker", DOCKER.replace('"node ls")', '"node ls") exit 1 ;;\n  "never")'))
    host.write("info", info(state, manager))
    host.write("running", "mysql-1.1.abc\n" * 9)
    run = host.run("leave-swarm.sh", NODE_NAME="node-1", ROLE="manager")
    assert run.code == 0
    assert "the swarm can't be told to end mysql-1.1.abc; leaves all the same" in run.err
    assert len(run.called("docker ps")) == 2


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
    assert (run.code, len(run.called("docker ")), run.called("docker node update")) == (0, 3, [])


def test_the_former_self_of_a_node_goes(host: Machine) -> None:
    host.write("nodes", "old node-2 Down\nabc node-2 Ready\n")
    host.write("node", "worker active\nedge=true\n\n")
    run = host.run("set-node.sh", **NODE)
    assert (run.code, run.called("docker node rm")) == (0, ["docker node rm --force old"])


def test_a_worker_that_still_votes_is_promoted_and_demoted(host: Machine) -> None:
    host.write("nodes", "abc node-2 Down\n")
    host.write("node", "worker active\nedge=true\n\n")
    host.write("roles", "abc Unreachable\n")
    host.fake(
        "docker",
        DOCKER.replace('"node demote")', '"node promote") : ;;\n  "node demote") rm "$FAKES/roles";'),
    )
    run = host.run("set-node.sh", **NODE)
    changes = [call for call in run.calls if call.split()[1:3] in (["node", "promote"], ["node", "demote"])]
    assert (run.code, changes) == (0, ["docker node promote abc", "docker node demote abc"])
    assert "still has a manager's vote" in run.err


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


def test_only_the_invitation_is_printed(host: Machine) -> None:
    host.write("info", info("active", True, "10.0.0.1"))
    run = host.run("read-join-token.sh", NODE_NAME="node-2", ROLE="worker")
    assert (run.code, run.out, run.err) == (0, f"{TOKEN} 10.0.0.1\n", "")


def test_the_first_manager_is_told_to_found_the_swarm(host: Machine) -> None:
    run = host.run("read-join-token.sh", NODE_NAME="node-1", ROLE="manager")
    assert (run.code, run.out) == (0, "found -\n")


def test_nobody_else_is_told_to_found_a_swarm(host: Machine) -> None:
    run = host.run("read-join-token.sh", NODE_NAME="node-2", ROLE="manager")
    assert (run.code, run.out) == (1, "")
    assert "is no manager of a swarm" in run.last_words


def test_a_wiped_nodes_former_self_goes_before_the_node_is_invited(host: Machine) -> None:
    host.write("info", info("active", True, "10.0.0.1"))
    host.write("nodes", "old node-2 Down\nabc node-3 Ready\n")
    run = host.run("read-join-token.sh", "old", NODE_NAME="node-2", ROLE="manager")
    assert run.code == 0
    changes = [call for call in run.calls if call.split()[1:3] in (["node", "demote"], ["node", "rm"])]
    assert changes == ["docker node demote old", "docker node rm --force old"]


@pytest.mark.parametrize("told", [("old",), ("1764104000",), ()])
def test_who_is_no_former_self_any_more_is_neither_waited_for_nor_removed(
    host: Machine, told: tuple[str, ...]
) -> None:
    host.write("info", info("active", True, "10.0.0.1"))
    host.write("nodes", "new node-2 Ready\nabc node-3 Down\n")
    run = host.run("read-join-token.sh", *told, NODE_NAME="node-2", ROLE="manager")
    assert (run.code, run.called("docker node rm")) == (0, [])


def test_a_node_that_leaves_is_drained_and_demoted(host: Machine) -> None:
    host.write("info", info("active", True, "10.0.0.1"))
    host.write("nodes", "abc node-2 Ready\n")
    two_lists(host, "node-1 Leader\n")
    run = host.run("retire-node.sh", **RETIRE)
    assert (run.code, run.out) == (0, "retired node-2\n")
    assert run.called("docker node update") == ["docker node update --availability drain abc"]


def test_a_manager_that_leaves_is_demoted_if_the_others_keep_the_quorum(host: Machine) -> None:
    host.write("info", info("active", True, "10.0.0.1"))
    host.write("nodes", "abc node-2 Down Unreachable\n")
    two_lists(host, "node-2 Unreachable\nnode-1 Leader\nnode-3 Reachable\n")
    host.write("info.demoted", info("active", True, "10.0.0.1"))
    run = host.run("retire-node.sh", **RETIRE)
    assert (run.code, run.called("docker node demote")) == (0, ["docker node demote abc"])
    assert not run.called("docker node update")


def test_a_manager_whose_going_would_cost_the_quorum_is_not_retired(host: Machine) -> None:
    host.write("info", info("active", True, "10.0.0.1"))
    host.write("nodes", "abc node-2 Ready Reachable\n")
    two_lists(host, "node-2 Reachable\nnode-1 Leader\nnode-3 Unreachable\n")
    run = host.run("retire-node.sh", **RETIRE)
    assert (run.code, run.called("docker node demote")) == (1, [])
    assert "only 1 of the other managers answer" in run.last_words


def test_a_node_whose_tasks_run_nowhere_else_stays_drained(host: Machine) -> None:
    host.write("info", info("active", True, "10.0.0.1"))
    host.write("nodes", "abc node-2 Ready\n")
    host.write("tasks", "redis-1.1\n")
    host.write("services", "redis-1 0/1\n")
    run = host.run("retire-node.sh", **RETIRE)
    assert run.code == 1
    assert "not everything runs elsewhere: redis-1 0/1" in run.last_words


def test_a_lost_node_goes_off_the_list(host: Machine) -> None:
    host.write("info", info("active", True, "10.0.0.1"))
    host.write("nodes", "abc node-2 Down\ndef node-22 Ready\n")
    run = host.run("remove-node.sh", NODE_NAME="node-2")
    assert (run.code, run.called("docker node rm")) == (0, ["docker node rm --force abc"])


def test_where_there_is_no_swarm_any_more_nothing_is_to_be_removed(host: Machine) -> None:
    for script in ("remove-node.sh", "retire-node.sh"):
        run = host.run(script, **RETIRE)
        assert (run.code, run.called("docker node")) == (0, [])


def test_a_missing_input_is_named(host: Machine) -> None:
    run = host.run("join-swarm.sh", NODE_NAME="node-1", ROLE="worker", INVITATION="found -")
    assert (run.code, run.called("docker")) == (1, [])
    assert run.last_words.startswith("input ADVERTISE_ADDRESS: is missing or empty")
