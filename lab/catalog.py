"""The image folders and their content hashes: a changed folder or base means a new image.

An image lies in lab/images/<name>, or with the service of its name:
configs/services/<product>/<part>/lab-image. What only tests of a service run is <service>-client:
configs/services/<product>/<part>/conformance/lab-image.
"""

import hashlib
from pathlib import Path

import yaml
from pydantic import ValidationError

from components.declaration import service_name
from lab.declared import SERVICES
from lab.model import Frozen
from lab.shell import LabError

IMAGES = Path(__file__).parent / "images"
BESIDE, TESTS = "lab-image", "conformance"
INFRASTRUCTURE = {"node", "registry"}


class ImageFile(Frozen):
    """An image.yaml."""

    official: str | None = None
    """The official image as the services declare it, tag and digest; used instead where it can be had."""
    base: str
    """Name of another image folder, or `scratch`."""
    tag: str
    """Version under which nodes pull it."""
    services: tuple[str, ...] = ()
    """Services that run it; none given: the one of the folder's name."""
    tests: bool = False
    """Tests run it, no service does; it is made when the first of them asks for it."""
    stands_on: str | None = None
    """Outside the lab it stands on the official image that this service declares, by official.Dockerfile."""
    optional: bool = False
    """Where build.sh can't get its parts the lab does without these services."""


class Image(Frozen):
    """An image folder, hashed."""

    name: str
    folder: Path
    file: ImageFile
    reference: str
    """Local tag, `platform-beta/<name>:<hash12>`."""

    @property
    def services(self) -> tuple[str, ...]:
        """Return the services that run this image; none for what the lab itself is made of."""
        if self.name in INFRASTRUCTURE or self.name.startswith("base-") or self.file.tests:
            return ()
        return self.file.services or (self.name,)


def content_hash(folder: Path, base: str) -> str:
    """Return 12 hex digits over names, executable bits and contents of a folder, and over its base's name."""
    digest = hashlib.sha256(base.encode())
    for file in sorted(folder.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            executable = bool(file.stat().st_mode & 0o100)
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            digest.update(f"{file.relative_to(folder)}\0{executable}\0{content}\n".encode())
    return digest.hexdigest()[:12]


def load_images(root: Path = IMAGES, services: Path = SERVICES) -> list[Image]:
    """Return every image folder, bases before what stands on them, the lab's own before services.

    Raises LabError naming each folder whose image.yaml is at fault, or whose base is missing.
    """
    folders = _folders(root, services)
    files = {name: _read(folder / "image.yaml") for name, folder in folders.items()}
    loaded: dict[str, Image] = {}

    def visit(name: str, chain: tuple[str, ...]) -> Image:
        if name in loaded:
            return loaded[name]
        if name in chain or name not in files:
            raise LabError(
                f"{folders[chain[-1]]}/image.yaml: base {name!r} is no image folder; name another base"
            )
        base = files[name].base
        below = "scratch" if base == "scratch" else visit(base, (*chain, name)).reference
        reference = f"platform-beta/{name}:{content_hash(folders[name], below)}"
        loaded[name] = Image(name=name, folder=folders[name], file=files[name], reference=reference)
        return loaded[name]

    for name in sorted(files, key=_rank):
        visit(name, ())
    return list(loaded.values())


def _folders(root: Path, services: Path) -> dict[str, Path]:
    """Return the folder of every image by the image's name. Raises LabError for a name that two have."""
    found = {file.parent.name: file.parent for file in sorted(root.glob("*/image.yaml"))}
    beside = {file: service_name(file.parent.parent) for file in services.glob(f"*/*/{BESIDE}/image.yaml")}
    for file in services.glob(f"*/*/{TESTS}/{BESIDE}/image.yaml"):
        beside[file] = f"{service_name(file.parents[2])}-client"
    for file, name in sorted(beside.items()):
        if name in found:
            raise LabError(f"{file.parent}: {found[name]} makes an image of this name; remove one of the two")
        found[name] = file.parent
    return found


def _rank(name: str) -> tuple[int, str]:
    return (0 if name == "node" else 1 if name in INFRASTRUCTURE else 2, name)


def _read(file: Path) -> ImageFile:
    try:
        return ImageFile.model_validate(yaml.safe_load(file.read_text()))
    except (ValidationError, yaml.YAMLError) as fault:
        raise LabError(f"{file}: {fault}") from fault
