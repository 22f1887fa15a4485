"""Content-addressed names: a change of content is a new Swarm object, never a changed one.

Swarm's secrets and configs are immutable, so the hash is part of the name; services roll to the new
name, and the old object goes last.
"""

from __future__ import annotations

import hashlib
import hmac
import posixpath
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import jinja2

from components.databases import databases_on
from components.declaration import ConfigFile, Declaration, place_of, service_name
from components.errors import Fault
from components.fields import Objects
from components.settings import ServiceOverride
from components.topology import Plan, Unit
from components.validation import suggestion
from components.yaml_file import read_mapping

HASH_LENGTH = 8
#: Swarm refuses longer names: https://github.com/moby/swarmkit/blob/master/manager/controlapi/secret.go
NAME_LENGTH = 64
OBJECTS = "objects.yaml"


def config_name(service: str, file: str, text: str) -> str:
    """`<folder>.<file>-<hash>` of a config file's rendered text, by the folder that the file lies in."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:HASH_LENGTH]
    path = PurePosixPath(posixpath.normpath(f"{place_of(service)}/{file.removesuffix('.j2')}"))
    if path.parts[0] == "lib":  # one folder for all
        folder, rest = "lib", path.relative_to("lib")
    else:
        part = path.parents[-4]  # services/<product>/<part>
        folder, rest = service_name(part), path.relative_to(part)
    stem = folder + "." + str(rest).replace("/", "-").replace(".", "-").replace("_", "-")
    return stem[: NAME_LENGTH - HASH_LENGTH - 1] + f"-{digest}"


def secret_name(name: str, value: str, key: str) -> str:
    """`<name>-<hash>`; keyed, so that the name of a weak password doesn't help to guess it."""
    digest = hmac.new(key.encode(), f"{name}\0{value}".encode(), hashlib.sha256).hexdigest()[:HASH_LENGTH]
    return f"{name}-{digest}"


def render(plan: Plan, unit: Unit, config: ConfigFile) -> str:
    """The text of one config file for one unit. Raises jinja2.UndefinedError for an unknown name."""
    text = (unit.service.folder / config.file).read_text()
    if not config.file.endswith(".j2"):
        return text
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False
    )
    return environment.from_string(text).render(template_values(plan, unit))


def template_values(plan: Plan, unit: Unit) -> Mapping[str, Any]:
    """What a template may name: `settings`, `services` by name, its own `service`, `member` and `objects`.

    `databases`: those that services declare on its own.
    """
    services: dict[str, Declaration] = {service.name: service for service in plan.services}
    override = plan.settings.services.get(unit.service.name, ServiceOverride())
    objects = _with_own(unit.service, _objects(unit.service), override.objects)
    own = {"service": unit.service, "member": unit.member, "objects": objects}
    databases = databases_on(unit.service, plan.services)
    return {"settings": plan.settings, "services": services, "databases": databases, **own}


def _objects(service: Declaration) -> Mapping[str, Any]:
    """What the service has inside (users, queues …): its objects.yaml. Raises ValueError with its faults."""
    file = service.folder / OBJECTS
    if not file.exists():
        return {}
    faults: list[Fault] = []
    objects = read_mapping(file, OBJECTS, faults)
    if objects is None or faults:
        raise ValueError("; ".join(map(str, faults)))
    return objects


def _with_own(service: Declaration, objects: Mapping[str, Any], own: Objects) -> Mapping[str, Any]:
    """The declared lists, each followed by the environment's own; one of the same name is replaced.

    Raises ValueError for a list that the folder does not declare, as nobody would read it.
    """
    for kind in sorted(own.keys() - objects.keys()):
        remedy = suggestion(kind, objects, f"declare it in {service.place}/{OBJECTS}, or remove it")
        raise ValueError(f"services.{service.name}.objects.{kind} is read by nobody; {remedy}")

    def joined(kind: str) -> tuple[Any, ...]:
        both = enumerate((*objects[kind], *own[kind]))
        return tuple({each.get("name", place): each for place, each in both}.values())

    return {**objects, **{kind: joined(kind) for kind in own}}
