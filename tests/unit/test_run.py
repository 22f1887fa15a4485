from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from rich.console import Console

from components.identity import RUN
from components.observe import NodeFacts
from components.reading import Reading
from components.settings import Node, Settings
from ops import forget, managers
from ops.backend import Backend, BackendError, FileLock, stale
from ops.managers import NoManagerError, first_answer
from ops.pending import COMMAND
from ops.processes import Outcome, alive, end, leftovers
from ops.processes import run as run_process
from ops.run import Runner
from tests.unit.examples import settings
from tests.unit.machines import Machines, a_plan, machines

PLAN = a_plan()
LOCK = FileLock(4711, "desk", "ann", "2026-11-25T10:00:00.123Z")


def command(name: str, *dependencies: str) -> dict[str, Any]:
    return {"urn": f"urn::{name}", "type": COMMAND, "dependencies": [f"urn::{each}" for each in dependencies]}


def state(*names: str) -> dict[str, Any]:
    nodes = [{"urn": f"urn::{name}", "type": forget.NODE} for name in ("node-1", "node-2")]
    return {"resources": [*nodes, *map(command, names)]}


def test_a_lock_of_a_dead_process_is_stale() -> None:
    assert stale([LOCK], "desk", lambda pid: False)
    assert not stale([], "desk", lambda pid: False)


def test_a_lock_of_a_living_or_unseen_process_is_refused_by_name() -> None:
    with pytest.raises(BackendError, match=r"ann@desk.*process 4711 runs"):
        stale([LOCK], "desk", lambda pid: True)
    with pytest.raises(BackendError, match=r"can't be seen from laptop.*pulumi cancel"):
        stale([LOCK], "laptop", lambda pid: False)


def test_locks_are_read_from_the_file_backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: platform-beta\n")
    folder = tmp_path / "state/.pulumi/locks/organization/platform-beta/lab"
    folder.mkdir(parents=True)
    text = '{"pid": 4711, "username": "ann", "hostname": "desk", "timestamp": "2026-11-25T10:00:00.123Z"}'
    (folder / "one.json").write_text(text)
    (folder / "half.json").write_text('{"pid": 47')
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}/state")
    assert Backend(tmp_path, "lab").locks() == [LOCK]
    assert Backend(tmp_path, "beta").locks() == []
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://bucket")
    assert Backend(tmp_path, "lab").locks() == []


def test_an_ended_process_that_nobody_waited_for_is_dead() -> None:
    with subprocess.Popen(["true"]) as child:
        limit = time.monotonic() + 5
        while alive(child.pid) and time.monotonic() < limit:
            time.sleep(0.01)
        assert not alive(child.pid)
    assert alive(os.getpid())


def left_by(owner: int, stack: str = "test") -> subprocess.Popen[bytes]:
    backend = os.environ.get("PULUMI_BACKEND_URL", "")
    given = {RUN: f"1f2e3d4c-{owner}", "PULUMI_STACK": stack, "PULUMI_BACKEND_URL": backend}
    return subprocess.Popen(["sleep", "60"], env={**os.environ, **given}, start_new_session=True)


def test_what_a_dead_run_left_is_found_and_ended_and_nothing_else() -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    with left_by(dead.pid) as orphan, left_by(os.getpid()) as ours, left_by(dead.pid, "other") as others:
        try:
            time.sleep(0.2)  # until each has become `sleep`
            found = list(leftovers("test"))
            assert [each.pid for each in found] == [orphan.pid]
            assert found[0].title == "sleep 60"
            end(found)
            assert orphan.wait(timeout=1) == -signal.SIGTERM
            assert (ours.poll(), others.poll()) == (None, None)
        finally:
            for child in (orphan, ours, others):
                child.kill()


INTERRUPTIBLE = "import time\ntry:\n time.sleep(20)\nexcept KeyboardInterrupt:\n raise SystemExit(7)\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_ends_us_interrupts_the_command_which_ends_by_itself(number: int, tmp_path: Path) -> None:
    threading.Timer(1, os.kill, (os.getpid(), number)).start()
    done = run_process([sys.executable, "-c", INTERRUPTIBLE], tmp_path, os.environ)
    assert (done.code, done.interrupted) == (7, True)


def test_a_command_heeds_an_interrupt_though_our_shell_ignores_them(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as for `make up &` in a script
    try:
        threading.Timer(1, os.kill, (os.getpid(), signal.SIGTERM)).start()
        done = run_process([sys.executable, "-c", INTERRUPTIBLE], tmp_path, os.environ)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (done.code, done.interrupted) == (7, True)


def test_a_run_that_was_interrupted_never_ends_well(tmp_path: Path) -> None:
    threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT)).start()
    done = run_process([sys.executable, "-c", INTERRUPTIBLE.replace("7", "0")], tmp_path, os.environ)
    assert (done.code, done.interrupted) == (130, True)


def test_exit_codes_are_passed_on(tmp_path: Path) -> None:
    done = run_process(["bash", "-c", "exit 3"], tmp_path, os.environ)
    assert (done.code, done.interrupted) == (3, False)


def test_the_command_is_interrupted_when_we_are_killed(tmp_path: Path) -> None:
    child = f"open('{tmp_path}/began', 'w').close()\n{INTERRUPTIBLE}".replace(
        "raise SystemExit(7)", f"open('{tmp_path}/ended', 'w').close()"
    )
    (tmp_path / "child.py").write_text(child)
    ours = (
        "import os, sys; from pathlib import Path; from ops.processes import run\n"
        f"run([sys.executable, '{tmp_path}/child.py'], Path('.'), os.environ)"
    )
    with subprocess.Popen([sys.executable, "-c", ours], stdin=subprocess.DEVNULL) as parent:
        await_file(tmp_path / "began")
        time.sleep(0.2)
        parent.kill()
    await_file(tmp_path / "ended")


