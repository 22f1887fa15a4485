"""What the program relies on in `command.remote.Command`, with whatever plugin is installed.

The cases share one stack: `life` records its runs, and each test looks at what concerns it.
"""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.contract.conftest import OFFICIAL, Project, Run
from tests.contract.target import Target

pytestmark = pytest.mark.contract

PROGRAM = '''
"""Commands by name from values.json; {"secret": x} and {"stdout_of": name} stand for outputs."""
import json
from pathlib import Path

import pulumi
from pulumi_command.remote import Command, ConnectionArgs

here = Path(__file__).parent
target = json.loads((here / "target.json").read_text())
login = {
    "host": target["address"],
    "port": target["port"],
    "user": target["user"],
    "private_key": Path(target["private_key_file"]).read_text(),
    "host_key": target["host_key"],
}
made = {}

def value(given):
    if isinstance(given, dict) and "secret" in given:
        return pulumi.Output.secret(given["secret"])
    if isinstance(given, dict) and "stdout_of" in given:
        return made[given["stdout_of"]].stdout
    return given

for name, inputs in json.loads((here / "values.json").read_text()).items():
    options = pulumi.ResourceOptions(**inputs.pop("options", {}))
    inputs = {"add_previous_output_in_env": False, **inputs}
    connection = {**login, **inputs.pop("connection", {})}
    made[name] = Command(
        name,
        connection=ConnectionArgs(**{key: value(item) for key, item in connection.items() if item}),
        opts=options,
        **{key: value(item) for key, item in inputs.items()},
    )
'''
SECRET = "correct-horse-battery"


def declare(project: Project, **commands: dict[str, Any]) -> None:
    project.write(PROGRAM, **commands)


def outputs(project: Project, name: str) -> dict[str, Any]:
    found: dict[str, Any] = project.state()[name]["outputs"]
    return found


def errors(run: Run) -> str:
    return "\n".join(text for severity, text in run.log if severity == "error")


Commands = dict[str, dict[str, Any]]
COMMON: dict[str, Any] = {
    "create": "echo created",
    "update": "echo updated",
    "delete": "true",
    "triggers": ["1", "2"],
}
BARE = {"create": "echo created"}
CHANGED: Commands = {
    "create": {"create": "echo made"},
    "update": {"update": "echo changed"},
    "delete": {"delete": "true # again"},
    "stdin": {"stdin": "new"},
    "logging": {"logging": "stdout"},
    "connection": {"connection": {"per_dial_timeout": 14}},
    "triggers": {"triggers": ["1", "3"]},
    "more-triggers": {"triggers": ["1", "2", "3"]},
    "ignored": {"update": "echo ignored", "options": {"ignore_changes": ["update"]}},
}
UPDATED = dict.fromkeys(["create", "update", "delete", "stdin", "logging", "connection", "bare"], "update")
REPLACED = dict.fromkeys(["triggers", "more-triggers", "triggered"], "replace")
ONCE = {"dial_error_limit": 1}
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPf0ZzdHLQnUTUbmzm4NdXHcRpLkYrVUtC0ZYy6r8mC9"
FAILING: Commands = {
    "failing": {"create": 'echo out "x"; echo err >&2; exit 3', "logging": "none"},
    "killed": {"create": "kill -TERM $$"},
    "wrong_key": {"create": "true", "connection": ONCE | {"host_key": OTHER_KEY}},
    "no_key": {"create": "true", "connection": ONCE | {"private_key": None}},
    "refused": {"create": "true", "connection": ONCE | {"host": "127.0.0.1", "port": 1}},
    "silent": {"create": "true", "connection": ONCE | {"host": "192.0.2.1", "per_dial_timeout": 1}},
}
MARKER = f"/tmp/contract-{os.getpid()}"
#: What is never changed.
LASTING: Commands = {
    "greet": {"create": "echo hello; echo there; echo aside >&2"},
    "fed": {"create": "cat", "stdin": "line one\nline two\n"},
    "idle": {"update": "false"},
    "quiet": {"create": "echo not shown; echo nor this >&2", "logging": "none"},
    "kept": {"create": f"touch {MARKER}", "delete": f"test ! -e {MARKER}"},
    "gone": {"create": "true", "delete": f"echo goodbye >> {MARKER}.gone"},
    "stay": COMMON,
    **{f"task-{number}": {"create": f"sleep 0.5; echo {number}"} for number in range(40)},
}
States = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Life:
    """The runs of one stack, in their order, and the state after some of them."""

    made: Run
    refreshed: Run
    quiet: Run
    planned: Run
    changed: Run
    rested: Run
    destroyed: Run
    destroyed_again: Run
    states: dict[str, States]
    leaked: list[str]
    """Secrets that were found in state, output or events."""


