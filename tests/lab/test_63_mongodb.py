"""The replica set: as declared, closed to strangers, and it loses nothing acknowledged with its primary."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from ipaddress import IPv4Address

import pytest

from components.topology import Plan
from tests.lab.mongodb import Ledger, container, mongosh, needed, ssh, status
from tests.lab.runner import ROOT, Tree

PREFERRED = "mongodb-1"
pytestmark = pytest.mark.data_tier


@pytest.fixture(autouse=True)
def there(plan: Plan) -> None:
    needed(plan, "mongodb")


def whole(plan: Plan, secrets: dict[str, str], within_s: int = 120) -> None:
    """Wait until all three are up again and the preferred one leads."""
    until = time.monotonic() + within_s
    seen: dict[str, str] = {}
    while time.monotonic() < until:
        try:
            seen = status(plan, secrets)
        except (AssertionError, subprocess.TimeoutExpired):
            continue
        if seen.get(PREFERRED) == "PRIMARY" and list(seen.values()).count("SECONDARY") == 2:
            return
        time.sleep(2)
    raise AssertionError(f"not whole within {within_s} s: {seen}")


def test_the_set_is_as_declared_on_three_nodes(plan: Plan, secrets: dict[str, str]) -> None:
    whole(plan, secrets)
    assert len({container(plan, f"mongodb-{n}")[0] for n in (1, 2, 3)}) == 3


@pytest.mark.parametrize("login", ["", "app:wrong@", "root:@"])
def test_a_stranger_reads_nothing(plan: Plan, login: str) -> None:
    script = f"""
    try {{
      const server = new Mongo("mongodb://{login}mongodb-1/?directConnection=true&authSource=admin");
      const told = server.getDB("platform").runCommand({{ find: "ledger" }});
      print(`LET IN ${{JSON.stringify(told)}}`);
    }} catch (fault) {{ print(`REFUSED ${{fault.codeName ?? fault.name}}`); }}
    """
    said = mongosh(plan, script).strip().splitlines()[-1]
    assert said.startswith("REFUSED"), said
    assert "Network" not in said, said


def test_the_app_reaches_its_own_database_alone(plan: Plan, secrets: dict[str, str]) -> None:
    uri = f"mongodb://app:{secrets['mongodb_app_password']}@mongodb-1/?directConnection=true&authSource=admin"
    script = f"""
    try {{ print(new Mongo({json.dumps(uri)}).getDB("admin").getCollection("system.users").findOne()); }}
    catch (fault) {{ print(`REFUSED ${{fault.codeName}}`); }}
    """
    assert mongosh(plan, script).strip().splitlines()[-1] == "REFUSED Unauthorized"


def test_members_listen_on_the_overlay_and_to_themselves_alone(plan: Plan) -> None:
    for number in (1, 2, 3):
        node, identity = container(plan, f"mongodb-{number}")
        lines = ssh(plan, node, f"docker exec {identity} cat /proc/net/tcp").splitlines()[1:]
        bound = {
            parts[1] for parts in map(str.split, lines) if parts[3] == "0A" and parts[1].endswith(":6989")
        }
        addresses = {".".join(str(int(each[i : i + 2], 16)) for i in (6, 4, 2, 0)) for each in bound}
        subnet = plan.settings.network.subnet
        outside = {each for each in addresses - {"127.0.0.1"} if IPv4Address(each) not in subnet}
        assert addresses, f"mongodb-{number} listens on nothing"
        assert outside == set(), f"mongodb-{number}: {outside}"


def kill_process(plan: Plan) -> None:
    node, identity = container(plan, PREFERRED)
    ssh(plan, node, f"docker exec {identity} bash -c 'kill -9 $(pidof mongod)'")


def stop_container(plan: Plan) -> None:
    node, identity = container(plan, PREFERRED)
    ssh(plan, node, f"docker stop {identity}")


def lose_node(plan: Plan) -> None:
    node = container(plan, PREFERRED)[0]
    subprocess.run([sys.executable, "-m", "lab", "restart-node", "--kill", node], cwd=ROOT, check=True)


@pytest.mark.parametrize(
    ("event", "seconds", "gap_s"), [(kill_process, 45, 15), (stop_container, 45, 15), (lose_node, 90, 15)]
)
def test_nothing_acknowledged_is_lost_when_the_primary_goes(
    plan: Plan,
    secrets: dict[str, str],
    checkout: Tree,
    event: Callable[[Plan], None],
    seconds: int,
    gap_s: float,
) -> None:
    whole(plan, secrets)
    ledger = Ledger(plan, secrets, seconds)
    time.sleep(8)
    event(plan)
    told = ledger.result()
    print(f"mongodb, {event.__name__}: {told}")
    assert told["lost"] == 0
    assert told["acknowledged"] > 100
    assert told["longest_gap_s"] <= gap_s
    whole(plan, secrets)
    assert checkout.changes() == {}


def test_a_changed_setting_rolls_with_a_planned_hand_over(
    plan: Plan, secrets: dict[str, str], variant: Tree
) -> None:
    whole(plan, secrets)
    variant.edit(
        "configs/services/mongodb/mongod.conf.j2",
        "replication:\n",
        "operationProfiling:\n  slowOpThresholdMs: 150\nreplication:\n",
    )
    ledger = Ledger(plan, secrets, 150)
    done = variant.up()
    told = ledger.result()
    print(f"mongodb, rolling change in {done.seconds:.0f} s: {told}")
    assert done.code == 0, done.text
    assert told["lost"] == 0
    assert told["longest_gap_s"] <= 5


def test_a_backup_is_proven_and_a_damaged_one_is_found(plan: Plan) -> None:
    needed(plan, "mongodb-backup")
    unit = next(u for s in plan.services if s.name == "mongodb-backup" for u in plan.units(s))
    assert unit.home
    find = "docker ps -q --filter label=com.docker.swarm.service.name=mongodb-backup"
    identity = ssh(plan, unit.home, find).split()[0]
    library = f"docker exec {identity} /usr/local/lib/backup"
    name = ssh(plan, unit.home, f"{library}/make-backup.sh manual", timeout_s=300).strip()
    manifests = [json.loads(line) for line in ssh(plan, unit.home, f"{library}/list-backups.sh").splitlines()]
    made = next(each for each in manifests if each["id"] == name)
    print(f"mongodb, backup {name} from {made['source']}: {made['contents']}")
    assert made["state"] == "proven"
    assert made["source"].split(":")[0] != PREFERRED
    ssh(plan, unit.home, f"docker exec {identity} truncate -s -1 /backup/{name}/dump.gz")
    verdict = ssh(plan, unit.home, f"{library}/verify-backup.sh {name} || echo FOUND", timeout_s=300)
    assert verdict.strip() == "FOUND"
