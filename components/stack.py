"""The stack's configuration as Pulumi hands it over, or as it lies in the stack file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi.runtime
import yaml

from components.errors import ConfigurationError, Fault

NAMESPACE = "platform-beta"


@dataclass(frozen=True)
class RawStack:
    """Keys of the namespace as they came, and the secrets by name (never printed)."""

    settings: Mapping[str, Any]
    secrets: Mapping[str, str] = field(repr=False)


def from_engine() -> RawStack:
    """The configuration of the running program, secrets decrypted. Raises ConfigurationError."""
    given = {key: _value(text) for key, text in pulumi.runtime.get_config_env().items()}
    return _split(given)


def from_file(path: Path) -> RawStack:
    """The stack file itself; its secrets stay encrypted. Raises ConfigurationError."""
    try:
        given = (yaml.safe_load(path.read_text()) or {}).get("config") or {}
    except FileNotFoundError:
        fault = Fault(
            path.name, "does not exist", "make up writes the lab's; for others start from Pulumi.beta.yaml"
        )
        raise ConfigurationError([fault]) from None
    except (yaml.YAMLError, AttributeError) as error:
        fault = Fault(path.name, f"is not a stack file ({str(error).splitlines()[0]})", "correct it")
        raise ConfigurationError([fault]) from None
    return _split(given)


def _split(given: Mapping[str, Any]) -> RawStack:
    own = {key.partition(":")[2]: value for key, value in given.items() if key.startswith(f"{NAMESPACE}:")}
    secrets = own.pop("secrets", {})
    if not isinstance(secrets, dict):
        fault = Fault("secrets", "is not a mapping of names to values", "run: make secrets")
        raise ConfigurationError([fault])
    return RawStack(own, secrets)


def _value(text: str) -> Any:
    """Pulumi hands structured values over as JSON and plain ones as they are."""
    try:
        return json.loads(text)
    except ValueError:
        return text
