"""The lab's image registry: its container, and what is pushed into it."""

import json
import socket
import time
import urllib.error
import urllib.request
from http.client import HTTPException

from lab.model import REGISTRY_PORT, Lab
from lab.progress import step
from lab.shell import LabError, docker, exists

# https://distribution.github.io/distribution/spec/manifest-v2-2/
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def registry_command(lab: Lab, image: str) -> list[str]:
    """Return the docker arguments that make the registry's container."""
    return [
        *("create", "--name", lab.registry, "--hostname", "registry", "--label", lab.label),
        *("--network", lab.network, "--ip", str(lab.registry_address), "--memory", "512m"),
        *("--publish", f"127.0.0.1:{lab.push_port}:{REGISTRY_PORT}"),
        *("--volume", f"{lab.registry}:/var/lib/registry", "--restart", "unless-stopped", image),
    ]


def start_registry(lab: Lab, image: str) -> None:
    """Make and start the registry where needed and wait until it answers. Raises LabError."""
    if not exists("container", lab.registry):
        docker("volume", "create", "--label", lab.label, lab.registry)
        docker(*registry_command(lab, image))
    docker("start", lab.registry)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{lab.push_port}/v2/", timeout=2).close()
        except (OSError, HTTPException):
            time.sleep(0.2)
            continue
        return
    raise LabError(f"{lab.registry}: no answer within 30 s; see `docker logs {lab.registry}`")


def push(lab: Lab, local: str, name: str, tag: str) -> str:
    """Put a local image into the registry and return the reference that nodes pull, digest included."""
    digest = _held_digest(lab, local, name, tag) or _push(lab, local, name, tag)
    return f"{lab.registry_endpoint}/{name}:{tag}@{digest}"


def _push(lab: Lab, local: str, name: str, tag: str) -> str:
    address = f"127.0.0.1:{lab.push_port}/{name}"
    docker("tag", local, f"{address}:{tag}")
    try:
        with step(f"image {name}:{tag}: push"):
            docker("push", "--quiet", f"{address}:{tag}", timeout_s=300)
        digests = json.loads(
            docker("image", "inspect", "--format", "{{json .RepoDigests}}", f"{address}:{tag}")
        )
    finally:
        docker("rmi", "--no-prune", f"{address}:{tag}")
    found = [entry.partition("@")[2] for entry in digests if entry.startswith(f"{address}@")]
    if not found:
        raise LabError(f"{address}:{tag}: pushed, but the engine knows no digest of it; repeat `make lab-up`")
    return str(found[-1])


def _held_digest(lab: Lab, local: str, name: str, tag: str) -> str | None:
    """Return the digest under that tag when it is this very image already, else None."""
    url = f"http://127.0.0.1:{lab.push_port}/v2/{name}/manifests/{tag}"
    request = urllib.request.Request(url, headers={"Accept": MANIFEST})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            manifest, digest = json.load(answer), answer.headers["Docker-Content-Digest"]
    except urllib.error.HTTPError as fault:
        if fault.code == 404:
            return None
        raise LabError(f"{url}: {fault}; see `docker logs {lab.registry}`") from fault
    identity = docker("image", "inspect", "--format", "{{.Id}}", local).strip()
    return str(digest) if manifest.get("config", {}).get("digest") == identity else None
