"""Redis through everything that can happen to a node, under a ledger of acknowledged writes.

Writes followed by WAIT 1 must all be there in the end; plain writes are counted, and what of them is lost
is printed: Sentinel can't promise more (docs/decisions/0011-redis.md).
"""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator

import pytest

from components.topology import Plan
from lab import folder as folders
from lab.images import push_variant
from lab.model import NODES
from lab.shell import docker
from tests.lab.runner import ROOT, Tree
from tests.lab.writer import Writer

MEMBERS = ("redis-1", "redis-2", "redis-3")
FIRST_WRITE_S = 10
ROLL_GAP_S = 5
CLI = (
    "export REDISCLI_AUTH=$(cat /run/secrets/redis_admin_password); redis-cli --user admin --no-auth-warning"
)

pytestmark = [pytest.mark.data_tier, pytest.mark.timeout(900)]


class Set:
    """The Redis set on the lab's nodes."""

    def __init__(self, plan: Plan) -> None:
        self.addresses = {node.name: str(node.address) for node in plan.settings.nodes}
        units = [unit for s in plan.services if s.name.startswith("redis") for unit in plan.units(s)]
        self.homes = {unit.name: unit.home or "" for unit in units}
        taken = {home for name, home in self.homes.items() if name != "redis-backup"}
        #: A node without Redis, where the writers run.
        self.bystander = next(name for name in self.addresses if name not in taken)
        self.manager = plan.settings.managers[0].name

    def on(self, node: str, command: str, stdin: str = "", timeout_s: int = 120) -> str:
        options = ["-i", str(ROOT / ".lab/ssh/id_ed25519"), "-o", "StrictHostKeyChecking=no"]
        options += ["-o", "LogLevel=ERROR", "-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=3"]
        line = ["ssh", *options, f"root@{self.addresses[node]}", command]
        return subprocess.run(line, input=stdin, capture_output=True, text=True, timeout=timeout_s).stdout

    def container(self, unit: str) -> str:
        wanted = f"label=com.docker.swarm.service.name={unit}"
        return self.on(self.homes[unit], f"docker ps -q -f {wanted} -f status=running | head -1").strip()

    def cli(self, unit: str, command: str, port: int = 6379) -> str:
        script = f"{CLI} -p {port} {command}"
        return self.on(self.homes[unit], f"docker exec -i {self.container(unit)} bash", stdin=script)

    def master(self) -> str:
        for sentinel in (name for name in self.homes if name.startswith("redis-sentinel-")):
            command = "sentinel get-master-addr-by-name redis-master"
            if answer := self.cli(sentinel, command, 26379).split():
                return answer[0]
        return ""

    def wait_whole(self, limit_s: float = 180) -> float:
        began, seen = time.monotonic(), ""
        while time.monotonic() - began < limit_s:
            leader = self.master()
            seen = self.cli(leader, "info replication") if leader in MEMBERS else "no master"
            if "role:master" in seen and seen.count("state=online") == 2:
                return time.monotonic() - began
            time.sleep(1)
        raise AssertionError(f"the set isn't whole after {limit_s} s: {seen}")


@pytest.fixture(scope="module")
def redis(plan: Plan) -> Iterator[Set]:
    found = Set(plan)
    found.wait_whole()
    yield found
    found.wait_whole()


@pytest.fixture(scope="module")
def image() -> str:
    return push_variant("ledger", "1", {})


@pytest.fixture
def write(plan: Plan, redis: Set, image: str, secrets: dict[str, str]) -> Callable[[str, int], Writer]:
    node = next(node for node in plan.settings.nodes if node.name == redis.bystander)
    given = {"redis_app_password": secrets["redis_app_password"]}
    return lambda store, seconds: Writer(
        plan.settings, node, image, store, f"run{uuid.uuid4().hex[:8]}", seconds, given
    )


