"""MySQL under a writer that keeps a ledger: nothing acknowledged is lost, whatever dies."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from components.settings import Node
from components.topology import Plan, Unit
from lab import folder as folders
from lab.images import push_variant
from lab.model import NODES
from lab.shell import docker
from tests.lab.runner import ROOT, Run, Tree
from tests.lab.writer import Writer, on_node

FIRST_WRITE_S = 10.0
ROLL_GAP_S = 5.0
COLD_START_S = 180.0
#: The writer's own node: no member lives there, and no test takes it down alone.
WRITERS_NODE = "node-3"
pytestmark = pytest.mark.data_tier
SECRETS = ("mysql_app_password", "internal_ca_certificate")


class Group:
    """The three members as the swarm runs them."""

    def __init__(self, plan: Plan) -> None:
        self.settings = plan.settings
        service = next(service for service in plan.services if service.name == "mysql")
        self.units: dict[str, Unit] = {unit.name: unit for unit in plan.units(service)}

    def home(self, member: str) -> str:
        home = self.units[member].home
        assert home
        return home

    def inside(self, member: str, command: str) -> str:
        """What a command prints in a member's container; empty when there is none."""
        find = f"docker ps -q --filter label=com.docker.swarm.service.name={member} --filter status=running"
        script = f'id=$({find} | head -n 1); [ -z "$id" ] || docker exec -i "$id" {command}'
        try:
            return on_node(self.settings, self.home(member), script)
        except Exception:
            return ""

    def roles(self) -> dict[str, str]:
        """Member to what it tells the routers."""
        told = {member: self.inside(member, "cat /var/run/mysqld/http/role") for member in self.units}
        return {member: text.strip().removeprefix("role=") or "DOWN" for member, text in told.items()}

    def primary(self) -> str:
        return next(member for member, role in self.roles().items() if role == "PRIMARY")

    def settle(self, seconds: float = 150) -> float:
        """Wait until one leads and all others follow; the seconds it took."""
        began = time.monotonic()
        while (roles := self.roles()) and sorted(roles.values()) != ["PRIMARY", "SECONDARY", "SECONDARY"]:
            assert time.monotonic() - began < seconds, f"not whole after {seconds} s: {roles}"
            time.sleep(1)
        return time.monotonic() - began

    def container(self, member: str, action: str) -> None:
        find = f"docker ps -q --filter label=com.docker.swarm.service.name={member}"
        on_node(self.settings, self.home(member), f"docker {action} $({find} | head -n 1)")


@pytest.fixture(scope="module")
def group(plan: Plan) -> Group:
    found = Group(plan)
    found.settle()
    return found


@pytest.fixture(scope="module")
def image() -> str:
    return push_variant("ledger", "1", {})


@pytest.fixture
def write(plan: Plan, image: str, secrets: dict[str, str]) -> Callable[[int], Writer]:
    node = next(node for node in plan.settings.nodes if node.name == WRITERS_NODE)
    given = {name: secrets[name] for name in SECRETS}
    return lambda seconds: Writer(
        plan.settings, node, image, "mysql", f"run{uuid.uuid4().hex[:8]}", seconds, given
    )


def lab(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "lab", *arguments], cwd=ROOT, check=True, capture_output=True)


def kill(group: Group, member: str) -> None:
    group.inside(member, "bash -c 'kill -9 $(cat /var/run/mysqld/mysqld.pid)'")


def stop(group: Group, member: str) -> None:
    group.container(member, "stop --time 120")


def force(group: Group, member: str) -> None:
    on_node(group.settings, WRITERS_NODE, f"docker service update --force --quiet {member} >/dev/null")


def drain(group: Group, member: str) -> None:
    node = group.home(member)
    on_node(group.settings, WRITERS_NODE, f"docker node update --availability drain {node}")
    time.sleep(25)
    on_node(group.settings, WRITERS_NODE, f"docker node update --availability active {node}")


def lose_node(group: Group, member: str) -> None:
    lab("stop-node", group.home(member), "--kill")
    time.sleep(25)
    lab("start-node", group.home(member))


def cut(group: Group, member: str) -> None:
    own = folders.load(folders.OWN)
    assert own
    node = next(node for node in NODES if node.name == group.home(member))
    docker("network", "disconnect", own.network, own.container(node))
    time.sleep(30)
    docker("network", "connect", "--ip", str(own.address(node)), own.network, own.container(node))


HARM: dict[str, tuple[Callable[[Group, str], None], int]] = {
    "kill -9 of the primary": (kill, 45),
    "stop of its container": (stop, 45),
    "service update --force": (force, 60),
    "drain of its node": (drain, 80),
    "a network cut of 30 s": (cut, 80),
    "death of its node": (lose_node, 100),
}


