"""Objects that the swarm has and the state does not: entries for those that are ours. Pure.

A run that was killed, a state of yesterday, a lost state, or a plugin that took a read error for an absence
leave such objects, and their names are taken: every later run would end in `already exists`.
What an entry needs at least was found by experiment: docs/decisions/0019-adoption.md
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.contents import HASH_LENGTH, secret_name
from components.declaration import Declaration
from components.durations import convergence
from components.errors import Fault
from components.identity import CONFIGS, NETWORK, PROJECT, SECRETS, SERVICE, STACK_LABEL, SWARM
from components.reading import Reading
from components.ssh.docker_socket import socket_url
from ops.forget import SECRET
from ops.pending import KINDS, Deployment, Kind
from ops.swarm_objects import SwarmObject

#: Pulumi's mark of a secret value in a state; an import encrypts what stands beside it as plaintext.
SECRET_MARK = "1b47061264138c4ac30d75fd1eb44270"
TYPES: Mapping[Kind, str] = {kind: type for type, kind in KINDS.items()}
PROVIDER = "pulumi:providers:docker"
#: The official plugin's note on the version of a kind's schema.
SCHEMA: Mapping[Kind, str] = {"network": "1", "service": "2", "secret": "1"}


@dataclass(frozen=True)
class Declared:
    """An object of the swarm that the program declares: below which component, with which inputs."""

    kind: Kind
    name: str
    component: tuple[str, str]
    """Its type and name."""
    inputs: Mapping[str, Any]

    def urn(self, stack: str) -> str:
        """https://www.pulumi.com/docs/iac/concepts/resources/names/#urns"""
        return _urn(stack, f"{self.component[0]}${TYPES[self.kind]}", self.name)


def declared_objects(reading: Reading) -> Iterator[Declared]:
    """Network, services and configs; secrets need their values: `declared_secrets`."""
    settings = reading.plan.settings
    yield Declared("network", settings.network.name, (NETWORK, settings.network.name), {})
    for service in reading.plan.services:
        component = (SERVICE, service.name)
        for unit in reading.plan.units(service):
            yield Declared(
                "service", unit.name, component, _waits(service, settings.swarm.converge_timeout_s)
            )
    for name, text in reading.configs.items():
        data = base64.b64encode(text.encode()).decode()
        yield Declared("config", name, (CONFIGS, "configs"), {"data": data})


def _waits(service: Declaration, timeout_s: int) -> dict[str, Any]:
    """What the swarm can't tell of a service: how long a run waits for it."""
    waits = convergence(service, timeout_s)
    return {"convergeConfig": waits} if waits else {}


def declared_secrets(names: Iterable[str], values: Mapping[str, str], key: str) -> Iterator[Declared]:
    """Secrets that services mount, by values and the key of their names."""
    for name in names:
        data = json.dumps(base64.b64encode(values[name].encode()).decode())
        sealed = {SECRET: SECRET_MARK, "plaintext": data}
        component = (SECRETS, "secrets")
        yield Declared("secret", secret_name(name, values[name], key), component, {"data": sealed})


def may_be_secrets(deployment: Deployment, objects: Iterable[SwarmObject], names: Iterable[str]) -> bool:
    """Whether the swarm has a secret with one of the names and some hash that the state does not know."""
    known = {(each.get("inputs") or {}).get("name") for each in _resources(deployment)}
    ours = re.compile(f"({'|'.join(map(re.escape, names))})-[0-9a-f]{{{HASH_LENGTH}}}")
    return any(
        each.kind == "secret" and each.name not in known and ours.fullmatch(each.name) for each in objects
    )


def lost(
    deployment: Deployment, stack: str, objects: Iterable[SwarmObject], declared: Iterable[Declared]
) -> list[tuple[Declared, SwarmObject]]:
    """What is declared and exists, and is not in the state.

    An object that an entry has already, be it one that waits for its deletion, is not given a second entry:
    Pulumi would delete by the one what the other keeps.
    """
    known = {each["urn"] for each in _resources(deployment) if not each.get("delete")}
    held = {each.get("id") for each in _resources(deployment)}
    by_name = {(each.kind, each.name): each for each in objects if each.id not in held}
    wanted = {each.urn(stack): each for each in declared}
    return [
        (each, by_name[each.kind, each.name])
        for urn, each in wanted.items()
        if urn not in known and (each.kind, each.name) in by_name
    ]


