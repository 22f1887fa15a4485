"""`kill -9` at any moment is safe to repeat, and only one run at a time writes."""

from __future__ import annotations

import os
import random
import re
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from components.topology import Plan
from ops import status
from ops.processes import leftovers
from tests.lab.measure import measured
from tests.lab.runner import STACK, Run, Tree, copy_of_the_checkout, until
from tests.lab.test_rolling_update import override
from tests.lab.topics import cases

#: Kills of each kind at random moments; ten of each are some 20 minutes.
ROUNDS = int(os.environ.get("INTERRUPTION_ROUNDS", "1"))
SEED = int(os.environ.get("INTERRUPTION_SEED", str(secrets.randbelow(10**6))))
#: The first instants only load Python; nothing can be left half-made there.
EARLIEST_S = 1.0
#: Where a single kill happens at the latest: to measure how long such a run takes would cost as much.
#: A run that ends before is tried again at an earlier moment.
FIRST_CONVERGENCE_S, CHANGE_S = 18.0, 40.0


def ops(tree: Tree, *arguments: str, timeout_s: int = 600) -> Run:
    began = time.monotonic()
    with start(tree, *arguments) as process:
        text = process.communicate(timeout=timeout_s)[0]
    return Run(process.returncode, text, time.monotonic() - began)


