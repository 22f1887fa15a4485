"""The provider's own configuration: `pulumi:providers:docker`."""

from __future__ import annotations

import json
import os
from typing import Any

from lab.plugins.docker.client import Settings
from lab.plugins.resource import Diff, Failure
from lab.plugins.values import Props, Secret, contains_unknown, plain

_KNOWN = {"host", "sshOpts", "registryAuth", "version", "pluginDownloadURL"}
_LISTS = {"sshOpts", "registryAuth"}
_ESCAPED = "<>&\u2028\u2029"
_DEFAULT_HOST = "unix:///var/run/docker.sock"


def check_settings(news: Props) -> tuple[Props, list[Failure]]:
    """The configuration with the default host, and what the offline plugin can't do of it.

    Lists are spelled, and passwords hidden, as the official plugin does, whose state is to be the same.
    """
    inputs: Props = {"host": os.environ.get("DOCKER_HOST") or _DEFAULT_HOST} | news
    inputs |= {name: _respelled(inputs[name]) for name in _LISTS & inputs.keys()}
    if "registryAuth" in inputs:
        inputs["registryAuth"] = Secret(plain(inputs["registryAuth"]))
    unknown = sorted(inputs.keys() - _KNOWN)
    return inputs, [Failure(name, "is not supported by the offline docker plugin") for name in unknown]


def diff_settings(olds: Props, news: Props) -> Diff:
    """What changed; nothing of it replaces the provider, or what it made."""
    old, new = plain(olds), plain(news)
    return Diff(
        {name: "update" for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)}
    )


def settings(config: Props) -> Settings:
    """The typed configuration; with an unknown in it, in previews, the engine asks for nothing more."""
    given = plain(config)
    host, options, registries = (given.get(name) for name in ("host", "sshOpts", "registryAuth"))
    if contains_unknown([host, options, registries]):
        return Settings()
    return Settings(
        host=host or _DEFAULT_HOST,
        ssh_options=tuple(_decoded(options) or os.environ.get("DOCKER_SSH_OPTS", "").split()),
        registries={_hostname(each["address"]): _credentials(each) for each in _decoded(registries) or []},
    )


def _respelled(value: Any) -> Any:
    """A JSON text as Go writes it: no blanks, other letters as they are, HTML's marks escaped.

    https://pkg.go.dev/encoding/json#Marshal
    """
    if isinstance(value, Secret):
        return Secret(_respelled(value.value))
    if not isinstance(value, str):
        return value
    text = json.dumps(json.loads(value), separators=(",", ":"), ensure_ascii=False)
    return "".join(f"\\u{ord(each):04x}" if each in _ESCAPED else each for each in text)


def _decoded(value: Any) -> Any:
    """Lists in a provider's configuration arrive as JSON texts."""
    return json.loads(value) if isinstance(value, str) else value


def _hostname(address: str) -> str:
    return address.removeprefix("https://").removeprefix("http://").partition("/")[0]


def _credentials(registry: dict[str, str]) -> tuple[str, str]:
    return registry.get("username") or "", registry.get("password") or ""