@pytest.mark.parametrize("name", HARM)
def test_nothing_acknowledged_is_lost_and_writes_are_accepted_again_in_time(
    name: str, group: Group, write: Callable[[int], Writer], checkout: Tree
) -> None:
    harm, seconds = HARM[name]
    group.settle()
    primary = group.primary()
    with write(seconds) as writer:
        time.sleep(8)
        harm(group, primary)
        end = writer.finish()
    whole = group.settle()
    print(
        f"mysql, {name} ({primary}): {end['acknowledged']} acknowledged, {end['lost']} lost, "
        f"first write accepted after {end['longest_gap_s']} s, whole {whole:.0f} s after that"
    )
    assert (end["lost"], end["foreign"]) == (0, 0)
    assert end["acknowledged"] > 100
    assert end["longest_gap_s"] <= FIRST_WRITE_S
    assert checkout.changes() == {}


def test_a_cold_start_of_all_nodes_brings_everything_back_without_a_hand(
    group: Group, write: Callable[[int], Writer], checkout: Tree
) -> None:
    with write(10) as writer:
        before = writer.finish()
    assert before["lost"] == 0
    names = [node.name for node in group.settings.nodes]
    for name in names:
        lab("stop-node", name, "--kill")
    began = time.monotonic()
    for name in reversed(names):
        lab("start-node", name)
    group.settle(COLD_START_S)
    took = time.monotonic() - began
    with write(10) as writer:
        after = writer.finish()
    print(f"mysql, all nodes killed and started: whole after {took:.0f} s")
    assert took <= COLD_START_S
    assert (after["lost"], after["refused"]) == (0, 0)
    assert rows(group, writer.run) == after["acknowledged"]
    assert checkout.changes() == {}


def rows(group: Group, run: str) -> int:
    """Writes of a run, as the primary holds them."""
    return int(sql(group, f"SELECT COUNT(*) DIV 2 FROM app.ledger WHERE run = '{run}'"))


def sql(group: Group, statement: str) -> str:
    """As root on the primary, through its socket."""
    encoded = statement.replace('"', '\\"').replace("`", "\\`")
    command = f'bash -c "mysql --defaults-file=/var/run/mysqld/root.cnf -NB" <<< "{encoded}"'
    return group.inside(group.primary(), command).strip()


def test_a_changed_setting_rolls_through_one_member_at_a_time_and_the_first_goes_last(
    group: Group, write: Callable[[int], Writer], variant: Tree
) -> None:
    group.settle()
    time.sleep(70)  # the first member leads again after a minute of peace
    assert group.primary() == "mysql-1"
    variant.edit("configs/services/mysql/my.cnf.j2", "long_query_time = 1", "long_query_time = 2")
    assert {name for name, op in variant.changes().items() if op == "update"} == set(group.units)
    with write(240) as writer:
        done: Run = variant.up()
        end = writer.finish()
    print(f"mysql, a changed setting: {done.seconds:.0f} s, longest gap {end['longest_gap_s']} s")
    assert done.code == 0, done.text
    assert (end["lost"], end["foreign"]) == (0, 0)
    assert end["longest_gap_s"] <= ROLL_GAP_S
    started = {
        member: group.inside(member, "stat -c %Y /var/run/mysqld/mysqld.pid").strip()
        for member in group.units
    }
    assert started["mysql-3"] < started["mysql-2"] < started["mysql-1"], started
    assert variant.changes() == {}


CLIENT = """
import pymysql, sys
secret = lambda name: open("/run/secrets/" + name).read().strip()
try:
    pymysql.connect(host="mysql", port=3306, connect_timeout=3, **eval(sys.argv[1]))
    print("let in")
except pymysql.err.OperationalError as fault:
    print("refused", fault.args[0])
"""
TLS = "'ssl_ca': '/run/secrets/internal_ca_certificate', 'ssl_verify_cert': True, 'ssl_verify_identity': True"
REFUSED = {
    "a wrong password": f"{{'user': 'app', 'password': 'wrong', {TLS}}}",
    "no password": f"{{'user': 'app', 'password': '', {TLS}}}",
    "nobody": f"{{'user': '', 'password': '', {TLS}}}",
    "root from elsewhere": f"{{'user': 'root', 'password': '', {TLS}}}",
    "a router's old account": f"{{'user': 'haproxy', 'password': '', {TLS}}}",
    "no TLS": "{'user': 'app', 'password': secret('mysql_app_password'), 'ssl_disabled': True}",
}


def client(plan: Plan, image: str, secrets: dict[str, str], arguments: str) -> str:
    node: Node = next(node for node in plan.settings.nodes if node.name == WRITERS_NODE)
    given = {name: secrets[name] for name in SECRETS}
    writer = Writer(plan.settings, node, image, "mysql", f"client{uuid.uuid4().hex[:8]}", 0, given)
    script = writer.script().replace(
        "python3 /run/secrets/ledger.py", "timeout 20 python3 /run/secrets/client"
    )
    script = script.replace(f" mysql {writer.run} 0 <", f' "{arguments}" <')
    put = f"cat >\"$folder/client\" <<'EOF'\n{CLIENT}EOF\n"
    return on_node(plan.settings, node.name, script.replace("docker run", f"{put}docker run", 1)).strip()