def start(tree: Tree, *arguments: str) -> subprocess.Popen[str]:
    """`python -m ops …` as the leader of a process group of its own."""
    return subprocess.Popen(
        ["python", "-m", "ops", *arguments, "--stack", STACK],
        cwd=tree.root,
        env={**tree.environment, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def kill_when(tree: Tree, due: Callable[[str, float], bool]) -> str | None:
    """Kill the whole group of an `ops up` when `due` (what it said, seconds run).

    What it had said; None when it ended before.
    """
    log, began = tree.root / "killed.log", time.monotonic()
    with log.open("w") as file:  # no pipe: what outlives the group would hold it open
        process = subprocess.Popen(
            ["python", "-m", "ops", "up", "--stack", STACK],
            cwd=tree.root,
            env=dict(tree.environment),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        while not due(log.read_text(), time.monotonic() - began) and process.poll() is None:
            time.sleep(0.02)
        if process.poll() is not None:
            return None
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return log.read_text()


def recovers(tree: Tree, moment_s: float, label: str) -> bool:
    """Kill at a moment, run again, and nothing is left to do; False when it ended before that moment."""
    said = kill_when(tree, lambda _, seconds: seconds >= moment_s)
    if said is None:
        print(f"{label}: ended before {moment_s:.1f} s, once more")
        return False
    print(f"{label}: killed at {moment_s:.1f} s ({len(said.splitlines())} lines)")
    repeated(tree, label, moment_s)
    return True


def repeated(tree: Tree, label: str, moment_s: float | None = None) -> Run:
    """The run after a kill, and that nothing is left to do."""
    done = ops(tree, "up")
    measured(label, up_again_s=done.seconds, **({} if moment_s is None else {"killed_at_s": moment_s}))
    for line in done.text.splitlines():
        if "interrupted" in line or "left by" in line or "waits until" in line:
            print(f"    {line}")
    assert done.code == 0, f"{label}\n{done.said}"
    clean = tree.preview("--expect-no-changes")
    assert clean.code == 0, f"{label}\n{clean.said}"
    return done


@pytest.fixture
def moments() -> random.Random:
    print(f"INTERRUPTION_SEED={SEED}")
    return random.Random(SEED)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory, checkout: Tree) -> Iterator[Tree]:
    """A copy to edit; in the end of them all `ops up` of the checkout puts its own state back."""
    yield copy_of_the_checkout(tmp_path_factory.mktemp("interrupted"), checkout.environment)
    done = ops(checkout, "up")
    assert done.code == 0, done.said


@pytest.mark.timeout(2700)
def test_a_killed_first_convergence_is_repeated(tree: Tree, moments: random.Random) -> None:
    def prepare(_: int) -> None:
        down = ops(tree, "destroy")
        assert down.code == 0, down.said

    at_random_moments(tree, moments, "first convergence", prepare, FIRST_CONVERGENCE_S)


@pytest.mark.parametrize("kind", cases(["Network", "Secret", "Service"], tested=["Service"]))
def test_what_was_being_created_when_the_run_was_killed_is_not_in_the_way(
    tree: Tree, plan: Plan, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", tree.environment["PULUMI_BACKEND_URL"])
    assert ops(tree, "destroy").code == 0
    began = re.compile(rf"docker:index:{kind} \S+ creating")

    def due(text: str, _: float) -> bool:
        # A service takes seconds to become healthy, so it can be met between being made and being known.
        return bool(began.search(text)) and (kind != "Service" or bool(status.read(plan.settings).services))

    said = kill_when(tree, due)
    for left in leftovers(STACK):  # as when the machine loses power: no plugin tidies up
        os.kill(left.pid, signal.SIGKILL)
    assert said is not None, f"nobody saw a {kind} being created"
    done = repeated(tree, f"killed while a {kind} was created")
    if kind == "Service":
        kept = re.search(r"service \S+: creating it was interrupted; it exists and is kept", done.text)
        assert kept, done.said


@pytest.mark.timeout(2700)
def test_a_killed_change_is_repeated(tree: Tree, moments: random.Random) -> None:
    at_random_moments(tree, moments, "change", lambda tried: change(tree, tried), CHANGE_S)


def at_random_moments(
    tree: Tree, moments: random.Random, what: str, prepare: Callable[[int], None], latest_s: float
) -> None:
    """ROUNDS kills of a run that does what `prepare` (given the number of the try) leaves it to do.

    latest_s: where a single kill happens at the latest; several are spread over the time that the run takes.
    """
    killed, tried = 0, 0
    if ROUNDS > 1:
        prepare(tried)
        undisturbed = ops(tree, "up")
        assert undisturbed.code == 0, undisturbed.said
        measured(f"{what}, not killed", took_s=undisturbed.seconds)
        latest_s = undisturbed.seconds
    while killed < ROUNDS:
        tried += 1
        prepare(tried)
        moment_s = moments.uniform(EARLIEST_S, latest_s)
        if recovers(tree, moment_s, f"{what} {killed + 1}/{ROUNDS}"):
            killed += 1
        else:
            latest_s = moment_s


def change(tree: Tree, number: int) -> None:
    """Another nginx setting, another secret and another number of replicas."""
    file = tree.root / "configs/services/nginx/server/nginx.conf.j2"
    text, found = re.subn(r"worker_connections \d+", f"worker_connections {1024 + number}", file.read_text())
    assert found
    file.write_text(text)
    override(tree, "platform-api", replicas=3 + number % 2)
    tree.give("api_token", f"another-token-of-the-same-length-{number}")


def test_a_second_run_is_refused_with_owner_and_age_until_the_lock_is_broken(tree: Tree) -> None:
    change(tree, 99)
    first = start(tree, "up")
    until(lambda: ops(tree, "unlock").code == 1, 20, "the run's lock")
    second = ops(tree, "up")
    assert second.code == 1
    said = re.search(
        r"run lock on node-1.*: (\S+@\S+) runs ops up \(lab\) since \d+ s .* as run (\w+)", second.text
    )
    assert said, second.text
    assert f"(process {first.pid})" in second.text
    assert "python -m ops unlock --run" in second.text
    wrong = ops(tree, "unlock", "--run", "00000000")
    assert wrong.code == 1
    assert "another run holds it" in wrong.text
    broken = ops(tree, "unlock", "--run", said[2])
    assert broken.code == 0, broken.text
    assert "the session that held it was ended" in broken.text
    text = first.communicate(timeout=300)[0]
    assert first.returncode != 0
    assert "held nowhere any more" in text
    again = ops(tree, "up")
    assert again.code == 0, again.said


def test_an_interrupt_ends_the_run_gracefully_and_leaves_nothing_open(tree: Tree) -> None:
    change(tree, 98)
    process = start(tree, "up")
    until(lambda: ops(tree, "unlock").code == 1, 20, "the run's lock")
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    text = process.communicate(timeout=300)[0]
    assert process.returncode != 0, text
    assert ops(tree, "unlock").code == 0
    again = ops(tree, "up")
    assert again.code == 0, again.said
    assert "interrupted" not in again.text
