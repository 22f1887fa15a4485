"""`make images`: the images of our own for real environments, built and put into the operator's registry.

Ours are those that service.yaml names platform/…: no public registry has them, or somebody else's there.
"""

import json
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components.declaration import place_of
from lab.build import build
from lab.catalog import BESIDE, Image
from lab.progress import step
from lab.shell import LabError, local_engine, run

OWN = "platform/"
PINNED = re.compile(r".+@sha256:[0-9a-f]{64}")
#: Docker takes a first part without dot and colon for a user of Docker Hub.
#: https://github.com/distribution/reference/blob/main/normalize.go (splitDockerDomain)
REGISTRY = re.compile(
    r"([a-z0-9-]+(\.[a-z0-9-]+)+|[a-z0-9.-]+(?=:)|localhost)(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
)
PUSH_LIMIT_S = 1200
HEADING = "platform-beta:services"
Pushed = dict[str, str]
"""Service to the reference that nodes pull, digest included."""


@dataclass(frozen=True)
class Release:
    """One image of ours: what it is called in any registry, and the official image that it stands on."""

    services: tuple[str, ...]
    image: Image
    name: str
    """Name and tag, without a registry: api:1.1."""
    base: str

    @property
    def dockerfile(self) -> str:
        """Return the name of the Dockerfile for outside the lab."""
        return "official.Dockerfile" if self.image.file.stands_on else "Dockerfile"


def releases(images: Iterable[Image], declared: Mapping[str, Mapping[str, Any]]) -> list[Release]:
    """Return the images of ours that the services declare, by name. Raises LabError with every fault."""
    by_service = {service: image for image in images for service in image.services}
    users: dict[str, list[str]] = {}
    for service, each in sorted(declared.items()):
        if str(each["image"]).startswith(OWN):
            users.setdefault(str(each["image"]), []).append(service)
    faults: list[str] = []
    found: list[Release] = []
    for reference, services in sorted(users.items()):
        image = by_service.get(services[0])
        base = _base(image, declared) if image else None
        if image and base:
            found.append(Release(tuple(services), image, reference.removeprefix(OWN), base))
        elif image:
            faults.append(
                f"{image.name}/image.yaml: `stands_on` has to name a service whose image is pinned by digest"
            )
        else:
            faults.append(f"{place_of(services[0])}: no image folder makes {reference}; add a {BESIDE}")
    if faults:
        raise LabError("\n".join(faults))
    return found


def _base(image: Image, declared: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Return what it is built on outside the lab; None where that is not pinned."""
    if image.file.stands_on is None:
        return "scratch" if image.file.base == "scratch" else None
    official = str(declared.get(image.file.stands_on, {}).get("image", ""))
    return official if PINNED.fullmatch(official) else None


def chosen(all_of_them: list[Release], names: Iterable[str]) -> list[Release]:
    """Return those of these names or services; all for none. Raises LabError for a name that is none."""
    known = {key: each for each in all_of_them for key in (each.name.partition(":")[0], *each.services)}
    if unknown := [name for name in names if name not in known]:
        raise LabError(f"ONLY: no image {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    wanted = {known[name].name for name in names}
    return [each for each in all_of_them if not wanted or each.name in wanted]


def check_registry(push: str) -> None:
    """Raise LabError unless it names a registry, and a path in it."""
    if not REGISTRY.fullmatch(push):
        raise LabError(
            "PUSH: name your registry and a path in it, such as PUSH=registry.example.com/platform; "
            "a name without a dot or a port is Docker Hub's"
        )


def make_and_push(wanted: Iterable[Release], push: str) -> Pushed:
    """Build all, then push all; return service to reference. Raises LabError."""
    wanted = list(wanted)
    logs = Path(tempfile.gettempdir()) / "platform-beta-images"
    for each in wanted:
        with step(f"image {each.name}: build on {each.base}"):
            build(each.image, each.base, f"{push}/{each.name}", logs, dockerfile=each.dockerfile)
    pushed: Pushed = {}
    for each in wanted:
        with step(f"image {each.name}: push"):
            pushed |= dict.fromkeys(each.services, _push(f"{push}/{each.name}"))
    return pushed


def _push(reference: str) -> str:
    _docker("push", "--quiet", reference)
    repository = reference.rpartition(":")[0]
    told = _docker("image", "inspect", "--format", "{{json .RepoDigests}}", reference)
    found = [entry for entry in json.loads(told) if entry.startswith(f"{repository}@")]
    if not found:
        raise LabError(f"{reference}: pushed, but the engine knows no digest of it; repeat `make images`")
    return f"{reference}@{found[-1].partition('@')[2]}"


def _docker(*arguments: str) -> str:
    """Run the client against this machine's engine, with the operator's logins wherever they are."""
    logins = {key: os.environ[key] for key in ("DOCKER_CONFIG",) if key in os.environ}
    return run(["docker", *arguments], timeout_s=PUSH_LIMIT_S, env={**local_engine(), **logins})


def stack_lines(pushed: Pushed) -> str:
    """Return what belongs into the stack file, to be merged with what is there."""
    services = {service: {"image": reference} for service, reference in sorted(pushed.items())}
    return str(yaml.safe_dump({"config": {HEADING: services}}, width=1000))
