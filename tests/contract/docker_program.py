"""A Pulumi program that makes docker resources from data, and how the cases write that data."""

from __future__ import annotations

import base64
from typing import Any

from tests.contract.conftest import Project, Run

PROGRAM = '''
"""Resources by name from values.json; {"secret": x}, {"id": name} and {"name": name} stand for outputs."""
import json
from pathlib import Path

import pulumi
import pulumi_docker as docker

here = Path(__file__).parent
target = json.loads((here / "target.json").read_text())
types = {
    "network": docker.Network,
    "secret": docker.Secret,
    "config": docker.ServiceConfig,
    "service": docker.Service,
}
made = {}

def value(given):
    if isinstance(given, list):
        return [value(item) for item in given]
    if not isinstance(given, dict):
        return given
    if given.keys() == {"secret"}:
        return pulumi.Output.secret(given["secret"])
    if given.keys() == {"id_of"}:
        return made[given["id_of"]].id
    if given.keys() == {"name_of"}:
        return made[given["name_of"]].name
    return {key: value(item) for key, item in given.items()}

options = ["-i", target["private_key_file"]]
settings = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "ConnectTimeout=5")
for setting in settings:
    options += ["-o", setting]
given = json.loads((here / "values.json").read_text())
host = given.pop("host", target["docker_host"])
provider = docker.Provider("target", host=host, ssh_opts=options)
for name, resource in given.items():
    more = {key: resource[key] for key in ("import_", "ignore_changes") if key in resource}
    if "after" in resource:
        more["depends_on"] = [made[other] for other in resource["after"]]
    own = provider
    if "host" in resource:
        own = docker.Provider(f"{name}-host", host=resource["host"], ssh_opts=options)
    if "host_of" in resource:
        own = docker.Provider(f"{name}-host", host=value({"id_of": resource["host_of"]}), ssh_opts=options)
    made[name] = types[resource["type"]](
        name, opts=pulumi.ResourceOptions(provider=own, **more), **value(resource["inputs"])
    )
'''

#: What the program above gives its provider.
PROVIDER_ARGUMENTS = ("host", "ssh_opts")
#: Types of the program above, as Pulumi's engine names them.
TYPES = {
    "network": "docker:index/network:Network",
    "secret": "docker:index/secret:Secret",
    "config": "docker:index/serviceConfig:ServiceConfig",
    "service": "docker:index/service:Service",
}
Resources = dict[str, dict[str, Any]]


def encoded(text: str) -> str:
    """As configs and secrets take their data."""
    return base64.b64encode(text.encode()).decode()


def put(inputs: dict[str, Any], path: str, value: Any) -> None:
    """Set, or with None remove, what lies at `a__b__c`."""
    *parents, last = path.split("__")
    for parent in parents:
        inputs = inputs.setdefault(parent, {})
    if value is None:
        inputs.pop(last, None)
    else:
        inputs[last] = value


def declare(project: Project, resources: Resources, host: str | None = None) -> None:
    """Make these the project's resources, at the target or at another host."""
    project.write(PROGRAM, **({"host": host} if host else {}), **resources)


def succeeded(run: Run) -> Run:
    """The run itself; fails when it failed."""
    assert run.exit_code == 0, run.output
    return run
