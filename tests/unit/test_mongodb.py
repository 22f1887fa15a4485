"""MongoDB's declaration, files and the decisions of its agent; its backup's too. No server is asked."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.contents import render
from components.declaration import load_declarations
from components.errors import Fault
from components.settings import parse_settings
from components.topology import Plan, draft
from tests.unit import examples

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "configs/services/mongodb/server"
WANTED: dict[str, Any] = {
    "_id": "rs0",
    "members": [{"host": f"mongodb-{n}:27017", "priority": 2 if n == 1 else 1} for n in (1, 2, 3)],
    "settings": {"chainingAllowed": False, "electionTimeoutMillis": 4000, "catchUpTimeoutMillis": 2000},
}
ME = "mongodb-1:27017"

node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not on this machine")


def lab_plan(memory_mib: int | None = None) -> Plan:
    faults: list[Fault] = []
    declared = load_declarations(ROOT / "configs/services", faults)
    assert faults == []
    size = {"memory_mib": memory_mib} if memory_mib else {}
    return draft(parse_settings(examples.raw(services={"mongodb": size})), declared)


def rendered(plan: Plan, service: str, file: str, unit: int = 0) -> str:
    declared = next(each for each in plan.services if each.name == service)
    config = next(each for each in declared.configs if each.file == file)
    return render(plan, plan.units(declared)[unit], config)


def members(plan: Plan) -> dict[str, str | None]:
    declared = next(each for each in plan.services if each.name == "mongodb")
    return {unit.name: unit.home for unit in plan.units(declared)}


def test_members_live_on_three_nodes_and_the_preferred_primary_on_the_manuals() -> None:
    homes = members(lab_plan())
    assert len({*homes.values(), None}) == 4
    assert homes["mongodb-1"] == "node-3"


def test_the_stack_file_of_beta_has_a_node_for_every_member_too() -> None:
    config = yaml.safe_load((ROOT / "Pulumi.beta.yaml").read_text())["config"]
    labels = [set(each["labels"]) for each in config["platform-beta:nodes"]]
    assert sum("mongodb-secondary" in each for each in labels) == 2
    assert sum("mongodb-primary" in each for each in labels) == 1


@pytest.mark.parametrize(("memory_mib", "cache"), [(512, 0.25), (768, 0.25), (2048, 0.5), (9216, 4.0)])
def test_the_cache_follows_from_the_memory_limit(memory_mib: int, cache: float) -> None:
    conf = yaml.safe_load(rendered(lab_plan(memory_mib), "mongodb", "mongod.conf.j2"))
    assert conf["storage"]["wiredTiger"]["engineConfig"]["cacheSizeGB"] == cache
    assert cache * 1024 < memory_mib


def test_mongod_lets_nobody_in_without_a_password_and_listens_on_the_overlay_alone() -> None:
    conf = yaml.safe_load(rendered(lab_plan(), "mongodb", "mongod.conf.j2", unit=1))
    assert conf["security"] == {"keyFile": "/run/secrets/mongodb_keyfile", "authorization": "enabled"}
    assert conf["setParameter"]["enableLocalhostAuthBypass"] is False
    assert conf["net"]["bindIp"] == "127.0.0.1,mongodb-2"
    declared = next(each for each in lab_plan().services if each.name == "mongodb")
    assert not any(port.published for port in declared.ports)


def test_the_key_file_is_its_owners_alone_and_as_long_as_mongod_takes() -> None:
    declared = next(each for each in lab_plan().services if each.name == "mongodb")
    key = next(each for each in declared.secrets if each.name == "mongodb_keyfile")
    assert (key.uid, key.mode, declared.user) == ("999", "0400", "999:999")
    recipe = examples.recipes()["mongodb_keyfile"]
    assert 6 <= getattr(recipe, "length", 0) <= 1024


def test_stopping_leaves_mongod_time_after_the_hand_over() -> None:
    """15 s to step down and 15 s for what is still running, both mongod's own; then a checkpoint."""
    declared = next(each for each in lab_plan().services if each.name == "mongodb")
    assert declared.stop.grace_s >= 2 * 15 + 30
    assert declared.stop.signal == "SIGTERM"


@pytest.mark.parametrize("folder", ["mongodb/server", "mongodb/backup"])
def test_no_password_is_in_an_argument(folder: str) -> None:
    for file in (ROOT / "configs/services" / folder).glob("*.sh"):
        assert "--password" not in file.read_text(), file


