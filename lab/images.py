"""The images of a lab: made, and the services' put into its registry."""

import json
import os
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from lab import folder as folders
from lab.apt import Apt, read_host
from lab.build import Builder, build_command
from lab.catalog import Image, load_images
from lab.folder import Folder
from lab.left_out import Reasons, finished, needed, not_wanted
from lab.model import Lab
from lab.official import ARCHIVES, load_archives
from lab.registry import push, start_registry
from lab.shell import LabError, local_engine, run

BUILDS_AT_ONCE = 2
#: The engine compresses an image's layers on one core.
PUSHES_AT_ONCE = 2
Made = dict[str, Future[str]]


def images_only(folder: Folder, lab: Lab) -> dict[str, str]:
    """Make every image and push the services'; return service to reference. The stack file stays as it is."""
    images = needed(load_images(), not_wanted())
    with ThreadPoolExecutor(BUILDS_AT_ONCE) as builds:
        made = start_builds(lab, folder, read_host(), images, builds)
        start_registry(lab, made["registry"].result())
        return push_services(lab, images, made)[0]


def start_builds(lab: Lab, folder: Folder, apt: Apt, images: list[Image], pool: ThreadPoolExecutor) -> Made:
    """Start making every image, those in archives first. Raises LabError."""
    archives = os.environ.get(ARCHIVES)
    archived = load_archives(Path(archives)) if archives else frozenset[str]()
    builder = Builder(lab.label, apt, folder.logs, bool(lab.public_registry), archived)
    return builder.make_all(images, pool)


def push_services(lab: Lab, images: list[Image], made: Made) -> tuple[dict[str, str], Reasons]:
    """Put each image of a service into the registry as soon as it is made.

    Returns service to reference with digest, and the services that are left out with their reason.
    """

    def push_made(image: Image) -> str:
        local = made[image.name].result()
        return push(lab, local, image.name, version(image, local))

    with ThreadPoolExecutor(PUSHES_AT_ONCE) as pool:
        pushes = {image.name: pool.submit(push_made, image) for image in images if image.services}
        try:
            local, left_out = finished(images, made)
        except BaseException:
            for each in (*pushes.values(), *made.values()):
                each.cancel()
            raise
        pushed = {
            service: pushes[image.name].result()
            for image in images
            if image.name in local
            for service in image.services
        }
    return pushed, left_out


def version(image: Image, local: str) -> str:
    """Return the tag under which nodes pull it: the official image's own, or that of what is built here."""
    return image.file.tag if local == image.reference else local.partition("@")[0].rpartition(":")[2]


def made(name: str, folder: Folder = folders.OWN) -> str:
    """Return the local reference of an image; it and its bases are made where missing. Raises LabError."""
    lab, images = folders.load(folder), {image.name: image for image in load_images()}
    if lab is None or name not in images:
        raise LabError(f"image {name}: no lab, or no folder makes it; make lab-up")
    chain = [images[name]]
    while (below := chain[0].file.base) != "scratch":
        chain.insert(0, images[below])
    with ThreadPoolExecutor(1) as pool:
        return start_builds(lab, folder, read_host(), chain, pool)[name].result()


def push_variant(name: str, tag: str, environment: Mapping[str, str], folder: Folder = folders.OWN) -> str:
    """Put an image that differs from a service's by environment variables into the registry.

    Returns the reference that nodes pull, digest included. Raises LabError when lab or image are missing.
    """
    lab = folders.load(folder)
    if lab is None:
        raise LabError(f"image {name}: no lab; make lab-up")
    below = made(name, folder)
    lines = [
        f"FROM {below}",
        *(f"ENV {key}={_quoted(value)}" for key, value in environment.items()),
    ]
    local = f"platform-beta/{name}:variant-{tag}"
    command = [*build_command(local, "scratch", lab.label), "-"]
    run(command, stdin="\n".join(lines).encode() + b"\n", env={**local_engine(), "DOCKER_BUILDKIT": "0"})
    return push(lab, local, name, tag)


def _quoted(value: str) -> str:
    """Return the value as a Dockerfile takes it literally: no variable of the builder in it."""
    return json.dumps(value, ensure_ascii=False).replace("$", "\\$")
