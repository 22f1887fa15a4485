"""Builds a checkout from a corpus entry: a sound environment, spoiled in one way."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pulumi.runtime
import pytest
import yaml

from components.declaration import place_of
from components.errors import ConfigurationError
from components.reading import read
from components.stack import NAMESPACE, RawStack, from_file
from components.stack import SECRETS as SECRETS_KEY
from components.stack_engine import from_engine
from tests.unit.examples import raw, written_recipes
from tests.unit.secret_values import faulty, sound

CORPUS = Path(__file__).parent / "bad"
#: No message may ever hold it.
CANARY = "CANARY"
SERVICE = {
    "description": "an example",
    "image": "example:1.0",
    "resources": {"cpus": 1, "memory_mib": 64},
}
SECRETS = {"naming_key": {"secure": f"v1:{CANARY}"}, "api_token": {"secure": f"v1:{CANARY}"}}


def entries() -> dict[str, dict[str, Any]]:
    """Every entry by `<file>: <name>`."""
    found = {}
    for path in sorted(CORPUS.glob("*.yaml")):
        for entry in yaml.safe_load(path.read_text()):
            name = f"{path.stem}: {entry['name']}"
            assert name not in found, f"{name} is there twice"
            found[name] = entry
    return found


def messages(folder: Path, entry: dict[str, Any]) -> list[str]:
    """What a run would print of the entry, a fault a line; empty when there is none.

    With `values` it is a run of the program, which knows what its secrets are; else `ops validate`.
    """
    stack = write(folder, entry)
    recipes = folder / "configs" / "secrets.yaml"
    try:
        read(_given(stack, entry), folder / "services", recipes)
    except ConfigurationError as error:
        return [str(fault) for fault in error.faults]
    return []


def _given(stack: Path, entry: dict[str, Any]) -> RawStack:
    if "values" not in entry:
        return from_file(stack)
    config = yaml.safe_load(stack.read_text())["config"]
    config[SECRETS_KEY] = {**sound(), **{name: _value(value) for name, value in entry["values"].items()}}
    with pytest.MonkeyPatch.context() as patch:
        handed_over = {key: json.dumps(value) for key, value in config.items()}
        patch.setattr(pulumi.runtime, "get_config_env", lambda: handed_over)
        patch.setattr(pulumi.runtime, "is_config_secret", lambda key: True)
        return from_engine()


def _value(written: Any) -> Any:
    return faulty()[written["faulty"]] if isinstance(written, dict) else written


def write(folder: Path, entry: dict[str, Any]) -> Path:
    """The entry's services and stack file below `folder`; returns the path of the latter."""
    services = {"api": entry.get("service", {}), **entry.get("services", {})}
    texts = {
        f"{place_of(name)}/service.yaml": yaml.safe_dump({**SERVICE, **own}) for name, own in services.items()
    }
    texts |= {path: text * times for path, (text, times) in entry.get("repeat", {}).items()}
    for path, text in {**texts, **entry.get("files", {})}.items():
        file = folder / "services" / path.removeprefix("services/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (folder / "configs").mkdir()
    recipes = entry["recipes"] if "recipes" in entry else yaml.safe_dump(written_recipes(), sort_keys=False)
    (folder / "configs" / "secrets.yaml").write_text(recipes)
    stack = folder / "Pulumi.test.yaml"
    stack.write_bytes(_stack(entry))
    return stack


def _stack(entry: dict[str, Any]) -> bytes:
    if "bytes" in entry:
        return bytes.fromhex(entry["bytes"])
    if "stack" in entry:
        return str(entry["stack"]).encode()
    if "stack_repeat" in entry:
        text, times = entry["stack_repeat"]
        return (str(text) * int(times)).encode()
    values = raw(ssh={"private_key_file": __file__})
    for path, value in entry.get("set", {}).items():
        _set(values, path, value)
    for path in entry.get("drop", []):
        del values[path]
    values["secrets"] = entry.get("secrets", SECRETS)
    config = {f"{NAMESPACE}:{key}": value for key, value in values.items()}
    document = {"config": {**config, **entry.get("keys", {})}, **entry.get("beside", {})}
    return yaml.safe_dump(document).encode()


def _set(values: Any, path: str, value: Any) -> None:
    *parents, last = [int(part) if part.isdigit() else part for part in re.findall(r"[\w-]+", path)]
    for part in parents:
        values = values[part] if isinstance(values, list) else values.setdefault(part, {})
    values[last] = value
