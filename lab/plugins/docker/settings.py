"""The provider's own configuration: `pulumi:providers:docker`."""

from __future__ import annotations

import json
import os
from typing import Any

from lab.plugins.docker.client import Settings
from lab.plugins.resource import Diff, Failure
from lab.plugins.values import Props, contains_unknown, plain

_KNOWN = {"host", "sshOpts", "registryAuth", "version", "pluginDownloadURL"}
_DEFAULT_HOST = "unix:///var/run/docker.sock"


def check_settings(news: Props) -> tuple[Props, list[Failure]]:
    """The configuration with the default host, and what the offline plugin can't do of it."""
    inputs = {"host": os.environ.get("DOCKER_HOST") or _DEFAULT_HOST} | news
    unknown = sorted(inputs.keys() - _KNOWN)
    return inputs, [Failure(name, "is not supported by the offline docker plugin") for name in unknown]


def diff_settings(olds: Props, news: Props) -> Diff:
    """What changed; nothing of it replaces the provider, or what it made."""
    return Diff(
        {name: "update" for name in sorted(olds.keys() | news.keys()) if olds.get(name) != news.get(name)}
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


def _decoded(value: Any) -> Any:
    """Lists in a provider's configuration arrive as JSON texts."""
    return json.loads(value) if isinstance(value, str) else value


def _hostname(address: str) -> str:
    return address.removeprefix("https://").removeprefix("http://").partition("/")[0]


def _credentials(registry: dict[str, str]) -> tuple[str, str]:
    return registry.get("username") or "", registry.get("password") or ""