def await_file(file: Path) -> None:
    limit = time.monotonic() + 10
    while not file.exists():
        assert time.monotonic() < limit, f"{file} did not appear"
        time.sleep(0.05)


def test_only_steps_on_undeclared_nodes_are_named() -> None:
    steps = ("node-1-engine", "node-2-engine", "node-2-join", "node-2-token", "node-2-labels")
    assert forget.undeclared(state(*steps), ["node-1"]) == {
        "node-2": ("urn::node-2-engine", "urn::node-2-join")
    }
    assert forget.undeclared(state(*steps), ["node-1", "node-2"]) == {}
    assert forget.undeclared(state("node-2-token"), ["node-1"]) == {"node-2": ()}


def test_what_is_forgotten_is_referred_to_no_more() -> None:
    labels = command("node-2-labels", "node-2-join", "node-2-token")
    labels["propertyDependencies"] = {"stdin": ["urn::node-2-join"], "create": []}
    before = {"resources": [command("node-2-join"), command("node-2-token"), labels]}
    after = forget.without(before, ["urn::node-2-join"])
    assert [each["urn"] for each in after["resources"]] == ["urn::node-2-token", "urn::node-2-labels"]
    assert after["resources"][1]["dependencies"] == ["urn::node-2-token"]
    assert after["resources"][1]["propertyDependencies"] == {"stdin": [], "create": []}
    assert labels["dependencies"] == ["urn::node-2-join", "urn::node-2-token"]


def test_a_connection_is_read_from_a_readable_export() -> None:
    given = {
        "host": "192.0.2.1",
        "port": 2222,
        "user": "ann",
        "hostKey": "ssh-ed25519 A",
        "privateKey": "secret",
    }
    text = json.dumps(given)
    one = command("node-2-engine")
    one["inputs"] = {"connection": {forget.SECRET: "1b47061264138c4ac30d75fd1eb44270", "plaintext": text}}
    found = forget.connection({"resources": [one]}, ["urn::node-2-engine"])
    assert found == forget.Connection("192.0.2.1", 2222, "ann", "ssh-ed25519 A")
    assert "secret" not in repr(found)


def test_a_dead_node_is_forgotten_and_one_that_works_is_not() -> None:
    assert forget.verdict("node-2", None, {}) is None
    assert "is dead (no route)" in str(forget.verdict("node-2", "no route", {"node-2": False}))
    assert "is dead (no route)" in str(forget.verdict("node-2", "no route", {}))
    with pytest.raises(forget.NodeAliveError, match="the swarm has it Ready"):
        forget.verdict("node-2", "no route", {"node-2": True})


def managers_that_say(monkeypatch: pytest.MonkeyPatch, answers: dict[str, str | OSError]) -> None:
    async def run_script(settings: Settings, node: Node, script: str) -> str:
        answer = answers[node.name]
        if isinstance(answer, OSError):
            raise answer
        return answer

    monkeypatch.setattr(managers, "run_script", run_script)


def test_the_first_manager_whose_answer_fits_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    managers_that_say(monkeypatch, {"node-1": OSError("no route"), "node-2": "no-swarm", "node-3": "all"})
    assert asyncio.run(first_answer(settings(), "script")) == "no-swarm"
    assert asyncio.run(first_answer(settings(), "script", fits=lambda said: said == "all")) == "all"


def test_a_manager_that_could_not_be_asked_leaves_it_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    managers_that_say(monkeypatch, {"node-1": OSError("no route"), "node-2": "no", "node-3": "no"})
    with pytest.raises(NoManagerError, match="node-1: no route"):
        asyncio.run(first_answer(settings(), "script", fits=lambda said: said == "yes"))
    managers_that_say(monkeypatch, dict.fromkeys(("node-1", "node-2", "node-3"), "no"))
    assert asyncio.run(first_answer(settings(), "script", fits=lambda said: said == "yes")) is None


def lists(*addresses: str) -> Machines:
    """What is seen where the swarm lists nodes at these addresses that nobody declares."""
    facts = machines(PLAN)
    for name, seen in facts.items():
        if isinstance(seen, NodeFacts) and seen.members:
            strangers = [replace(seen.members[-1], address=address) for address in addresses]
            facts[name] = replace(seen, members=(*seen.members, *strangers))
    return facts


@pytest.mark.parametrize(
    ("arguments", "before", "after", "closed"),
    [
        ((), ["192.0.2.66"], [], True),
        ((), ["192.0.2.66"], ["192.0.2.66"], False),
        ((), [], [], False),
        (("--target", "**node-3-engine"), ["192.0.2.66"], [], False),
    ],
    ids=["who left is shut out", "who stays is not", "nobody leaves", "no more than was asked for"],
)
def test_firewalls_close_to_who_has_left(
    arguments: tuple[str, ...],
    before: list[str],
    after: list[str],
    closed: bool,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    seen, ran = iter([lists(*before), lists(*after)]), list[tuple[str, ...]]()

    def pulumi(_: Runner, lock: object, *given: str) -> Outcome:
        ran.append(given)
        return Outcome(0, False)

    monkeypatch.setattr("ops.run.observe", lambda _: next(seen))
    monkeypatch.setattr(Runner, "_lock", lambda *_: contextlib.nullcontext())
    monkeypatch.setattr(Runner, "_recovery", lambda _: Mock())
    monkeypatch.setattr(Runner, "_pulumi", pulumi)
    assert Runner(tmp_path, "lab", Reading(PLAN, {}), Console(quiet=True)).up(arguments) == 0
    first = ("up", "--yes", "--skip-preview", *arguments)
    assert ran == ([first, ("up", "--yes", "--skip-preview")] if closed else [first])
