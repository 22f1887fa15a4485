"""What the program relies on in `command.remote.Command`, with whatever plugin is installed."""

import os
import signal
import time
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


def test_a_command_runs_once_and_then_there_is_nothing_to_do(project: Project) -> None:
    declare(
        project,
        greet={"create": "echo hello; echo there; echo aside >&2"},
        fed={"create": "cat", "stdin": "line one\nline two\n"},
        idle={"update": "false"},
        quiet={"create": "echo not shown; echo nor this >&2", "logging": "none"},
    )
    first = project.up()
    assert first.exit_code == 0, first.output
    assert first.operations() == dict.fromkeys(["greet", "fed", "idle", "quiet"], "create")
    assert {("info", "hello"), ("info", "there"), ("info", "aside")} <= {
        (severity, text.strip()) for severity, text in first.log
    }
    assert "not shown" not in "".join(text for _, text in first.log)
    greet = outputs(project, "greet")
    assert (greet["stdout"], greet["stderr"]) == ("hello\nthere", "aside")
    assert outputs(project, "fed")["stdout"] == "line one\nline two"
    assert (outputs(project, "idle")["stdout"], outputs(project, "idle")["stderr"]) == ("", "")
    assert project.state()["greet"]["id"].startswith("greet")
    assert len(project.state()["greet"]["id"]) == len("greet") + 8

    assert project.refresh().operations() == {}
    again = project.preview("--expect-no-changes")
    assert (again.exit_code, again.operations()) == (0, {}), again.output


def test_the_offline_plugin_says_so_once_in_each_run(project: Project) -> None:
    declare(project, **{f"greet-{number}": {"create": "true"} for number in range(3)})
    said = [text for _, text in project.preview().log if "offline plugin" in text]
    assert len(said) == (0 if OFFICIAL else 1)