def lab(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "lab", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def kill_process(redis: Set, master: str) -> None:
    find = "grep -lx redis-server /proc/[0-9]*/comm | cut -d/ -f3 | xargs kill -9"
    redis.on(redis.homes[master], f"docker exec -i {redis.container(master)} bash", stdin=find)


def stop_container(redis: Set, master: str) -> None:
    redis.on(redis.homes[master], f"docker stop -t 60 {redis.container(master)}")


def force_update(redis: Set, master: str) -> None:
    redis.on(redis.manager, f"docker service update --force --detach=false {master}", timeout_s=200)


def drain_node(redis: Set, master: str) -> None:
    home = redis.homes[master]
    redis.on(redis.manager, f"docker node update --availability drain {home}")
    time.sleep(15)
    redis.on(redis.manager, f"docker node update --availability active {home}")


def lose_node(redis: Set, master: str) -> None:
    lab("stop-node", redis.homes[master], "--kill")
    time.sleep(15)
    lab("start-node", redis.homes[master])


def cut_network(redis: Set, master: str) -> None:
    own = folders.load(folders.OWN)
    assert own
    node = next(node for node in NODES if node.name == redis.homes[master])
    docker("network", "disconnect", own.network, own.container(node))
    time.sleep(30)
    docker("network", "connect", "--ip", str(own.address(node)), own.network, own.container(node))


FAULTS: dict[str, tuple[Callable[[Set, str], None], int]] = {
    "kill -9 of the process": (kill_process, 45),
    "stop of the container": (stop_container, 45),
    "service update --force": (force_update, 60),
    "drain of the node": (drain_node, 80),
    "death of the node": (lose_node, 90),
    "30 s network cut": (cut_network, 80),
}


@pytest.mark.parametrize("name", FAULTS)
def test_no_confirmed_write_is_lost(
    name: str, redis: Set, write: Callable[[str, int], Writer], checkout: Tree
) -> None:
    redis.wait_whole()
    before = redis.master()
    harm, seconds = FAULTS[name]
    with write("redis", seconds) as sure_writer, write("redis-plain", seconds) as plain_writer:
        time.sleep(5)
        harm(redis, before)
    whole_s = redis.wait_whole()
    sure, plain = sure_writer.finish(), plain_writer.finish()
    print(
        f"redis, {name}: longest gap {sure['longest_gap_s']} s, "
        f"WAIT 1: {sure['acknowledged']} confirmed, {sure['lost']} lost, "
        f"plain: {plain['acknowledged']} acknowledged, {plain['lost']} lost; "
        f"whole {whole_s:.0f} s after the writers' end, {before} -> {redis.master()}"
    )
    assert sure["acknowledged"] > 500
    assert sure["lost"] == 0, sure
    assert sure["longest_gap_s"] <= FIRST_WRITE_S
    assert redis.master() == before or "role:slave" in redis.cli(before, "info replication")
    assert checkout.changes() == {}


def test_a_changed_setting_rolls_member_by_member(
    redis: Set, write: Callable[[str, int], Writer], variant: Tree
) -> None:
    variant.edit("configs/services/redis/redis.conf.j2", "tcp-keepalive 60", "tcp-keepalive 61")
    with write("redis", 180) as writer:
        time.sleep(3)
        done = variant.up()
    end = writer.finish()
    print(f"redis, roll: {done.seconds:.0f} s, longest gap {end['longest_gap_s']} s, {end['lost']} lost")
    assert done.code == 0, done.text
    assert done.seconds < 175, "the writer has to see it all"
    assert all("61" in redis.cli(member, "config get tcp-keepalive") for member in MEMBERS)
    assert end["lost"] == 0
    assert end["longest_gap_s"] <= ROLL_GAP_S
    assert variant.changes() == {}


def test_all_nodes_stopped_and_started_come_back_with_the_data(
    redis: Set, write: Callable[[str, int], Writer], checkout: Tree
) -> None:
    with write("redis", 10) as writer:
        pass
    confirmed = writer.finish()["acknowledged"]
    for name in redis.addresses:
        lab("stop-node", name, "--kill")
    began = time.monotonic()
    for name in reversed(redis.addresses):
        lab("start-node", name)
    redis.wait_whole()
    took_s = time.monotonic() - began
    held = int(redis.cli(redis.master(), f"scard ledger:{writer.run}"))
    print(f"redis, cold start of five nodes: whole after {took_s:.0f} s, {held} of {confirmed} writes there")
    assert confirmed > 500
    assert held >= confirmed
    assert took_s <= 180
    assert checkout.changes() == {}


@pytest.mark.parametrize(("unit", "port"), [("redis-1", 6379), ("redis-sentinel-1", 26379)])
def test_nobody_is_let_in_without_the_right_password(redis: Set, unit: str, port: int) -> None:
    container = redis.container(unit)

    def answer(login: str, command: str = "ping") -> str:
        script = f"{login} redis-cli -p {port} {command} 2>&1"
        return redis.on(redis.homes[unit], f"docker exec -i {container} bash", stdin=script)

    assert "NOAUTH" in answer("")
    assert "WRONGPASS" in answer("", "--user default --pass beta_redis_pass_2024 ping")
    app = "REDISCLI_AUTH=$(cat /run/secrets/redis_app_password) ; export REDISCLI_AUTH;"
    assert "PONG" in answer(app, "--user app --no-auth-warning ping")
    assert "NOPERM" in answer(app, "--user app --no-auth-warning config get '*'")
    for address in redis.addresses.values():
        probe = f"timeout 2 bash -c '</dev/tcp/{address}/{port}' 2>/dev/null && echo open"
        assert redis.on(redis.bystander, probe) == ""


def test_a_backup_is_proven_and_comes_back_only_by_name(redis: Set, checkout: Tree) -> None:
    def ops(*arguments: str) -> tuple[int, str]:
        line = [sys.executable, "-m", "ops", *arguments, "--stack", "lab"]
        done = subprocess.run(line, cwd=ROOT, env=dict(checkout.environment), capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    redis.cli(redis.master(), "set backup:witness before")
    time.sleep(1)
    code, text = ops("backup", "redis")
    assert code == 0, text
    made = next(word for word in reversed(text.split()) if word.endswith("Z") and word[:8].isdigit())
    redis.cli(redis.master(), "set backup:witness after")
    code, text = ops("restore", "redis", "--backup", made)
    assert code == 1
    assert "--overwrite redis" in text
    assert "after" in redis.cli(redis.master(), "get backup:witness")
    began = time.monotonic()
    code, text = ops("restore", "redis", "--backup", made, "--overwrite", "redis")
    assert code == 0, text
    print(f"redis, restore: {time.monotonic() - began:.0f} s; {text.strip().splitlines()[-1]}")
    assert "before" in redis.cli(redis.master(), "get backup:witness")
    damage = f"truncate -s -20 /backup/{made}/dump.rdb.gz"
    check = f"/usr/local/lib/backup/verify-backup.sh {made} 2>&1; echo code $?"
    home, container = redis.homes["redis-backup"], redis.container("redis-backup")
    told = redis.on(home, f"docker exec -i {container} bash", f"{damage}; {check}")
    assert "code 1" in told
    assert "isn't what was written" in told
