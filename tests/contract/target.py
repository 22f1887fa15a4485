"""The host that the contract cases run on."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A host with sshd; its fields are those of the JSON file named by CONTRACT_TARGET."""

    address: str
    port: int
    user: str
    private_key_file: str
    host_key: str
    docker_host: str

    def ssh_command(self, *arguments: str) -> list[str]:
        """Arguments that log in there; `arguments` are options, or a command."""
        options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR")
        login = ["-i", self.private_key_file, "-p", str(self.port), "-l", self.user, self.address]
        return ["ssh", *(part for option in options for part in ("-o", option)), *login, *arguments]

    def ssh(self, command: str) -> str:
        """Run a command there, apart from any plugin; return its stdout."""
        finished = subprocess.run(
            self.ssh_command(command), check=True, capture_output=True, text=True, timeout=30
        )
        return finished.stdout