def run(script: str, given: Any) -> Any:
    done = subprocess.run(
        ["node", "-e", script, str(FOLDER / "decide.js")],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return json.loads(done.stdout)


def decide(knows: list[str], *, me: str = ME, held: Any = None, wanted: Any = WANTED) -> dict[str, Any]:
    script = """
    const { decide } = require(process.argv[1]);
    const given = JSON.parse(require("fs").readFileSync(0, "utf8"));
    console.log(JSON.stringify(decide(given.wanted, given.me, given.seen, given.held)));
    """
    hosts = [each["host"] for each in wanted["members"]]
    seen = [
        {"host": host, "knows": what, "primary": False, "why": "silent"}
        for host, what in zip(hosts, knows, strict=True)
    ]
    answer = run(script, {"wanted": wanted, "me": me, "seen": seen, "held": held})
    return dict(answer)


@node
def test_the_set_is_declared_with_the_manuals_priorities() -> None:
    script = """
    const { declared } = require(process.argv[1]);
    console.log(JSON.stringify(declared(JSON.parse(require("fs").readFileSync(0, "utf8")))));
    """
    service = next(each for each in lab_plan().services if each.name == "mongodb")
    assert run(script, service.unit_names) == WANTED
    assert service.ports[0].port == 27017


def held(*hosts: str, version: int = 1) -> dict[str, Any]:
    listed = [{"_id": i, "host": h, "priority": 2 if i == 0 else 1, "votes": 1} for i, h in enumerate(hosts)]
    return {
        "_id": "rs0",
        "version": version,
        "members": listed,
        "settings": {"heartbeatIntervalMillis": 2000, **WANTED["settings"]},
    }


HOSTS = [each["host"] for each in WANTED["members"]]


@node
def test_only_the_first_member_initiates_and_only_when_all_surely_know_nothing() -> None:
    assert decide(["nothing"] * 3)["do"] == "initiate"
    assert decide(["nothing"] * 3, me=HOSTS[1])["do"] == "wait"
    for place in range(3):
        for other in ("unknown", "a set"):
            knows = ["nothing"] * 3
            knows[place] = other
            assert decide(knows)["do"] == "wait", knows


@node
def test_who_can_not_be_asked_is_named() -> None:
    assert "mongodb-3:27017 can't be asked (silent)" in decide(["nothing", "nothing", "unknown"])["why"]


@node
def test_the_first_configuration_has_every_member_with_its_priority() -> None:
    config = decide(["nothing"] * 3)["config"]
    assert config["version"] == 1
    assert [(each["_id"], each["host"], each["priority"]) for each in config["members"]] == [
        (0, HOSTS[0], 2),
        (1, HOSTS[1], 1),
        (2, HOSTS[2], 1),
    ]


@node
def test_a_set_as_declared_is_left_alone() -> None:
    assert decide(["a set"] * 3, held=held(*HOSTS)) == {"do": "nothing"}
    assert decide(["a set", "unknown", "a set"], held=held(*HOSTS)) == {"do": "nothing"}


def walk(config: dict[str, Any], wanted: dict[str, Any]) -> list[dict[str, Any]]:
    """Every configuration from `config` until nothing is left to do; ends after ten."""
    steps = [config]
    while len(steps) < 10:
        step = decide(["a set"] * len(wanted["members"]), held=steps[-1], wanted=wanted)
        if step["do"] == "nothing":
            return steps
        assert step["do"] == "reconfigure"
        steps.append(step["config"])
    raise AssertionError("no end")


@node
@pytest.mark.parametrize("start", [[HOSTS[0]], HOSTS[:2], ["old-1:27017", "old-2:27017", HOSTS[0]]])
def test_members_change_one_vote_at_a_time_until_the_set_is_as_declared(start: list[str]) -> None:
    steps = walk(held(*start), WANTED)
    for before, after in itertools.pairwise(steps):
        hosts = [{each["host"] for each in config["members"]} for config in (before, after)]
        assert len(hosts[0] ^ hosts[1]) <= 1
        assert after["version"] == before["version"] + 1
        kept = {each["host"]: each["_id"] for each in before["members"]}
        assert all(kept.get(each["host"], each["_id"]) == each["_id"] for each in after["members"])
    assert {each["host"]: each["priority"] for each in steps[-1]["members"]} == {
        each["host"]: each["priority"] for each in WANTED["members"]
    }
    assert len(steps) - 1 == len(set(start) ^ set(HOSTS)) + (0 if len(steps) > 1 else 1)


@node
def test_a_changed_setting_is_one_step_and_what_the_server_added_stays() -> None:
    wanted = {**WANTED, "settings": {"electionTimeoutMillis": 7000}}
    steps = walk(held(*HOSTS), wanted)
    assert len(steps) == 2
    kept = {"heartbeatIntervalMillis": 2000, **WANTED["settings"]}
    assert steps[1]["settings"] == {**kept, "electionTimeoutMillis": 7000}
    assert steps[1]["members"][0]["votes"] == 1


@node
def test_a_restore_removes_collections_that_the_backup_has_not_got(tmp_path: Path) -> None:
    (tmp_path / "mongodb_root_password").write_text("r")
    script = """
    const held = {
      scratch: { platform: ["old"], shop: ["a.b"] },
      live: { platform: ["old", "new", "system.views"], shop: ["a.b"], other: ["theirs"] },
    };
    const dropped = [];
    global.Mongo = class {
      constructor(uri) { this.held = uri === "scratch" ? held.scratch : held.live; }
      getDB(name) {
        return {
          getCollectionNames: () => this.held[name],
          runCommand: (command) => { dropped.push([name, command]); return { ok: 1 }; },
        };
      }
    };
    global.print = (text) => console.log(JSON.stringify({ said: text, dropped }));
    require(process.argv[1]);
    """
    done = subprocess.run(
        ["node", "-e", script, str(ROOT / "configs/services/mongodb/backup/mongodb.js")],
        env={
            "PATH": os.environ["PATH"],
            "TASK": "clear",
            "NAMES": "platform shop",
            "HOST": "mongodb-1:27017",
            "SCRATCH_URI": "scratch",
            "SECRETS": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert json.loads(done.stdout) == {
        "said": "platform.new",
        "dropped": [["platform", {"drop": "new", "writeConcern": {"w": "majority"}}]],
    }


REPORT = """2026-11-28T03:19:25.001+0000\tdone dumping admin.system.users (4 documents)
2026-11-28T03:19:25.002+0000\tdone dumping platform.a b (1 document)
2026-11-28T03:19:25.003+0000\tdone dumping shop.c (30 documents)
"""


@pytest.mark.parametrize(
    ("restored", "told"),
    [
        ("platform.a b (1 document, 0 failures) shop.c (30 documents, 0 failures)", ""),
        ("platform.a b (1 document, 0 failures) shop.c (29 documents, 0 failures)", "shop.c: 30 against 29"),
        (
            "platform.a b (1 document, 0 failures) shop.c (30 documents, 1 failure)",
            "shop.c: 30 against missing",
        ),
        (
            "shop.d (1 document, 0 failures) shop.c (30 documents, 0 failures)",
            "platform.a b: 1 against missing; shop.d: missing against 1",
        ),
    ],
)
def test_a_backup_that_restores_other_numbers_than_were_dumped_does_not_load(
    tmp_path: Path, restored: str, told: str
) -> None:
    lines = "".join(f"x\tfinished restoring {each})\n" for each in restored.split(") ")).replace("))", ")")
    done = loaded(tmp_path, lines)
    assert (done.returncode, done.stderr) == ((1, f"dumped against restored: {told}\n") if told else (0, ""))


def loaded(root: Path, restored: str) -> subprocess.CompletedProcess[str]:
    """load.sh of a backup with REPORT; mongod only makes its socket, mongorestore only tells what it did."""
    library, hooks = root / "lib", root / "lib" / "hooks"
    for name in ("lib/hooks", "bin", "backup", "s", "work"):
        (root / name).mkdir(parents=True)
    for file in (ROOT / "configs/lib/member.sh", *(ROOT / "configs/lib/backup").glob("*.sh")):
        shutil.copy(file, library)
    for file in (ROOT / "configs/services/mongodb/backup").glob("*.sh"):
        shutil.copy(file, hooks)
    listening = "import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])"
    (root / "bin/mongod").write_text(f"#!/bin/bash\npython3 -c '{listening}' \"$4\"\nsleep 3\n")
    (root / "bin/mongorestore").write_text(f"#!/bin/bash\ncat {root}/restored >&2\n")
    for fake in (root / "bin").iterdir():
        fake.chmod(0o755)
    (root / "restored").write_text(restored)
    (root / "backup/report").write_text(REPORT)
    environment = {"PATH": f"{root}/bin:{os.environ['PATH']}", "MEMBERS": "mongodb-backup"}
    environment |= {"STORE": str(root), "SCRATCH": str(root / "s"), "WORK": str(root / "work")}
    command = ["bash", str(hooks / "load.sh"), str(root / "backup")]
    return subprocess.run(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=60
    )
