"""The contract of the docker plugins asks every argument, and every ignored path, that the program uses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pulumi_docker as docker
import pytest

from tests.contract.docker_corpus import Place, everything
from tests.contract.docker_program import PROVIDER_ARGUMENTS, TYPES
from tests.program import test_environment
from tests.program.recorder import Recorder
from tests.program.test_environment import run

recorder = test_environment.recorder

#: How Pulumi marks a secret on its way to the engine.
SECRET = "4dabf18193072939515e22adb298388d"
#: Maps whose keys are names of the program's own choice.
FREE_KEYS = ("env", "sysctl")


def arguments(value: Any, path: str = "") -> Iterator[str]:
    """Names of all that is given, from the outside in; elements of lists and the program's own keys as *."""
    if isinstance(value, dict) and SECRET not in value:
        for key, inner in value.items():
            if inner is not None:
                free = path.rpartition(".")[2] in FREE_KEYS
                yield from arguments(inner, f"{path}.{'*' if free else camel(key)}".lstrip("."))
    elif isinstance(value, list):
        for inner in value:
            yield from arguments(inner, f"{path}.*")
    else:
        yield path


def camel(name: str) -> str:
    """As Pulumi's engine spells an argument of Python's."""
    return re.sub(r"(?<=[a-z])_([a-z])", lambda match: match[1].upper(), name)


def corpus() -> dict[str, set[str]]:
    """Arguments that the cases give, by type."""
    found: dict[str, set[str]] = {}
    for resource in everything(Place("node", "image")).values():
        found.setdefault(TYPES[resource["type"]], set()).update(
            arguments(outputs_as_texts(resource["inputs"]))
        )
    return found


def outputs_as_texts(value: Any) -> Any:
    """What stands for another resource's output, or for a secret, is a text to the program."""
    if isinstance(value, list):
        return [outputs_as_texts(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.keys() <= {"secret", "id_of", "name_of"}:
        return "text"
    return {key: outputs_as_texts(each) for key, each in value.items()}


@pytest.fixture
def ignored(monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, str]]:
    """Name of the class and path of everything that the program ignores."""
    found: set[tuple[str, str]] = set()
    for name in ("Network", "Service", "Secret", "ServiceConfig"):
        original = getattr(docker, name)

        def note(logical: str, _name: str = name, _original: Any = original, **named: Any) -> Any:
            found.update((_name, path) for path in named["opts"].ignore_changes or ())
            return _original(logical, **named)

        monkeypatch.setattr(docker, name, note)
    return found


def test_the_contract_asks_every_argument_that_the_program_gives(
    recorder: Recorder, ignored: set[tuple[str, str]]
) -> None:
    run(network={"subnet": "10.20.0.0/20", "mtu": 1400, "encrypted": True})
    asked = corpus()
    given: dict[str, set[str]] = {}
    for made in recorder.resources.values():
        if made.typ.startswith("docker:"):
            given.setdefault(made.typ, set()).update(arguments(made.inputs))
    assert given.keys() == asked.keys()
    missing = {kind: sorted(names - asked[kind]) for kind, names in given.items() if names - asked[kind]}
    assert not missing
    assert {"options.com.docker.network.driver.mtu", "options.encrypted"} <= given[TYPES["network"]]


def test_the_contract_asks_every_path_that_the_program_ignores(
    recorder: Recorder, ignored: set[tuple[str, str]]
) -> None:
    run()
    asked = {
        (TYPES[resource["type"]].rpartition(":")[2], path)
        for resource in everything(Place("node", "image")).values()
        for path in resource.get("ignore_changes") or ()
    }
    assert ignored
    assert ignored <= asked


def test_the_contract_gives_the_provider_what_the_program_gives_it(recorder: Recorder) -> None:
    run()
    assert set(recorder.resources["swarm"].inputs) <= {camel(name) for name in PROVIDER_ARGUMENTS}
