"""A tiny Pulumi project per test, run by the real engine with whatever plugins are installed.

`PLUGINS=official CONTRACT_PULUMI_HOME=<dir>` runs the same cases on official plugins;
`CONTRACT_TARGET=<file>` names another host than the lab's node-1, as the JSON form of `Target`.
"""

import atexit
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract.swarm import Swarm, imported_image
from tests.contract.target import Target

ROOT = Path(__file__).parents[2]
OFFICIAL = os.environ.get("PLUGINS") == "official"
PULUMI_HOME = Path(os.environ.get("CONTRACT_PULUMI_HOME", ROOT / ".tools/pulumi-home"))
PASSPHRASE = "of this test only"
RUN_LIMIT_S = 120


@dataclass(frozen=True)
class Step:
    """What the engine did, or would do, to one resource."""

    op: str
    changed: tuple[str, ...]
    """Property paths, such as `triggers[0]`."""
    urn: str


@dataclass(frozen=True)
class Run:
    """One run of `pulumi`: `steps` by logical name; `log` as (severity, text), with passing lines."""

    exit_code: int
    output: str
    steps: dict[str, Step]
    log: tuple[tuple[str, str], ...]
    events: str
    seconds: float

    def operations(self) -> dict[str, str]:
        """Return the operation by logical name of all that changed; of a refresh, its result."""
        return {name: step.op for name, step in self.steps.items() if step.op != "same"}

    def shown(self) -> str:
        """Everything that an operator or a tool could have read."""
        return self.output + self.events


