"""MongoDB: where it listens, and its backups. The rest: test_conformance.py, test_failover.py."""

from __future__ import annotations

import json
from ipaddress import IPv4Address

import pytest

from components.topology import Plan
from tests.lab.backups import in_task, make, verdict
from tests.lab.measure import measured
from tests.lab.runner import Tree
from tests.lab.stores import Store, whole_store

pytestmark = pytest.mark.data_tier
APP = "app:${encodeURIComponent(fs.readFileSync('/run/secrets/mongodb_app_password', 'utf8').trim())}@"


@pytest.fixture(scope="module")
def mongodb(stores: list[Store]) -> Store:
    return whole_store(stores, "mongodb")


def mongosh(mongodb: Store, login: str, question: str) -> str:
    """The last line that mongosh prints on the leader: the question's value as JSON, or REFUSED and why."""
    leader = mongodb.leader()
    script = f"""
    const fs = require("fs");
    try {{
      const server = new Mongo(`mongodb://{login}{leader}/?directConnection=true&authSource=admin`);
      const told = {question};
      print(JSON.stringify(told));
    }} catch (fault) {{ print(`REFUSED ${{fault.codeName ?? fault.name}}`); }}
    """
    command = f"cat >/tmp/ask.js <<'JS'\n{script}\nJS\nmongosh --nodb --norc --quiet /tmp/ask.js"
    return mongodb.inside(leader, command).strip().splitlines()[-1]


def keepsakes(mongodb: Store, do: str) -> str:
    return mongosh(mongodb, APP, f'server.getDB("platform").getCollection("keepsake").{do}')


def test_members_listen_on_the_overlay_and_to_themselves_alone(mongodb: Store) -> None:
    for member in mongodb.homes:
        lines = mongodb.inside(member, "cat /proc/net/tcp").splitlines()[1:]
        listening = [parts[1] for parts in map(str.split, lines) if parts[3] == "0A"]
        bound = {each for each in listening if each.endswith(f":{27017:04X}")}
        addresses = {".".join(str(int(each[i : i + 2], 16)) for i in (6, 4, 2, 0)) for each in bound}
        subnet = mongodb.settings.network.subnet
        outside = {each for each in addresses - {"127.0.0.1"} if IPv4Address(each) not in subnet}
        assert addresses, f"{member} listens on nothing"
        assert outside == set(), f"{member}: {outside}"


def test_a_backup_is_proven_and_comes_back_only_by_name(mongodb: Store, plan: Plan, checkout: Tree) -> None:
    keepsakes(mongodb, "deleteMany({})")
    keepsakes(mongodb, "insertMany([{ _id: 1, text: 'one' }, { _id: 2, text: 'two' }])")
    name, done = make(checkout, "mongodb")
    measured("mongodb, a backup with its proof", took_s=done.seconds)
    listed = in_task(plan, "mongodb", "/usr/local/lib/backup/list-backups.sh").splitlines()
    (made,) = [each for each in map(json.loads, listed) if each["id"] == name]
    assert made["state"] == "proven"
    assert made["source"].split(":")[0] != mongodb.leader()
    keepsakes(mongodb, "updateOne({ _id: 1 }, { $set: { text: 'later' } })")
    refused = checkout.ops("restore", "mongodb", "--backup", name)
    assert refused.code != 0
    assert "--overwrite platform" in refused.text
    assert json.loads(keepsakes(mongodb, "findOne({ _id: 1 })"))["text"] == "later"
    done = checkout.ops("restore", "mongodb", "--backup", name, "--overwrite", "platform")
    assert done.code == 0, done.text
    measured("mongodb, a restore", took_s=done.seconds)
    assert json.loads(keepsakes(mongodb, "find().sort({ _id: 1 }).toArray().map((each) => each.text)")) == [
        "one",
        "two",
    ]
    in_task(plan, "mongodb", f"truncate -s -1 /backup/{name}/dump.gz")
    assert "dump.gz" in verdict(plan, "mongodb", name)
