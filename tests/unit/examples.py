"""A sound environment as raw values, for tests to spoil."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from components.declaration import Declaration
from components.settings import Settings, parse_settings

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample"


def node(number: int, role: str, **labels: str) -> dict[str, Any]:
    return {
        "name": f"node-{number}",
        "role": role,
        "address": f"192.0.2.{10 + number}",
        "host_key": f"{KEY}{number}",
        "labels": labels,
    }


RAW: dict[str, Any] = {
    "nodes": [
        node(1, "manager", edge="true", **{"mysql-master": "true"}),
        node(2, "manager", edge="true", **{"redis-master": "true"}),
        node(3, "manager", backup="true", **{"mongodb-primary": "true"}),
        node(4, "worker", **{"mysql-slave": "true", "redis-slave": "true", "mongodb-secondary": "true"}),
        node(5, "worker", **{"mysql-slave": "true", "redis-slave": "true", "mongodb-secondary": "true"}),
    ],
    "network": {"subnet": "10.20.0.0/20"},
    "edge": {"domain": "beta.example.com"},
}


def raw(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(RAW), **changes}


def settings(**changes: Any) -> Settings:
    return parse_settings(raw(**changes))


def declaration(name: str = "api", **changes: Any) -> Declaration:
    given = {
        "name": name,
        "folder": Path("configs/services") / name,
        "description": "an example",
        "image": "platform/api:1.0.0",
        "resources": {"cpus": 1, "memory_mib": 128},
    }
    return Declaration.model_validate({**given, **changes})