def foreign_faults(
    missing: Iterable[tuple[Declared, SwarmObject]], stack: str, objects: Sequence[SwarmObject]
) -> Iterator[Fault]:
    """Services and networks of our names that are not ours. A network is ours by its label or its users."""
    used = {id for each in objects if each.stack == stack for id in each.uses}
    for declared, found in missing:
        if declared.kind in ("config", "secret") or found.stack == stack or found.id in used:
            continue
        owner = f"belongs to stack {found.stack}" if found.stack else f"has no label {STACK_LABEL}"
        remedy = f"remove it: docker {found.kind} rm {found.name}"
        if found.kind == "service":
            remedy += (
                f"; or if it is ours: docker service update --label-add {STACK_LABEL}={stack} {found.name}"
            )
        yield Fault(f"swarm/{found.kind}/{found.name}", f"exists, is not in the state, and {owner}", remedy)


def adopted(
    deployment: Deployment, stack: str, network: str, missing: Iterable[tuple[Declared, SwarmObject]]
) -> Deployment:
    """The deployment with an entry for each, below the components and the provider that the program declares.

    network: its name, which the component of the swarm has too. The next refresh fills in what the swarm says
    of each object; a run without one must not follow.
    """
    resources = list(_resources(deployment))
    root = _component(resources, stack, "pulumi:pulumi:Stack", f"{PROJECT}-{stack}", None)
    swarm = _component(resources, stack, SWARM, network, root)
    provider = _provider(resources, stack, swarm)
    for declared, found in sorted(missing, key=lambda pair: pair[0].kind == "service"):
        given = {"name": declared.name, **declared.inputs}
        meta = (
            {"__meta": json.dumps({"schema_version": SCHEMA[declared.kind]})}
            if declared.kind in SCHEMA
            else {}
        )
        entry = {
            "urn": declared.urn(stack),
            "custom": True,
            "id": found.id,
            "type": TYPES[declared.kind],
            "inputs": given,
            "outputs": {**given, **meta, "id": found.id},
            "parent": _component(resources, stack, *declared.component, root),
            "provider": provider,
            "dependencies": _used(resources, found),
        }
        resources.append(entry)
    return {**deployment, "resources": resources}


def with_local_socket(deployment: Deployment, stack: str) -> Deployment:
    """The deployment with the provider of a version before 2026-11-27 pointed at the socket of a run.

    A refresh uses the provider as the state has it, before the program can say anything else.
    """
    url = socket_url(stack)

    def pointed(resource: dict[str, Any]) -> dict[str, Any]:
        if resource["type"] != PROVIDER or (resource.get("inputs") or {}).get("host") in (None, url):
            return resource
        changed = dict(resource)
        for part in ("inputs", "outputs"):
            given = {key: value for key, value in (resource.get(part) or {}).items() if key != "sshOpts"}
            changed[part] = {**given, "host": url}
        return changed

    resources = [pointed(each) for each in _resources(deployment)]
    return deployment if resources == _resources(deployment) else {**deployment, "resources": resources}


def _resources(deployment: Deployment) -> list[dict[str, Any]]:
    return list(deployment.get("resources") or ())


def _used(resources: Iterable[Mapping[str, Any]], found: SwarmObject) -> list[str]:
    """URNs of what a service uses, which a destroy must not remove before it."""
    return [each["urn"] for each in resources if each.get("id") in found.uses and not each.get("delete")]


def _component(resources: list[dict[str, Any]], stack: str, type: str, name: str, parent: str | None) -> str:
    """The URN of a component, which is added when the state does not have it."""
    urn = _urn(stack, type, name)
    if all(each["urn"] != urn for each in resources):
        above = {"parent": parent} if parent else {}
        resources.append({"urn": urn, "custom": False, "type": type, **above})
    return urn


def _provider(resources: list[dict[str, Any]], stack: str, parent: str) -> str:
    """The reference `<urn>::<id>` to the Docker provider, which is added when the state does not have it."""
    urn = _urn(stack, f"{SWARM}${PROVIDER}", "swarm")
    known = next((each for each in resources if each["urn"] == urn and not each.get("delete")), None)
    if known is None:
        given = {"host": socket_url(stack)}
        known = {"urn": urn, "custom": True, "id": str(uuid.uuid4()), "type": PROVIDER}
        known |= {"inputs": given, "outputs": given, "parent": parent}
        resources.append(known)
    return f"{urn}::{known['id']}"


def _urn(stack: str, type: str, name: str) -> str:
    return f"urn:pulumi:{stack}::{PROJECT}::{type}::{name}"