def test_each_changed_input_updates_or_replaces(project: Project) -> None:
    common = {"create": "echo created", "update": "echo updated", "delete": "true", "triggers": ["1", "2"]}
    changed: dict[str, dict[str, Any]] = {
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
    bare = {"create": "echo created"}
    declare(project, **dict.fromkeys(changed, common), bare=bare, triggered=bare, stay=common)
    assert project.up().exit_code == 0

    later = {name: common | change for name, change in changed.items()}
    declare(
        project,
        **later,
        bare=bare | {"update": "echo updated"},
        triggered=bare | {"triggers": ["1"]},
        stay=common,
    )
    expected = dict.fromkeys(
        ["create", "update", "delete", "stdin", "logging", "connection", "bare"], "update"
    )
    replaced = dict.fromkeys(["triggers", "more-triggers", "triggered"], "replace")
    preview = project.preview()
    assert preview.operations() == expected | replaced, preview.output
    paths = {name: step.changed for name, step in preview.steps.items()}
    assert paths["connection"] == ("connection",)
    assert paths["triggers"] == ("triggers[1]",)
    assert paths["more-triggers"] == ("triggers[2]",)
    assert paths["triggered"] == ("triggers",)

    run = project.up()
    assert run.exit_code == 0, run.output
    assert run.operations() == expected | replaced
    ran = {
        name: outputs(project, name)["stdout"] for name in ("create", "update", "bare", "triggers", "ignored")
    }
    assert ran == {
        "create": "updated",
        "update": "changed",
        "bare": "updated",
        "triggers": "created",
        "ignored": "created",
    }
    assert project.preview("--expect-no-changes").exit_code == 0


def test_secrets_stay_out_of_state_logs_and_previews(project: Project, target: Target) -> None:
    key = Path(target.private_key_file).read_text()
    secret_part = key.splitlines()[len(key.splitlines()) // 2]
    told: dict[str, Any] = {
        "create": "wc -c",
        "stdin": {"secret": f"PASSWORD='{SECRET}'\n"},
        "options": {"additional_secret_outputs": ["stdout"]},
    }
    declare(project, told=told)
    runs = [project.preview(), project.up()]
    assert runs[-1].exit_code == 0, runs[-1].output
    declare(project, told=told | {"stdin": {"secret": f"PASSWORD='{SECRET}-2'\n"}, "update": "wc -c; exit 4"})
    runs += [project.preview(), project.up()]
    assert runs[-1].operations() == {"told": "update"}
    assert runs[-1].exit_code != 0

    for secret in (SECRET, secret_part):
        assert secret.encode() not in project.raw_state()
        assert not [run for run in runs if secret in run.shown()]
    state = project.state()["told"]
    for found in (state["inputs"]["stdin"], state["inputs"]["connection"], state["outputs"]["connection"]):
        assert "ciphertext" in found
    assert "ciphertext" in state["outputs"]["stdout"]


def test_what_fails_is_told_and_leaves_nothing_in_the_state(project: Project) -> None:
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPf0ZzdHLQnUTUbmzm4NdXHcRpLkYrVUtC0ZYy6r8mC9"
    once = {"dial_error_limit": 1}
    declare(
        project,
        failing={"create": 'echo out "x"; echo err >&2; exit 3', "logging": "none"},
        killed={"create": "kill -TERM $$"},
        wrong_key={"create": "true", "connection": once | {"host_key": other}},
        no_key={"create": "true", "connection": once | {"private_key": None}},
        refused={"create": "true", "connection": once | {"host": "127.0.0.1", "port": 1}},
        silent={"create": "true", "connection": once | {"host": "192.0.2.1", "per_dial_timeout": 1}},
        fine={"create": "true", "options": {}},
    )
    run = project.up("--continue-on-error")
    assert run.exit_code != 0
    told = errors(run)
    assert 'Process exited with status 3: running "echo out \\"x\\"; echo err >&2; exit 3":\n' in told
    assert "out x" in told
    assert "\nerr" in told
    assert "Process exited with status 143 from signal TERM" in told
    assert "after 1 failed attempts: ssh: handshake failed: ssh: host key mismatch" in told
    assert "ssh: unable to authenticate, attempted methods [none], no supported methods remain" in told
    assert "after 1 failed attempts: dial tcp 127.0.0.1:1: connect: connection refused" in told
    assert "after 1 failed attempts: dial tcp 192.0.2.1:22: " in told
    assert any("Dial 1/1 failed: retrying" in text for _, text in run.log)
    assert {name for name in project.state() if name in run.steps and "command" in run.steps[name].urn} == {
        "fine"
    }


def test_a_failed_update_keeps_the_old_state_and_is_tried_again(project: Project, target: Target) -> None:
    declare(project, step={"create": "echo one"})
    assert project.up().exit_code == 0
    declare(project, step={"create": "echo one", "update": "echo two; exit 5"})
    failed = project.up()
    assert failed.exit_code != 0
    assert "Process exited with status 5" in errors(failed)
    assert outputs(project, "step")["stdout"] == "one"
    declare(project, step={"create": "echo one", "update": "echo two"})
    assert project.up().operations() == {"step": "update"}
    assert outputs(project, "step")["stdout"] == "two"


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


def test_delete_commands_run_and_a_failing_one_keeps_its_resource(project: Project, target: Target) -> None:
    marker = f"/tmp/contract-{os.getpid()}"
    declare(
        project,
        kept={"create": f"touch {marker}", "delete": f"test ! -e {marker}"},
        gone={"create": "true", "delete": f"echo goodbye >> {marker}.gone"},
        plain={"create": "true"},
    )
    assert project.up().exit_code == 0
    failed = project.destroy("--continue-on-error")
    assert failed.exit_code != 0
    assert f'Process exited with status 1: running "test ! -e {marker}":' in errors(failed)
    assert {"kept"} == project.state().keys() & {"kept", "gone", "plain"}
    assert target.ssh(f"cat {marker}.gone; rm -f {marker} {marker}.gone") == "goodbye\n"
    assert project.destroy().exit_code == 0
    assert project.state() == {}


def test_forty_commands_at_once_on_one_host_all_run(project: Project) -> None:
    declare(project, **{f"task-{number}": {"create": f"sleep 0.5; echo {number}"} for number in range(40)})
    run = project.up()
    assert run.exit_code == 0, run.output
    state = project.state()
    assert [state[f"task-{number}"]["outputs"]["stdout"] for number in range(40)] == [
        str(n) for n in range(40)
    ]
