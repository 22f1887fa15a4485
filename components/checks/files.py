"""What a service mounts: every path once, every file there. Looks at the service's own folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from components.declaration import Declaration
from components.errors import Fault

#: Swarm takes less than this for a secret, engines before 23 for a config too.
#: https://docs.docker.com/engine/swarm/configs/ and /engine/swarm/secrets/ ("up to 500 kb")
MOST_BYTES = 500 * 1024


def file_faults(service: Declaration) -> Iterator[Fault]:
    """Two mounts on one path, and config files that aren't there."""
    where = service.place
    by_path: dict[PurePosixPath, list[str]] = {}
    for kind in ("configs", "secrets", "volumes", "tmpfs"):
        for index, mounted in enumerate(getattr(service, kind)):
            by_path.setdefault(mounted.path, []).append(f"{kind}[{index}]")
    for path, places in by_path.items():
        if len(places) > 1:
            fault = f"{' and '.join(places)} are mounted on {path}"
            yield Fault(where, fault, "give each its own path")
    for file in sorted({config.file for config in service.configs}):
        yield from _config_faults(f"{where}.configs", service, file)


def _config_faults(where: str, service: Declaration, file: str) -> Iterator[Fault]:
    path, services = service.folder / file, service.folder.parent.parent.resolve()
    try:
        found, real = path.is_file(), path.resolve()
        inside = real.is_relative_to(services) or real.is_relative_to(services.parent / "lib")
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "a circle of links"
        yield Fault(where, f"{file} can't be read ({reason})", "correct its permissions, or the link")
        return
    if not found:
        yield Fault(where, f"{file} is not beside service.yaml", "add the file, or correct its name")
    elif not inside:
        yield Fault(where, f"{file} leads out of the folder of services", "put the file itself there")


def size_fault(place: str, size: int) -> Iterator[Fault]:
    """What Swarm refuses as the content of a config or secret: nothing, and too much."""
    if size == 0:
        yield Fault(place, "is empty, which Swarm refuses", "give it a content, or remove it")
    elif size >= MOST_BYTES:
        yield Fault(place, f"has {size} bytes, Swarm takes less than {MOST_BYTES}", "make it smaller")
