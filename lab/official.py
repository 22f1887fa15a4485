"""Official images: at hand, in archives of `docker save`, or in a public registry."""

import json
import tarfile
from pathlib import Path

from lab.progress import say, step
from lab.shell import LabError, docker, exists

ARCHIVES = "LAB_IMAGE_ARCHIVES"
LIMIT_S = 1200


def at_hand(official: str, archived: frozenset[str] = frozenset()) -> str | None:
    """Return the reference by which the engine has the official image: as declared, else its tag. Or None.

    `docker save` keeps no digest, so what an archive brought is known by its tag alone. What is known to be
    another build of that tag is not taken for it.
    """
    if exists("image", official):
        return official
    tagged, _, digest = official.partition("@")
    if not digest or not exists("image", tagged):
        return None
    held = json.loads(docker("image", "inspect", "--format", "{{json .RepoDigests}}", tagged)) or []
    others = [entry for entry in held if entry.partition("@")[0] == tagged.rpartition(":")[0]]
    if others and tagged not in archived:
        say(f"image {tagged}: here as {others[0]}, declared is {digest}; not used")
        return None
    say(f"image {tagged}: from an archive, which can't prove that it is {digest}")
    return tagged


def load_archives(folder: Path) -> frozenset[str]:
    """Load every archive of `docker save` with an image that the engine hasn't got; return all their tags.

    Raises LabError, also for an archive without a tag: nothing could find what is in it.
    """
    found: set[str] = set()
    for archive in sorted([*folder.glob("*.tar"), *folder.glob("*.tar.gz")]):
        tags = archived_tags(archive)
        if not tags:
            raise LabError(f"{archive}: an image without a tag; `docker tag` it and save it by that name")
        if not all(exists("image", tag) for tag in tags):
            with step(f"image archive {archive.name}: load"):
                docker("load", "--input", str(archive), timeout_s=LIMIT_S)
        found.update(tags)
    return frozenset(found)


def archived_tags(archive: Path) -> list[str]:
    """Return the image references in an archive of `docker save`. Raises LabError when it is none."""
    try:
        with tarfile.open(archive) as tar:
            member = tar.extractfile("manifest.json")
            manifest = json.load(member) if member else []
    except (tarfile.TarError, KeyError, ValueError) as fault:
        raise LabError(
            f"{archive}: no archive of `docker save` ({fault}); remove it or save it again"
        ) from fault
    return [tag for entry in manifest for tag in entry["RepoTags"] or []]


def pulled(official: str) -> bool:
    """Pull it; tell whether that went. A pull by digest leaves no tag."""
    try:
        with step(f"image {official}: pull"):
            docker("pull", "--quiet", official, timeout_s=LIMIT_S)
    except LabError as fault:
        say(f"image {official}: not to be had ({str(fault).splitlines()[-1]}); built from packages instead")
        return False
    return True