def told(version: str, **more: Any) -> dict[str, Any]:
    """A command that gets a secret and gives one back."""
    return {
        "create": "wc -c",
        "stdin": {"secret": f"PASSWORD='{SECRET}{version}'\n"},
        "options": {"additional_secret_outputs": ["stdout"]},
        **more,
    }


def live(project: Project, swarm: object) -> Life:
    """Run after run of one stack; `lives` calls it."""
    target = project.target
    runs, states = {}, {}
    step = {"create": "echo one"}
    changing = dict.fromkeys(CHANGED, COMMON) | {"bare": BARE, "triggered": BARE}
    declare(project, **LASTING, **changing, told=told(""), step=step)
    runs["made"] = project.up()
    states["made"] = project.state()
    runs["refreshed"] = project.refresh()
    runs["quiet"] = project.preview("--expect-no-changes")

    later = {name: COMMON | change for name, change in CHANGED.items()}
    later["bare"] = BARE | {"update": "echo updated"}
    later["triggered"] = BARE | {"triggers": ["1"]}
    failing = {"told": told("-2", update="wc -c; exit 4"), "step": step | {"update": "echo two; exit 5"}}
    declare(project, **LASTING, **later, **failing, **FAILING)
    runs["planned"] = project.preview()
    runs["changed"] = project.up("--continue-on-error")
    states["changed"] = project.state()
    leaked = found_in(project, list(runs.values()), target)

    declare(project, **LASTING, **later, step=step | {"update": "echo two"})
    runs["rested"] = project.up()
    states["rested"] = project.state()
    runs["destroyed"] = project.destroy("--continue-on-error")
    states["destroyed"] = project.state()
    target.ssh(f"rm {MARKER}")
    runs["destroyed_again"] = project.destroy()
    states["destroyed_again"] = project.state()
    return Life(**runs, states=states, leaked=leaked)


