"""Making images: the official one where it can be had, else here from packages."""

import os
import shutil
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from lab.apt import Apt, files_for
from lab.catalog import Image
from lab.official import at_hand, pulled
from lab.progress import step
from lab.shell import LabError, exists, local_engine, run

BUILD_LIMIT_S = 1200


class NotToBeHadError(LabError):
    """What an optional image is made of can't be got on this machine."""


@dataclass(frozen=True)
class Builder:
    """What a build needs to know of the lab and of the host."""

    label: str
    apt: Apt
    logs: Path
    official_allowed: bool
    archived: frozenset[str] = frozenset()
    """Tags of the images in the archives that the operator gave."""

    def make_all(self, images: list[Image], pool: ThreadPoolExecutor) -> dict[str, Future[str]]:
        """Start making every image; a future's result is the local reference that holds it.

        `images` has bases first: a build waits only for one submitted earlier, so a small pool can't lock up.
        """
        started: dict[str, Future[str]] = {}
        for image in images:
            started[image.name] = pool.submit(self._make, image, started.get(image.file.base))
        return started

    def _make(self, image: Image, base: Future[str] | None) -> str:
        if official := image.file.official:
            if here := at_hand(official, self.archived):
                return here
            if self.official_allowed and pulled(official):
                return official
        if not exists("image", image.reference):
            below = base.result() if base else "scratch"
            with step(f"image {image.name}: build"):
                build(image, below, image.reference, self.logs, label=self.label, apt=self.apt)
        return image.reference


def build(
    image: Image,
    base: str,
    reference: str,
    logs: Path,
    *,
    label: str = "",
    apt: Apt | None = None,
    dockerfile: str = "Dockerfile",
) -> None:
    """Make one image named `reference`; those made of the host's packages need `apt`. Raises LabError."""
    with tempfile.TemporaryDirectory(prefix="lab-image-") as scratch:
        context = Path(scratch) / "context"
        shutil.copytree(image.folder, context, ignore=shutil.ignore_patterns("__pycache__", "out"))
        if (image.folder / "build.sh").exists():
            _run_script(image, Path(scratch), context / "out", logs, apt)
        command = build_command(reference, base, label, str(context / dockerfile))
        run(
            ["nice", *command, str(context)],
            env={**local_engine(), "DOCKER_BUILDKIT": "0"},  # Debian's client has no buildx
            timeout_s=BUILD_LIMIT_S,
            log=logs / f"image-{image.name}.log",
        )


def _run_script(image: Image, scratch: Path, out: Path, logs: Path, apt: Apt | None) -> None:
    out.mkdir()
    inputs = {"IMAGE": image.name, "OUT": str(out), **(_packages(image, scratch, apt) if apt else {})}
    try:
        run(
            ["nice", "bash", str(image.folder / "build.sh")],
            env={**os.environ, **inputs},
            cwd=image.folder,
            timeout_s=BUILD_LIMIT_S,
            log=logs / f"script-{image.name}.log",
        )
    except LabError as fault:
        raise (NotToBeHadError(str(fault)) if image.file.optional else fault) from fault


def _packages(image: Image, scratch: Path, apt: Apt) -> dict[str, str]:
    """Return what tells a build.sh where the host has its packages from."""
    host_files = scratch / "host-files"
    for path, content in files_for(apt, image.name.removeprefix("base-")).items():
        target = host_files / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return {"APT_MIRROR": apt.mirror, "HOST_FILES": str(host_files)}


def build_command(reference: str, base: str, label: str = "", dockerfile: str = "") -> list[str]:
    """Return the docker command line of a build, without its context."""
    given = [] if base == "scratch" else ["--build-arg", f"BASE={base}"]
    if label:
        given += ["--label", label]
    if dockerfile:
        given += ["--file", dockerfile]
    return ["docker", "build", "--force-rm", "--tag", reference, *given]
