"""The conformance kits in the services' folders, and the ledger that runs their clients; no lab."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from components.declaration import load_declarations
from components.errors import ConfigurationError
from components.reading import CONFIGS
from lab.catalog import load_images
from lab.declared import SERVICES
from tests.lab import faults
from tests.lab.kit import load_kits
from tests.lab.writer import Writer
from tests.unit import examples

KITS = {kit.service: kit for kit in load_kits()}
#: Keeps its numbers in a file; the number 3 is written and lost, 5 is refused.
CLIENT = """
from pathlib import Path

class Client:
    def __init__(self, run, variant="sure"):
        self.file = Path(__file__).with_name(f"{run}-{variant}")
        self.file.touch()
    def write(self, number):
        if number == 5:
            raise ConnectionError("no leader")
        if number != 3:
            self.file.write_text(f"{self.file.read_text()}{number} ")
    def numbers(self):
        return {int(word) for word in self.file.read_text().split()}
    def close(self):
        pass
"""


def test_every_service_with_a_role_hook_has_a_kit() -> None:
    asked = {each.name for each in load_declarations(SERVICES, []) if each.hooks.role}
    assert KITS.keys() == asked
    assert len(asked) >= 3


@pytest.mark.parametrize("name", KITS)
def test_what_a_kit_names_is_there(name: str) -> None:
    kit = KITS[name]
    assert set(kit.file.secrets) <= examples.recipes().keys()
    assert kit.file.image in {image.name for image in load_images()}


def without_kit(folder: Path) -> None:
    (folder / "kit.yaml").unlink()


def without_client(folder: Path) -> None:
    (folder / "client.py").unlink()


def without_reading(folder: Path) -> None:
    file = folder / "client.py"
    file.write_text(file.read_text().replace("def numbers", "def read"))


def edited(**changes: Any) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        file = folder / "kit.yaml"
        file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), **changes}))

    return edit


REFUSAL = {"command": "ask", "answer": "no"}
FAULTS: dict[str, Callable[[Path], None]] = {
    "conformance/kit.yaml: can't be read (No such file or directory); correct": without_kit,
    "conformance/client.py: can't be read (No such file or directory); correct": without_client,
    "conformance/client.py: has no class Client with numbers; add it": without_reading,
    "kit.yaml.sevrer: is not a setting that exists; did you mean server?": edited(sevrer="pidof it"),
    "kit.yaml change: `old` is not in redis.conf.j2; write": edited(
        change={"file": "redis.conf.j2", "old": "port 1", "new": "port 2"}
    ),
    "kit.yaml change: other.conf is no config of the service; name": edited(
        change={"file": "other.conf", "old": "a", "new": "b"}
    ),
    "kit.yaml.refused: has no case `no password`; add it": edited(refused={"a wrong one": REFUSAL}),
    "answer: is not a regular expression; escape": edited(
        refused={"no password": {**REFUSAL, "answer": "("}}
    ),
}


@pytest.mark.parametrize("told", FAULTS)
def test_a_faulty_kit_is_told(tmp_path: Path, told: str) -> None:
    shutil.copytree(CONFIGS, tmp_path, dirs_exist_ok=True)
    FAULTS[told](tmp_path / "services" / "redis" / "server" / "conformance")
    with pytest.raises(ConfigurationError) as error:
        load_kits(tmp_path / "services")
    assert [told in str(fault) for fault in error.value.faults] == [True], error.value


def test_a_kit_without_a_role_hook_is_told(tmp_path: Path) -> None:
    shutil.copytree(CONFIGS, tmp_path, dirs_exist_ok=True)
    shutil.copytree(SERVICES / "redis/server/conformance", tmp_path / "services/nginx/server/conformance")
    with pytest.raises(ConfigurationError, match=r"services/nginx/server/conformance: belongs to no `role`"):
        load_kits(tmp_path / "services")


def ledger(folder: Path, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and events of the ledger, as a container runs it."""
    shutil.copy(Path(faults.__file__).with_name("ledger.py"), folder)
    (folder / "client.py").write_text(CLIENT)
    line = [sys.executable, str(folder / "ledger.py"), *arguments]
    done = subprocess.run(line, capture_output=True, text=True)
    return done.returncode, [json.loads(each) for each in done.stdout.splitlines()]


@pytest.mark.parametrize("variant", ["sure", "plain"])
def test_a_ledger_tells_what_was_acknowledged_and_is_lost(tmp_path: Path, variant: str) -> None:
    code, events = ledger(tmp_path, "run", "0.5", variant)
    end = events[-1]
    assert (code, events[0]["event"], end["event"]) == (1, "begin", "end")
    assert (end["lost"], end["first_lost"], end["refused"], end["foreign"]) == (1, [3], 1, 0)
    assert end["last_error"] == "ConnectionError: no leader"
    assert (tmp_path / f"run-{variant}").exists()
    code, events = ledger(tmp_path, "run", "0", variant)
    assert (code, events[-1]["present"]) == (0, end["present"])


def test_a_variant_is_told_to_the_client_by_its_name() -> None:
    lines = {each.name: Writer(_place(each.secrets), each, "run", 9) for each in KITS["redis"].clients}
    assert {name: writer.command()[2:] for name, writer in lines.items()} == {
        "redis": ["run", "9"],
        "redis-plain": ["run", "9", "plain"],
    }
    files = lines["redis-plain"].files()
    assert files.keys() == {"ledger.py", "client.py", "redis_app_password"}
    assert files["client.py"] == KITS["redis"].clients[0].source


def _place(names: tuple[str, ...]) -> Any:
    return SimpleNamespace(secrets=dict.fromkeys(names, "secret"))


@pytest.mark.parametrize("fault", [faults.kill, faults.freeze_server])
@pytest.mark.parametrize(("found", "sent_to"), [("4", "bash -c kill -{} 4"), ("1", "kill --signal {}")])
def test_a_signal_reaches_the_server_that_the_kit_finds(
    fault: Callable[[Any, str], None],
    found: str,
    sent_to: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The script runs here; its docker answers in place of the container, and reaches process 1."""
    scripts: list[str] = []
    monkeypatch.setattr(faults, "on_node", lambda settings, home, script: scripts.append(script))
    monkeypatch.setattr(faults, "FROZEN_S", 0)
    server = f"""echo "{found} 2" | cut -d' ' -f1"""
    kit = SimpleNamespace(file=SimpleNamespace(server=server))
    fault(SimpleNamespace(kit=kit, settings=None, homes={"db-1": "node-1"}), "db-1")
    docker, said = tmp_path / "docker", tmp_path / "said"
    lines = ("#!/bin/bash", "case $*", "in ps*) echo abc ;;", '"exec -i"*) exec bash ;;')
    docker.write_text("\n".join((*lines, f'*) echo "$*" >>{said} ;;', "esac", "")))
    docker.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    subprocess.run(["bash", "-euo", "pipefail"], input=scripts[0], text=True, env=environment, check=True)
    signals = ["KILL"] if fault is faults.kill else ["STOP", "CONT"]
    told = [line for line in said.read_text().splitlines() if not line.startswith("wait")]
    assert [line.replace(" abc", "").removeprefix("exec ") for line in told] == [
        sent_to.format(signal) for signal in signals
    ]
