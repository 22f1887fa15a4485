"""A sound environment as raw values, for tests to spoil."""

from __future__ import annotations

import copy
import functools
from pathlib import Path
from typing import Any

import yaml

from components.declaration import Declaration, load_declarations
from components.reading import RECIPES, SERVICES
from components.secret_recipes import Recipes, load_recipes
from components.settings import Settings, parse_settings
from lab.declared import node_labels
from lab.model import NODES
from ops.certificates import Names
from ops.secrets import edge_names

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
        # With the labels by which the data tier is placed: the lab's.
        *(node(each.number, each.role, **node_labels()[each.name]) for each in NODES)
    ],
    "network": {"subnet": "10.20.0.0/20"},
    "edge": {"domain": "beta.example.com"},
}


#: Overrides that every environment of the house's own services needs: their images are in no public registry.
IMAGES: dict[str, dict[str, Any]] = {
    name: {"image": f"registry.example.com/platform/{name}:1.0"}
    for name in ("mysql-backup", "platform-api", "platform-web")
}


def raw(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(RAW), **changes}


def house(services: dict[str, dict[str, Any]] | None = None, **changes: Any) -> dict[str, Any]:
    """Raw values of an environment with all services of configs/services; `services`: further overrides."""
    given = services or {}
    overrides = {name: {**IMAGES.get(name, {}), **given.get(name, {})} for name in (*IMAGES, *given)}
    return raw(ssh={"private_key_file": __file__}, services=overrides, **changes)


def settings(**changes: Any) -> Settings:
    return parse_settings(raw(**changes))


def declaration(name: str = "api", **changes: Any) -> Declaration:
    given = {
        "name": name,
        "folder": Path("configs/services") / name,
        "description": "an example",
        "image": "example/api:1.0.0",
        "resources": {"cpus": 1, "memory_mib": 128},
    }
    return Declaration.model_validate({**given, **changes})


@functools.cache
def declared() -> tuple[Declaration, ...]:
    """All services of configs/services."""
    return load_declarations(SERVICES, [])


def recipes() -> Recipes:
    """The recipes of all secrets: the environment's and the services'."""
    return load_recipes(RECIPES, SERVICES, declared(), [])


def edge(**changes: Any) -> Names:
    """What the certificate of the example's edge is for."""
    return edge_names(settings(**changes), declared())


def written_recipes() -> dict[str, Any]:
    """All recipes as one file could have them, `names: members` aside."""
    files = [RECIPES, *sorted(SERVICES.glob("*/*/secrets.yaml"))]
    written = {name: recipe for file in files for name, recipe in yaml.safe_load(file.read_text()).items()}
    return {
        name: {**recipe, "names": ["db"]} if recipe.get("names") == "members" else recipe
        for name, recipe in written.items()
    }
