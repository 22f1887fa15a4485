"""The stack's configuration as it lies in the stack file; components/stack_engine.py has it from Pulumi."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from components.errors import ConfigurationError, Fault
from components.fields import SecretName
from components.stack_keys import (
    NAMESPACE,
    key_faults,
    repeated_key_faults,
    top_level_faults,
    with_namespace,
)
from components.yaml_file import read_mapping

__all__ = ["NAMESPACE", "PLAIN_TEXT", "SECRETS", "RawStack", "from_file", "named", "split"]

SECRETS = f"{NAMESPACE}:secrets"
SECRET_NAME: TypeAdapter[str] = TypeAdapter(SecretName)
PLAIN_TEXT = Fault(
    "secrets",
    "holds values in plain text",
    "delete them (they are no secrets any more) and run: make secrets",
)


@dataclass(frozen=True)
class RawStack:
    """Keys of the namespace as they came, and the secrets by name (never printed).

    faults: what was wrong already; `read` reports it together with the rest.
    secrets_readable: false where the secrets are no mapping, so that which are set is unknown.
    """

    settings: Mapping[str, Any]
    secrets: Mapping[str, Any] = field(repr=False)
    faults: tuple[Fault, ...] = ()
    secrets_readable: bool = True


def from_file(path: Path) -> RawStack:
    """The stack file itself; its secrets stay encrypted. Raises ConfigurationError for no stack file."""
    faults: list[Fault] = []
    if not path.exists():
        fault = "does not exist"
        remedy = "make up writes the lab's; for others start from Pulumi.beta.yaml"
        raise ConfigurationError([Fault(path.name, fault, remedy)])
    document = read_mapping(path, path.name, faults)
    faults += top_level_faults(path.name, document or {})
    config = (document or {}).get("config")
    if document is not None and not isinstance(config, dict):
        fault = "is missing" if config is None else "is not a mapping"
        faults.append(Fault(f"{path.name} config", fault, f"write {NAMESPACE}:… keys below it"))
    if not isinstance(config, dict):
        raise ConfigurationError(faults)
    faults += repeated_key_faults(config)
    own, secrets = split({with_namespace(key): value for key, value in config.items()}, faults)
    for name, value in (secrets or {}).items():
        faults += _sealed_faults(f"secrets.{name}", value)
    return RawStack(own, secrets or {}, tuple(faults), secrets is not None)


def split(given: Mapping[Any, Any], faults: list[Fault]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Settings without their namespace, and secrets by name; None for secrets that can't be read."""
    faults += key_faults(given)
    mine = [key for key in given if isinstance(key, str) and key.startswith(f"{NAMESPACE}:")]
    own = {key.removeprefix(f"{NAMESPACE}:"): given[key] for key in mine}
    secrets = own.pop("secrets", {})
    if not isinstance(secrets, dict) or set(secrets) == {"secure"}:
        fault = "is not a mapping of names to encrypted values"
        faults.append(Fault("secrets", fault, "delete it and run: make secrets"))
        return own, None
    return own, {name: secrets[name] for name in secrets if named(name, "secrets", faults)}


def named(name: object, place: str, faults: list[Fault]) -> bool:
    """Whether a key is a secret's name; one that isn't is not shown: it may be the secret itself."""
    try:
        SECRET_NAME.validate_python(name)
    except ValidationError:
        remedy = "use lower-case letters, digits and _, a letter first"
        faults.append(Fault(place, "holds a key that is not a secret's name", remedy))
        return False
    return True


def _sealed_faults(place: str, value: Any) -> list[Fault]:
    """In the stack file a secret is `{secure: <encrypted>}`; anything else lies open in the checkout."""
    sealed = isinstance(value, dict) and set(value) == {"secure"} and isinstance(value["secure"], str)
    if sealed and value["secure"]:
        return []
    remedy = "delete it (it is no secret any more) and run: make secrets"
    return [Fault(place, "is not encrypted", remedy)]