@functools.cache
def _blank_stack() -> Path:
    """A folder with an empty stack, made once: each project starts with a copy of it."""
    folder = Path(tempfile.mkdtemp(prefix="contract-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "state").mkdir()
    (folder / "Pulumi.yaml").write_text("name: contract\nruntime: python\n")
    command = ["pulumi", "stack", "init", "test", "--non-interactive"]
    subprocess.run(
        command, cwd=folder, env=environment_of(folder, PULUMI_HOME), check=True, capture_output=True
    )
    return folder


class Project:
    """A Pulumi project with its own file backend, passphrase and stack; `home` holds the plugins."""

    def __init__(self, folder: Path, target: Target, home: Path = PULUMI_HOME) -> None:
        self.folder, self.target, self.home = folder, target, home
        self.environment: dict[str, str] = {}
        shutil.copytree(_blank_stack(), folder, dirs_exist_ok=True)
        (folder / "target.json").write_text(json.dumps(asdict(target)))

    def write(self, program: str, **values: Any) -> None:
        """Make this the program; it finds `values` in values.json, and the target in target.json."""
        (self.folder / "__main__.py").write_text(program)
        (self.folder / "values.json").write_text(json.dumps(values))

    def up(self, *options: str) -> Run:
        return self.run("up", "--yes", "--skip-preview", *options)

    def preview(self, *options: str) -> Run:
        return self.run("preview", "--diff", *options)

    def refresh(self) -> Run:
        return self.run("refresh", "--yes", "--skip-preview")

    def destroy(self, *options: str) -> Run:
        return self.run("destroy", "--yes", "--skip-preview", *options)

    def run(self, *arguments: str) -> Run:
        """Run `pulumi` to its end."""
        return self.finish(self.start(*arguments))

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start `pulumi`, as the leader of a process group, so that a test can interrupt it."""
        options = ("--stack", "test", "--event-log", str(self.folder / "events"))
        (self.folder / "events").unlink(missing_ok=True)
        self._started = time.monotonic()
        return subprocess.Popen(
            ["pulumi", *arguments, *options, "--non-interactive", "--color", "never"],
            cwd=self.folder,
            env=environment_of(self.folder, self.home) | self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def finish(self, process: "subprocess.Popen[str]") -> Run:
        """Wait for the end of what `start` returned."""
        try:
            output, _ = process.communicate(timeout=RUN_LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        events = self.folder / "events"
        text = events.read_text() if events.exists() else ""
        seconds = time.monotonic() - self._started
        print(f"pulumi ended with {process.returncode} after {seconds:.1f} s")
        return _run(process.returncode, output, text, seconds)

    def state(self) -> dict[str, Any]:
        """Return the resources of the stack by logical name, secrets still encrypted."""
        checkpoint = json.loads(self.state_file.read_text())
        resources = checkpoint["checkpoint"]["latest"].get("resources") or []
        return {resource["urn"].rsplit("::", 1)[1]: resource for resource in resources}

    @property
    def state_file(self) -> Path:
        """Where the file backend keeps the stack."""
        return self.folder / "state/.pulumi/stacks/contract/test.json"

    def raw_state(self) -> bytes:
        """Return all that lies on disk for this stack: state, backups, history, configuration."""
        files = [path for path in (self.folder / "state").rglob("*") if path.is_file()]
        return b"".join(path.read_bytes() for path in [*files, *self.folder.glob("Pulumi.*.yaml")])


def environment_of(folder: Path, home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "SSH_AUTH_SOCK"}
    return kept | {
        "PATH": f"{Path(sys.executable).parent}:{ROOT / '.tools/bin'}:{os.environ['PATH']}",
        "PULUMI_HOME": str(home),
        "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_PARALLEL": "64",
        "PULUMI_DEBUG_COMMANDS": "true",  # --event-log is one of them
    }


def _run(exit_code: int, output: str, events: str, seconds: float) -> Run:
    steps: dict[str, Step] = {}
    log: list[tuple[str, str]] = []
    for event in map(json.loads, events.splitlines()):
        for kind in {"resourcePreEvent", "resOutputsEvent"} & event.keys():
            step = event[kind]["metadata"]
            name = step["urn"].rsplit("::", 1)[1]
            if "::pulumi:" not in step["urn"] and _tells_more(step["op"], steps.get(name)):
                steps[name] = Step(step["op"], tuple(sorted(step.get("detailedDiff") or ())), step["urn"])
        if "diagnosticEvent" in event:
            log.append((event["diagnosticEvent"]["severity"], event["diagnosticEvent"]["message"]))
    return Run(exit_code, output, steps, tuple(log), events, seconds)


def _tells_more(op: str, known: Step | None) -> bool:
    """A replacement is three steps, a refresh is told twice: before, and with what came out."""
    return known is None or known.op in ("same", "refresh") or op == "replace"


@pytest.fixture(scope="session")
def target() -> Target:
    """The host that the cases run on: that of CONTRACT_TARGET, or the lab's first node."""
    named = os.environ.get("CONTRACT_TARGET")
    if named:
        return Target(**json.loads(Path(named).read_text()))
    stack_file = ROOT / "Pulumi.lab.yaml"
    if not stack_file.exists():
        pytest.fail(
            f"{stack_file.name}: there is no lab; run `make lab-up`, or name a host in CONTRACT_TARGET"
        )
    config = yaml.safe_load(stack_file.read_text())["config"]
    node, ssh = config["platform-beta:nodes"][0], config["platform-beta:ssh"]
    return Target(
        address=node["address"],
        port=ssh.get("port", 22),
        user=ssh["user"],
        private_key_file=str(ROOT / ssh["private_key_file"]),
        host_key=node["host_key"],
        docker_host=f"ssh://{ssh['user']}@{node['address']}:{ssh.get('port', 22)}",
    )


@pytest.fixture(scope="package", autouse=True)
def lives(
    request: pytest.FixtureRequest, target: Target, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Any]]]:
    """The recorded runs of each module that has a function `live`, by its name; they go on side by side."""
    ours = [item for item in request.session.items if item.path.parent == Path(__file__).parent]
    modules = {item.module for item in ours if isinstance(item, pytest.Function)}
    living = [module for module in modules if hasattr(module, "live")]
    needs_swarm = any("swarm" in getattr(item, "fixturenames", ()) for item in ours)
    swarm = request.getfixturevalue("swarm") if needs_swarm else None
    with ThreadPoolExecutor() as pool:
        yield {
            module.__name__: pool.submit(module.live, Project(tmp_path_factory.mktemp("life"), target), swarm)
            for module in living
        }


@pytest.fixture(scope="module")
def life(request: pytest.FixtureRequest, lives: dict[str, Future[Any]]) -> Any:
    """What `live` of the test's module recorded."""
    return lives[request.module.__name__].result()


@pytest.fixture
def project(tmp_path: Path, target: Target) -> Project:
    """An empty project. Commands leave only files in /tmp; `swarm` removes what was made there."""
    return Project(tmp_path, target)


@pytest.fixture(scope="package")
def swarm(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swarm]:
    """The target's swarm, with the image of the cases in its first node's engine."""
    image = imported_image(target, tmp_path_factory.mktemp("image"))
    found = Swarm(target, image)
    found.remove_leftovers()
    yield found
    found.remove_leftovers()
    target.ssh(f"docker image rm --force {image}")
