"""Machines that are unfit or away: each fault is caught by a real run before anything is written."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.observe import Unreachable
from components.observe.over_ssh import observe
from components.topology import Plan
from tests.lab.nodes import on_node
from tests.lab.runner import Run, Tree, copy_of_the_checkout, until
from tests.lab.snapshot import at_rest, snapshot, written
from tests.lab.topics import cases

Config = dict[str, Any]
Change = Callable[[Config], None]
#: In the nodes' network; nobody has it.
NOBODY = "{net}.250"


def section(name: str, **changes: Any) -> Change:
    return lambda config: config[f"platform-beta:{name}"].update(changes)


def node(number: int, **changes: Any) -> Change:
    return lambda config: config["platform-beta:nodes"][number - 1].update(changes)


def sixth(**changes: Any) -> Change:
    """Another worker, as node-5 is, but for some changes."""

    def change(config: Config) -> None:
        nodes = config["platform-beta:nodes"]
        nodes.append({**nodes[4], "name": "node-6", "labels": {}, "host_key": f"{HOST_KEY}6", **changes})

    return change


HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleKeyOfNode1ReplaceMeWithTheRealOne000"
DEBIAN = "runs Debian GNU/Linux 13"
SETTINGS: dict[str, tuple[Change, str]] = {
    "too little memory": (section("preflight", memory_mib=999999), "MiB of memory of 999999 asked for"),
    "several at once": (
        section("preflight", cores=64, operating_systems={"debian": "99"}, memory_mib=999999),
        "15 faults on the machines, nothing was touched",
    ),
    "too few cores": (section("preflight", cores=64), "cores of 64 asked for"),
    "an old system": (section("preflight", operating_systems={"debian": "99"}), DEBIAN),
    "a strange system": (section("preflight", operating_systems={"ubuntu": "20.04"}), DEBIAN),
    "an old engine": (section("preflight", engine_version="99.0"), "is older than 99.0"),
    "clocks apart": (section("preflight", clock_skew_s=0.0000001), "clock is"),
    "an MTU that does not fit": (section("network", mtu=9000), "network.mtu"),
    "a user that is not there": (
        section("engine", operators=["deploy", "nobody-here"]),
        "no user nobody-here",
    ),
    "an address that is not its own": (node(4, address="{net}.99", ssh_host="{net}.14"), "not as {net}.99"),
    "a new node that is away": (sixth(address=NOBODY), "nodes/node-6: does not answer"),
    "one machine twice": (sixth(address=NOBODY, ssh_host="{net}.15"), "node-6"),
    "another port": (section("ssh", port=2222), "nodes/node-1: does not answer"),
    "another user": (section("ssh", user="nobody"), "nodes/node-2: does not answer"),
    "a key that opens nothing": (section("ssh", private_key_file="key"), "nodes/node-3: does not answer"),
}

TABLE = "nft add table inet away; nft add chain inet away in '{ type filter hook input priority -20; }'"
RULE = TABLE + "; nft add rule inet away in tcp dport "
OPEN = "nft delete table inet away"
BRIDGE = "ip link add away type bridge; ip link set away up; ip addr add {} dev away"
TOOLS = "/usr/sbin/nft /usr/sbin/iptables"
INIT = "docker swarm init --advertise-addr {net}.1"
#: On a busy machine an engine may need a second asking.
LEAVE = "for _ in 1 2 3 4; do docker swarm leave --force && break; sleep 5; done"
#: The node by number, what is done to it, how that is undone, and what the run must say.
HOSTS: dict[str, tuple[int, str, str, str]] = {
    # Its engine tells the swarm of a name up to 20 s later: no node that leaves a swarm soon after.
    "another name": (4, "hostname elsewhere", "hostname node-4", "the host calls itself elsewhere"),
    "a taken subnet": (4, BRIDGE.format("10.20.3.1/24"), "ip link del away", "network.subnet"),
    "a taken pool": (3, BRIDGE.format("172.30.9.1/24"), "ip link del away", "engine.address_pools[0].base"),
    "a smaller MTU": (2, "ip link set eth0 mtu 1400", "ip link set eth0 mtu 1500", "1400"),
    "gossip dropped": (5, RULE + "7946 drop", OPEN, "7946"),
    "gossip refused": (4, RULE + "7946 reject", OPEN, "7946"),
    "no firewall tool": (
        5,
        f"for tool in {TOOLS}; do mv $tool $tool.away; done",
        f"for tool in {TOOLS}; do mv $tool.away $tool; done",
        "has neither nft nor iptables",
    ),
    "a worker in another swarm": (
        5,
        f"docker swarm leave; {INIT}5",
        LEAVE,
        "nodes/node-5: manages the swarm",
    ),
    "a manager in another swarm": (
        3,
        f"docker swarm leave --force; {INIT}3",
        LEAVE,
        "nodes/node-3: manages the swarm",
    ),
    "a worker's subnet taken by a route": (
        5,
        "ip route add blackhole 10.20.8.0/24",
        "ip route del blackhole 10.20.8.0/24",
        "network.subnet",
    ),
}
#: Settings, and things done to machines, that don't hide each other.
SETTINGS_AT_ONCE = (
    *("too little memory", "too few cores", "an old system", "an old engine", "clocks apart"),
    *("an MTU that does not fit", "a user that is not there", "an address that is not its own"),
    "a new node that is away",
)
HOSTS_AT_ONCE = (
    *("another name", "a taken subnet", "a taken pool", "a smaller MTU", "gossip refused"),
    "no firewall tool",
)


@pytest.fixture(scope="module", autouse=True)
def rested(plan: Plan) -> None:
    """What the topic before left under way is no trace of a refused run."""
    at_rest(plan)


def here(text: str, plan: Plan) -> str:
    return text.replace("{net}", str(plan.settings.nodes[0].address).rpartition(".")[0])


def refused(tree: Tree, plan: Plan, says: Sequence[str], moving: bool = False) -> Run:
    """A run says all of these and touches nothing. `moving`: tasks may still be on their way."""
    before = at_rest(plan) if moving else snapshot(plan)
    done = tree.up()
    until(lambda: let_in(plan), 120, "every node lets us in again")
    assert done.code != 0, done.said
    assert "nothing was touched" in done.text, done.said
    assert [each for each in says if each not in done.text] == [], done.text
    assert "Traceback" not in done.text
    assert written(plan, before) == []
    for each in says:
        print(next(line for line in done.text.splitlines() if each in line).strip())
    return done


def let_in(plan: Plan) -> bool:
    """Denied logins shut this machine out for a while (PerSourcePenalties: man sshd_config)."""
    return not any(isinstance(fact, Unreachable) for fact in observe(plan.settings).values())


def refused_with(names: Sequence[str], folder: Path, checkout: Tree, plan: Plan) -> None:
    """A run whose stack file has all of these settings at once is refused for each of them."""
    variant = copy_of_the_checkout(folder, checkout.environment)
    file = variant.root / "Pulumi.lab.yaml"
    document = yaml.safe_load(file.read_text())
    for name in names:
        SETTINGS[name][0](document["config"])
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", variant.root / "key"], check=True)
    file.write_text(here(yaml.safe_dump(document, sort_keys=False), plan))
    refused(variant, plan, [here(SETTINGS[name][1], plan) for name in names])


def refused_on(names: Sequence[str], checkout: Tree, plan: Plan) -> None:
    """A run is refused for each of these, which are done to the machines at once and undone after it."""
    with contextlib.ExitStack() as undone:
        for name in names:
            number, inject, undo, _ = HOSTS[name]
            undone.callback(mend, plan, f"node-{number}", undo)
            on_node(plan.settings, f"node-{number}", here(inject, plan))
            if "swarm" in name:
                until(partial(seen_down, plan, number), 60, "the swarm notices that the node left")
        refused(
            checkout, plan, [HOSTS[name][3] for name in names], moving=any("swarm" in name for name in names)
        )


def seen_down(plan: Plan, number: int) -> bool:
    """Only then does the swarm move the node's tasks: it waits for three heartbeats of five seconds."""
    question = f"docker node ls --filter name=node-{number} --format '{{{{.Status}}}}'"
    return on_node(plan.settings, "node-1", question).split() == ["Down"]


