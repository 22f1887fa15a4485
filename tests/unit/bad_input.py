"""Builds a checkout from a corpus entry: a sound environment, spoiled in one way."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from components.errors import ConfigurationError
from components.reading import read
from components.stack import NAMESPACE, from_file
from tests.unit.examples import raw

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
    """What `ops validate` would print of the entry, a fault a line; empty when there is none."""
    stack = write(folder, entry)
    try:
        read(from_file(stack), folder / "services")
    except ConfigurationError as error:
        return [str(fault) for fault in error.faults]
    return []


def write(folder: Path, entry: dict[str, Any]) -> Path:
    """The entry's services and stack file below `folder`; returns the path of the latter."""
    services = {"api": entry.get("service", {}), **entry.get("services", {})}
    texts = {f"{name}/service.yaml": yaml.safe_dump({**SERVICE, **own}) for name, own in services.items()}
    texts |= {path: text * times for path, (text, times) in entry.get("repeat", {}).items()}
    for path, text in {**texts, **entry.get("files", {})}.items():
        file = folder / "services" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
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
    return yaml.safe_dump({"config": config}).encode()


def _set(values: Any, path: str, value: Any) -> None:
    *parents, last = [int(part) if part.isdigit() else part for part in re.findall(r"[\w-]+", path)]
    for part in parents:
        values = values[part] if isinstance(values, list) else values.setdefault(part, {})
    values[last] = value