@pytest.mark.parametrize("name", REFUSED)
def test_nobody_gets_in_without_password_and_tls(
    name: str, plan: Plan, image: str, secrets: dict[str, str], group: Group
) -> None:
    group.settle()
    assert re.fullmatch(r"refused (1045|3159|1698)", client(plan, image, secrets, REFUSED[name]))


def test_who_has_both_is_let_in(plan: Plan, image: str, secrets: dict[str, str], group: Group) -> None:
    own = f"{{'user': 'app', 'password': secret('mysql_app_password'), {TLS}}}"
    assert client(plan, image, secrets, own) == "let in"


def test_nothing_of_it_listens_on_a_node(plan: Plan) -> None:
    for node in plan.settings.nodes:
        listening = on_node(plan.settings, node.name, "ss -Hltn | awk '{print $4}'")
        ports = {line.rpartition(":")[2] for line in listening.splitlines()}
        assert not ports & {"3306", "3307", "33060", "33061", "33062", "8306", "8404"}


# Backups


def ops(*arguments: str) -> Run:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "ops", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )
    return Run(done.returncode, done.stdout, time.monotonic() - began)


@pytest.fixture
def keepsake(group: Group) -> Iterator[None]:
    """A table of three rows in the application's database."""
    group.settle()
    sql(group, "CREATE TABLE IF NOT EXISTS app.keepsake (id INT PRIMARY KEY, text VARCHAR(20))")
    sql(group, "REPLACE INTO app.keepsake VALUES (1, 'one'), (2, 'two'), (3, 'drei')")
    yield
    sql(group, "DROP TABLE IF EXISTS app.keepsake")


def made(done: Run) -> str:
    assert done.code == 0, done.text
    return done.text.strip().splitlines()[-1]


def in_backup_task(plan: Plan, command: str) -> str:
    service = next(service for service in plan.services if service.name == "mysql-backup")
    (unit,) = plan.units(service)
    assert unit.home
    find = "docker ps -q --filter label=com.docker.swarm.service.name=mysql-backup"
    return on_node(plan.settings, unit.home, f"docker exec $({find}) {command}")


def test_a_backup_is_read_from_a_secondary_and_proven(group: Group, keepsake: None) -> None:
    primary = group.primary()
    done = ops("backup", "mysql")
    name = made(done)
    print(f"mysql, a backup with its proof: {done.seconds:.0f} s")
    assert re.search(r"reads from (mysql-\d)", done.text)[1] != primary  # type: ignore[index]
    listed = ops("backups", "mysql").text
    assert re.search(rf"{name}.*proven", listed)


def test_a_damaged_backup_is_found_out_and_not_restored(plan: Plan, keepsake: None) -> None:
    name = made(ops("backup", "mysql"))
    in_backup_task(plan, f"truncate -s -64 /backup/{name}/dump.sql.zst")
    found = in_backup_task(plan, f"bash -c '/usr/local/lib/backup/verify-backup.sh {name} 2>&1 || true'")
    assert f"backup {name} is bad: files differ from the manifest: dump.sql.zst" in found
    refused = ops("restore", "mysql", "--backup", name, "--overwrite", "app")
    assert refused.code != 0
    assert "is bad" in refused.text


def test_a_restore_overwrites_only_what_is_named_and_reaches_a_given_moment(
    plan: Plan, group: Group, keepsake: None
) -> None:
    name = made(ops("backup", "mysql"))
    time.sleep(2)
    sql(group, "INSERT INTO app.keepsake VALUES (4, 'after the backup')")
    time.sleep(1.5)
    moment = datetime.now(UTC)
    time.sleep(1.5)
    sql(group, "DELETE FROM app.keepsake")
    assert sql(group, "SELECT COUNT(*) FROM app.keepsake") == "0"
    refused = ops("restore", "mysql", "--backup", name)
    assert refused.code != 0
    assert "add --overwrite app" in refused.text
    assert sql(group, "SELECT COUNT(*) FROM app.keepsake") == "0"
    done = ops(
        "restore", "mysql", "--backup", name, "--overwrite", "app", "--until", f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    )
    print(f"mysql, a restore to a moment: {done.seconds:.0f} s")
    assert done.code == 0, done.text
    assert (
        sql(group, "SELECT GROUP_CONCAT(text ORDER BY id) FROM app.keepsake")
        == "one,two,drei,after the backup"
    )
    plain = ops("restore", "mysql", "--backup", name, "--overwrite", "app")
    assert plain.code == 0, plain.text
    assert sql(group, "SELECT COUNT(*) FROM app.keepsake") == "3"


def test_a_moment_before_the_backup_is_refused(group: Group, keepsake: None) -> None:
    name = made(ops("backup", "mysql"))
    early = datetime.now(UTC) - timedelta(hours=1)
    refused = ops("restore", "mysql", "--backup", name, "--until", f"{early:%Y-%m-%dT%H:%M:%SZ}")
    assert refused.code != 0
    assert "was made after" in refused.text
