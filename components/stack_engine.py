"""The stack's configuration as Pulumi hands it to the running program, secrets decrypted."""

from __future__ import annotations

import json
from typing import Any

import pulumi.runtime

from components.checks.files import size_fault
from components.errors import Fault
from components.stack import NAMESPACE, PLAIN_TEXT, SECRETS, RawStack, split


def from_engine() -> RawStack:
    """The configuration of the running program, secrets decrypted."""
    faults: list[Fault] = []
    given = {key: _value(text) for key, text in pulumi.runtime.get_config_env().items()}
    if SECRETS in given and not pulumi.runtime.is_config_secret(SECRETS):
        faults.append(PLAIN_TEXT)
    own, secrets = split(given, faults)
    for name, value in (secrets or {}).items():
        faults += _value_faults(f"secrets.{name}", value)
    return RawStack(own, secrets or {}, tuple(faults), secrets is not None)


def _value_faults(place: str, value: Any) -> list[Fault]:
    if not isinstance(value, str):
        return [Fault(place, "is not text", "delete it and run: make secrets")]
    try:
        return list(size_fault(place, len(value.encode())))
    except UnicodeEncodeError:
        remedy = f"set it anew: pulumi config set --secret --path '{NAMESPACE}:{place}'"
        return [Fault(place, "is not valid Unicode", remedy)]


def _value(text: str) -> Any:
    """Pulumi hands structured values over as JSON and plain ones as they are."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