def found_in(project: Project, runs: list[Run], target: Target) -> list[str]:
    """Which of the secrets are in the state or shown."""
    key = Path(target.private_key_file).read_text().splitlines()
    state = project.raw_state()
    return [
        secret
        for secret in (SECRET, key[len(key) // 2])
        if secret.encode() in state or any(secret in run.shown() for run in runs)
    ]


def stdout(states: States, name: str) -> Any:
    return states[name]["outputs"]["stdout"]


def test_a_command_runs_once_and_then_there_is_nothing_to_do(life: Life) -> None:
    assert life.made.exit_code == 0, life.made.output
    assert set(life.made.operations().values()) == {"create"}
    lines = {(severity, text.strip()) for severity, text in life.made.log}
    assert {("info", "hello"), ("info", "there"), ("info", "aside")} <= lines
    assert "not shown" not in "".join(text for _, text in life.made.log)
    state = life.states["made"]
    greet, idle = state["greet"]["outputs"], state["idle"]["outputs"]
    assert (greet["stdout"], greet["stderr"]) == ("hello\nthere", "aside")
    assert stdout(state, "fed") == "line one\nline two"
    assert (idle["stdout"], idle["stderr"]) == ("", "")
    assert state["greet"]["id"].startswith("greet")
    assert len(state["greet"]["id"]) == len("greet") + 8
    assert life.refreshed.operations() == {}
    assert (life.quiet.exit_code, life.quiet.operations()) == (0, {}), life.quiet.output


def test_forty_commands_at_once_on_one_host_all_run(life: Life) -> None:
    state = life.states["made"]
    assert [stdout(state, f"task-{number}") for number in range(40)] == [str(n) for n in range(40)]


def test_the_offline_plugin_says_so_once_in_each_run(life: Life) -> None:
    said = [text for _, text in life.made.log if "offline plugin" in text]
    assert len(said) == (0 if OFFICIAL else 1)


def test_each_changed_input_updates_or_replaces(life: Life) -> None:
    failing = {"told", "step"}
    planned = {
        name: op for name, op in life.planned.operations().items() if name not in failing | set(FAILING)
    }
    assert planned == UPDATED | REPLACED, life.planned.output
    paths = {name: step.changed for name, step in life.planned.steps.items()}
    assert paths["connection"] == ("connection",)
    assert paths["triggers"] == ("triggers[1]",)
    assert paths["more-triggers"] == ("triggers[2]",)
    assert paths["triggered"] == ("triggers",)
    operations = life.changed.operations()
    assert {name: operations.get(name) for name in planned} == planned
    ran = {
        name: stdout(life.states["changed"], name)
        for name in ("create", "update", "bare", "triggers", "ignored")
    }
    assert ran == {
        "create": "updated",
        "update": "changed",
        "bare": "updated",
        "triggers": "created",
        "ignored": "created",
    }
    assert life.rested.operations() == {"told": "delete", "step": "update"}, life.rested.output


def test_secrets_stay_out_of_state_logs_and_previews(life: Life) -> None:
    assert life.changed.operations()["told"] == "update"
    assert not life.leaked
    state = life.states["changed"]["told"]
    for found in (state["inputs"]["stdin"], state["inputs"]["connection"], state["outputs"]["connection"]):
        assert "ciphertext" in found
    assert "ciphertext" in state["outputs"]["stdout"]


def test_what_fails_is_told_and_leaves_nothing_in_the_state(life: Life, target: Target) -> None:
    assert life.changed.exit_code != 0
    told = errors(life.changed)
    assert 'Process exited with status 3: running "echo out \\"x\\"; echo err >&2; exit 3":\n' in told
    assert "out x" in told
    assert "\nerr" in told
    assert "Process exited with status 143 from signal TERM" in told
    assert "after 1 failed attempts: ssh: handshake failed: ssh: host key mismatch" in told
    assert "ssh: unable to authenticate, attempted methods [none], no supported methods remain" in told
    assert "after 1 failed attempts: dial tcp 127.0.0.1:1: connect: connection refused" in told
    assert f"after 1 failed attempts: dial tcp 192.0.2.1:{target.port}: " in told
    assert any("Dial 1/1 failed: retrying" in text for _, text in life.changed.log)
    assert not FAILING.keys() & life.states["changed"].keys()


def test_a_failed_update_keeps_the_old_state_and_is_tried_again(life: Life) -> None:
    assert "Process exited with status 5" in errors(life.changed)
    assert stdout(life.states["changed"], "step") == "one"
    assert life.rested.operations()["step"] == "update"
    assert stdout(life.states["rested"], "step") == "two"


def test_delete_commands_run_and_a_failing_one_keeps_its_resource(life: Life, target: Target) -> None:
    assert life.destroyed.exit_code != 0
    assert f'Process exited with status 1: running "test ! -e {MARKER}":' in errors(life.destroyed)
    assert LASTING.keys() & life.states["destroyed"].keys() == {"kept"}
    assert target.ssh(f"cat {MARKER}.gone; rm -f {MARKER}.gone") == "goodbye\n"
    assert life.destroyed_again.exit_code == 0
    assert life.states["destroyed_again"] == {}


def test_unknown_inputs_make_unknown_outputs_in_a_preview(project: Project) -> None:
    first = {"create": "echo one"}
    second: dict[str, Any] = {"create": "cat", "stdin": {"stdout_of": "first"}}
    third: dict[str, Any] = {"create": "hostname", "connection": {"user": {"stdout_of": "user"}}}
    user = {"create": "whoami"}
    declare(project, first=first, second=second, user=user, third=third)
    preview = project.preview()
    assert preview.exit_code == 0, preview.output
    assert (
        preview.operations().items() >= dict.fromkeys(["first", "second", "user", "third"], "create").items()
    )
    assert project.up().exit_code == 0
    assert outputs(project, "second")["stdout"] == "one"

    declare(project, first=first | {"update": "echo two"}, second=second, user=user, third=third)
    assert project.preview().operations().keys() == {"first"}  # a new input leaves the outputs known
    declare(project, first={"create": "echo two"}, second=second, user=user, third=third)
    assert project.preview().operations() == {"first": "update", "second": "update"}
    assert project.up().operations() == {"first": "update", "second": "update"}
    assert outputs(project, "second")["stdout"] == "two"


def test_an_interrupted_run_finishes_what_it_began_and_the_next_one_the_rest(project: Project) -> None:
    declare(
        project,
        slow={"create": "echo begun; sleep 6; echo done"},
        after={"create": "cat", "stdin": {"stdout_of": "slow"}},
        nowhere={"create": "true", "connection": {"host": "127.0.0.1", "port": 1, "dial_error_limit": -1}},
    )
    process = project.start("up", "--yes", "--skip-preview")
    events = project.folder / "events"
    while not all(
        line in (events.read_text() if events.exists() else "") for line in ("begun", "Dial 3/inf")
    ):
        assert process.poll() is None
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGINT)
    run = project.finish(process)
    assert run.exit_code != 0
    assert outputs(project, "slow")["stdout"] == "begun\ndone"
    assert not {"after", "nowhere"} & project.state().keys()

    declare(
        project,
        slow={"create": "echo begun; sleep 6; echo done"},
        after={"create": "cat", "stdin": {"stdout_of": "slow"}},
    )
    rest = project.up()
    assert (rest.exit_code, rest.operations()) == (0, {"after": "create"}), rest.output