def mend(plan: Plan, node: str, undo: str) -> None:
    told = on_node(plan.settings, node, f"{{ {undo}; }} 2>&1 && echo undone || true")
    assert told.endswith("undone\n"), f"{undo}: {told}"


def test_there_are_twenty_five() -> None:
    assert len(SETTINGS) + len(HOSTS) >= 25


def test_all_that_the_machines_do_not_meet_is_refused_at_once(
    tmp_path: Path, checkout: Tree, plan: Plan
) -> None:
    refused_with(SETTINGS_AT_ONCE, tmp_path, checkout, plan)


@pytest.mark.parametrize("name", cases(SETTINGS, tested=["one machine twice", "a key that opens nothing"]))
def test_a_setting_that_the_machines_do_not_meet_is_refused(
    name: str, tmp_path: Path, checkout: Tree, plan: Plan
) -> None:
    refused_with([name], tmp_path, checkout, plan)


def test_all_that_makes_machines_unfit_is_refused_at_once(checkout: Tree, plan: Plan) -> None:
    refused_on(HOSTS_AT_ONCE, checkout, plan)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", cases(HOSTS, tested=["a worker in another swarm"]))
def test_a_machine_that_is_unfit_is_refused(name: str, checkout: Tree, plan: Plan) -> None:
    try:
        refused_on([name], checkout, plan)
    finally:
        if "swarm" in name:
            assert checkout.up().code == 0
            at_rest(plan)


@pytest.mark.data_tier
def test_wrong_secrets_are_refused_all_at_once(tmp_path: Path, checkout: Tree, plan: Plan) -> None:
    variant = copy_of_the_checkout(tmp_path, checkout.environment)
    variant.give("redis_app_password", "short")
    variant.give("mysql_app_password", "beta_root_pass_2024")
    variant.give("mysql_tls_certificate", "no certificate at all")
    names = ("redis_app_password", "mysql_app_password", "mysql_tls_certificate")
    says = ["3 faults in the configuration", *(f"secrets.{name}: " for name in names)]
    assert "beta_root_pass_2024" not in refused(variant, plan, says).text
