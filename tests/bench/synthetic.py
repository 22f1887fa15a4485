"""An environment of any size, made up: stack file, folder of services, recipes of secrets, facts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components.checks import NAMING_KEY
from components.declaration import place_of
from components.observe import Facts
from components.settings import parse_settings
from components.stack import RawStack
from tests.unit.machines import machine

MANAGERS = 3
#: One service of so many has three members, one publishes a port, one is needed by the others of its group.
MEMBERS_EVERY, PUBLISHED_EVERY, GROUP = 4, 20, 10
TEMPLATE = """# {{ service.name }} at {{ settings.edge.domain }}
{% for node in settings.nodes[:3] %}node {{ node.name }} {{ node.address }}
{% endfor %}{% for name in service.needs %}backend {{ name }}:{{ services[name].ports[0].port }}
{% endfor %}"""
MEMBERS_TEMPLATE = """{% for peer in service.members %}{{ peer.name }}
{% endfor %}self {{ member.name if member else service.name }}
"""
PLAIN = "#!/bin/sh\nexec /usr/bin/server --config /etc/server/server.conf\n"


@dataclass(frozen=True)
class Size:
    """How many machines and how many declared services an environment has."""

    nodes: int
    services: int

    @property
    def numbers(self) -> range:
        return range(1, self.services + 1)


def environment(size: Size, folder: Path) -> RawStack:
    """Write `services/` and `secrets.yaml` into the folder; return the stack file's values."""
    recipes: dict[str, Any] = {NAMING_KEY: {"kind": "password", "deploy": False}}
    for number in size.numbers:
        write_service(folder / place_of(name(number)), number)
        recipes[password(number)] = {"kind": "password"}
    (folder / "secrets.yaml").write_text(yaml.safe_dump(recipes, sort_keys=False))
    secrets = {key: f"{index:032d}" for index, key in enumerate(recipes)}
    return RawStack(stack_values(size), secrets)


def facts_of(size: Size) -> Facts:
    """Every machine as it is declared, joined, and able to reach all the others."""
    settings = parse_settings(stack_values(size))
    return {node.name: machine(settings, node) for node in settings.nodes}


def stack_values(size: Size) -> dict[str, Any]:
    return {
        "ssh": {"private_key_file": __file__},
        "nodes": [node(number) for number in range(1, size.nodes + 1)],
        "network": {"subnet": "10.64.0.0/16"},
        "edge": {"domain": "beta.example.com"},
        "services": {name(number): {"memory_mib": 96} for number in size.numbers if number % GROUP == 0},
    }


def node(number: int) -> dict[str, Any]:
    role = "manager" if number <= MANAGERS else "worker"
    key = f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample{number}"
    address = f"198.18.{number // 250}.{number % 250 + 1}"
    return {"name": f"node-{number}", "role": role, "address": address, "host_key": key}


def name(number: int) -> str:
    return f"service-{number:04d}"


def password(number: int) -> str:
    return f"service_{number:04d}_password"


def write_service(folder: Path, number: int) -> None:
    folder.mkdir(parents=True)
    (folder / "service.yaml").write_text(yaml.safe_dump(declared(number), sort_keys=False))
    (folder / "server.conf.j2").write_text(TEMPLATE)
    (folder / "peers.j2").write_text(MEMBERS_TEMPLATE)
    (folder / "start.sh").write_text(PLAIN)


def declared(number: int) -> dict[str, Any]:
    """The content of a service.yaml."""
    first = (number - 1) // GROUP * GROUP + 1
    published = {"published": 20_000 + number} if number % PUBLISHED_EVERY == 0 else {}
    return {
        "description": f"the {number}th of many",
        "image": f"registry.example.com/platform/{name(number)}:1.0.{number}",
        **(data(number) if number % MEMBERS_EVERY == 0 else {"replicas": 2}),
        "resources": {"cpus": 1, "memory_mib": 128, "reserve_cpus": 0.01, "reserve_memory_mib": 8},
        "ports": [{"name": "http", "port": 8080, **published}, {"name": "metrics", "port": 9100}],
        "health": {"command": ["/usr/bin/healthcheck", "--quick"], "interval_s": 5},
        "environment": {"WORKERS": "4", "LOG_LEVEL": "info"},
        "environment_schema": {"WORKERS": {"type": "integer", "minimum": 1, "maximum": 64}},
        "configs": [
            {"file": "server.conf.j2", "path": "/etc/server/server.conf"},
            {"file": "peers.j2", "path": "/etc/server/peers"},
            {"file": "start.sh", "path": "/usr/local/bin/start.sh", "mode": "0555"},
        ],
        "secrets": [{"name": password(number), "path": f"/run/secrets/{password(number)}"}],
        "needs": [] if number == first else [name(first)],
        "read_only": True,
    }


def data(number: int) -> dict[str, Any]:
    """What a service with three members has in addition."""
    members = [{"name": f"{name(number)}-{member}"} for member in (1, 2, 3)]
    return {"members": members, "volumes": [{"name": "data", "path": "/data"}], "stateful": True}
