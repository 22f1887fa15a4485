"""Removing: only what carries a lab's label."""

from lab.model import LABEL
from lab.shell import LabError, docker


def remove_objects(identity: str, *, images: bool = False) -> list[str]:
    """Remove the lab's containers, networks and volumes, and images when asked; return what went, in words.

    Raises LabError for what the engine refuses to remove.
    """
    chosen = ("--quiet", "--filter", f"label={LABEL}={identity}")
    gone = []
    if containers := docker("ps", "--all", *chosen).split():
        docker("rm", "--force", "--volumes", *containers, timeout_s=300)
        gone.append(f"{len(containers)} containers removed")
    if networks := docker("network", "ls", *chosen).split():
        docker("network", "rm", *networks)
        gone.append(f"{len(networks)} networks removed")
    if volumes := docker("volume", "ls", *chosen).split():
        docker("volume", "rm", *volumes, timeout_s=300)
        gone.append(f"{len(volumes)} volumes removed")
    return gone + (_remove_images(identity) if images else [])


def _remove_images(identity: str) -> list[str]:
    chosen = ("--filter", f"label={LABEL}={identity}", "--format", "{{.Repository}}:{{.Tag}}")
    tags = [tag for tag in docker("image", "ls", *chosen).split() if "<none>" not in tag]
    gone, kept = 0, []
    for tag in tags:
        try:
            docker("rmi", tag)
            gone += 1
        except LabError as fault:
            kept.append(f"image {tag} kept: {str(fault).splitlines()[-1]}")
    return [f"{gone} images removed", *kept]
