"""MongoDB as an application reaches it: JavaScript run by mongosh in a container on the overlay network."""

from __future__ import annotations

import json
import shlex
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from components.topology import Plan
from tests.lab.runner import ROOT

URI = (
    "mongodb://{user}:{password}@mongodb-1,mongodb-2,mongodb-3/?replicaSet=rs0&authSource=admin"
    "&w=majority&retryWrites=true&connectTimeoutMS=2000&socketTimeoutMS=5000&serverSelectionTimeoutMS=30000"
)
LEDGER = (Path(__file__).parent / "mongodb-ledger.js").read_text()


def needed(plan: Plan, *names: str) -> None:
    """Skip the test, with the reason of it, where one of the services is off."""
    for name, why in plan.off.items():
        if name in names:
            pytest.skip(f"{name} is off: {why}")


def ssh(plan: Plan, node: str, command: str, stdin: str = "", timeout_s: int = 120) -> str:
    """The stdout of a command on a node, with what it says on stderr in the failure."""
    address = next(each.address for each in plan.settings.nodes if each.name == node)
    done = subprocess.run(
        ["ssh", "-F", str(ROOT / ".lab/ssh/config"), "-o", "LogLevel=ERROR", f"root@{address}", command],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )
    assert done.returncode == 0, f"{node}: {command[:120]}: {done.stderr[-2000:]}{done.stdout[-2000:]}"
    return done.stdout


def mongosh(plan: Plan, script: str, *, node: str = "node-1", timeout_s: int = 120) -> str:
    """Run the script beside the set, not in it; it comes by stdin, so no password is in an argument."""
    image = next(each.image for each in plan.services if each.name == "mongodb")
    inside = "cat >/tmp/script.js && exec mongosh --nodb --norc --quiet /tmp/script.js"
    network = shlex.quote(plan.settings.network.name)
    command = (
        f"docker run --rm -i --network {network} --tmpfs /tmp -e HOME=/tmp --entrypoint bash"
        f" {shlex.quote(image)} -c {shlex.quote(inside)}"
    )
    return ssh(plan, node, command, stdin=script, timeout_s=timeout_s)


def status(plan: Plan, secrets: dict[str, str]) -> dict[str, str]:
    """Member to its state, as the set sees itself: PRIMARY, SECONDARY, …"""
    uri = URI.format(user="exporter", password=secrets["mongodb_exporter_password"])
    script = f"""
    const told = new Mongo({json.dumps(uri)}).getDB("admin").runCommand({{ replSetGetStatus: 1 }});
    print(JSON.stringify(Object.fromEntries(told.members.map((e) => [e.name.split(":")[0], e.stateStr]))));
    """
    return dict(json.loads(mongosh(plan, script).strip().splitlines()[-1]))


def container(plan: Plan, member: str) -> tuple[str, str]:
    """(node, container id) of a member's task."""
    service = next(each for each in plan.services if each.name == "mongodb")
    home = next(unit.home for unit in plan.units(service) if unit.name == member)
    assert home
    wanted = f"docker ps -q --filter label=com.docker.swarm.service.name={member}"
    return home, ssh(plan, home, wanted).split()[0]


@dataclass
class Ledger:
    """Writes with majority until its time is over, in the background; `result` waits and reads all back."""

    plan: Plan
    secrets: dict[str, str]
    seconds: int
    told: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        uri = URI.format(user="app", password=self.secrets["mongodb_app_password"])
        given = f"const URI = {json.dumps(uri)}; const SECONDS = {self.seconds};\n"
        self._thread = threading.Thread(target=self._run, args=(given + LEDGER,))
        self._thread.start()

    def _run(self, script: str) -> None:
        text = mongosh(self.plan, script, timeout_s=self.seconds + 180)
        self.told = dict(json.loads(text.strip().splitlines()[-1]))

    def result(self) -> dict[str, Any]:
        """{acknowledged, refused, lost, longest_gap_s}."""
        self._thread.join()
        assert self.told, "the writer did not come to its end"
        return self.told
