"""The target's swarm, seen and cleaned past any plugin, and the image of the cases.

The image holds a static program that serves, fails or is unhealthy as its first argument says.
"""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.contract.target import Target

SOURCE = """package main

import ("fmt"; "net/http"; "os"; "os/signal"; "syscall")

func main() {
	switch append(os.Args, "serve")[1] {
	case "healthy": return
	case "unhealthy": os.Exit(1)
	case "fail": fmt.Println("no database"); os.Exit(7)
	}
	go http.ListenAndServe(":8080", nil)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGQUIT)
	<-stop
}
"""


class Swarm:
    """The target's swarm, seen past any plugin."""

    def __init__(self, target: Target, image: str) -> None:
        self.target, self.image = target, image
        self.node = target.ssh("docker info --format '{{.Swarm.NodeID}}'").strip()
        self.node_name = target.ssh("docker info --format '{{.Name}}'").strip()

    def docker(self, command: str) -> str:
        return self.target.ssh(f"docker {command}").strip()

    def inspect(self, kind: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.docker(f"{kind} inspect {name}"))[0]
        return found

    def names(self, kind: str) -> list[str]:
        return self.docker(f"{kind} ls --format '{{{{.Name}}}}'").split()

    def environment(self, service: str) -> list[str]:
        spec = self.inspect("service", service)["Spec"]["TaskTemplate"]["ContainerSpec"]
        found: list[str] = spec.get("Env", [])
        return found

    def running_environment(self, service: str) -> list[str]:
        """That of the containers which serve now."""
        found = self.docker(f"ps -q --filter label=com.docker.swarm.service.name={service}").split()
        texts = [self.docker(f"inspect {each} --format '{{{{json .Config.Env}}}}'") for each in found]
        return [entry for text in texts for entry in json.loads(text)]

    def remove_leftovers(self) -> None:
        """Remove what an earlier run that was killed has left; all of it is named contract-…."""
        for kind in ("service", "secret", "config", "network"):
            left = [name for name in self.names(kind) if name.startswith("contract-")]
            if left:
                self.docker(f"{kind} rm {' '.join(left)}")
        wait_for(lambda: not self.docker("ps -aq --filter name=contract-"))


def imported_image(target: Target, folder: Path) -> str:
    """Build the image and put it into the engine of the target's first node; return its name."""
    (folder / "main.go").write_text(SOURCE)
    environment = os.environ | {"CGO_ENABLED": "0", "GO111MODULE": "off"}
    subprocess.run(["go", "build", "-o", "server", "main.go"], cwd=folder, check=True, env=environment)
    with tarfile.open(folder / "image.tar", "w") as archive:
        archive.add(folder / "server", "server")
    image = f"contract-{os.getpid()}:1"
    shell = target.ssh_command(f"docker import --change 'ENTRYPOINT [\"/server\"]' - {image}")
    with (folder / "image.tar").open("rb") as archive_file:
        subprocess.run(shell, stdin=archive_file, check=True, capture_output=True, timeout=60)
    return image


def wait_for(condition: Callable[[], object], limit_s: float = 40) -> None:
    """Return when `condition` holds; fails after a time."""
    limit = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.1)
