"""The images of a lab: made, and the services' put into its registry."""

import json
import os
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from lab import folder as folders
from lab.apt import Apt, read_host
from lab.build import ARCHIVES, Builder, build_command, load_archives
from lab.catalog import Image, load_images
from lab.folder import Folder
from lab.left_out import finished, needed, not_wanted
from lab.model import Lab
from lab.registry import push, start_registry
from lab.shell import LabError, exists, local_engine, run

BUILDS_AT_ONCE = 2
Made = dict[str, Future[str]]


def images_only(folder: Folder, lab: Lab) -> dict[str, str]:
    """Make every image and push the services'; return service to reference. The stack file stays as it is."""
    images = needed(load_images(), not_wanted())
    with ThreadPoolExecutor(BUILDS_AT_ONCE) as builds:
        made = start_builds(lab, folder, read_host(), images, builds)
        start_registry(lab, made["registry"].result())
        return push_services(lab, images, finished(images, made)[0])


def start_builds(lab: Lab, folder: Folder, apt: Apt, images: list[Image], pool: ThreadPoolExecutor) -> Made:
    """Start making every image, those in archives first. Raises LabError."""
    if archives := os.environ.get(ARCHIVES):
        load_archives(Path(archives))
    builder = Builder(lab.label, apt, folder.logs, official_allowed=bool(lab.public_registry))
    return builder.make_all(images, pool)


def push_services(lab: Lab, images: list[Image], local: dict[str, str]) -> dict[str, str]:
    """Put the services' images that were made into the registry; return service to reference with digest."""
    return {
        service: reference
        for image in images
        if image.services and image.name in local
        for reference in [push(lab, local[image.name], image.name, image.file.tag)]
        for service in image.services
    }


def push_variant(name: str, tag: str, environment: Mapping[str, str], folder: Folder = folders.OWN) -> str:
    """Put an image that differs from a service's by environment variables into the registry.

    Returns the reference that nodes pull, digest included. Raises LabError when lab or image are missing.
    """
    lab = folders.load(folder)
    image = next((image for image in load_images() if image.name == name), None)
    if lab is None or image is None or not exists("image", image.reference):
        raise LabError(f"image {name}: no lab, or not made yet; make lab-up")
    lines = [
        f"FROM {image.reference}",
        *(f"ENV {key}={_quoted(value)}" for key, value in environment.items()),
    ]
    local = f"platform-beta/{name}:variant-{tag}"
    command = [*build_command(local, "scratch", lab.label), "-"]
    run(command, stdin="\n".join(lines).encode() + b"\n", env={**local_engine(), "DOCKER_BUILDKIT": "0"})
    return push(lab, local, name, tag)


def _quoted(value: str) -> str:
    """Return the value as a Dockerfile takes it literally: no variable of the builder in it."""
    return json.dumps(value, ensure_ascii=False).replace("$", "\\$")
