"""`python -m ops.connected PULUMI ARGUMENT…`: `pulumi` with the swarm's Docker socket open while it runs.

ops/bin/pulumi calls it, so that plain `pulumi up` reaches the swarm, its refresh before the program included.
What takes long to import is imported while Pulumi starts, or when it is needed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from components.observe.facts_file import gathering
from components.ssh.docker_socket import FOLDER, OPEN, DockerSocket, SocketError
from ops.processes import run

if TYPE_CHECKING:
    from components.settings import Settings


def stack_of(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """The stack that a command line of `pulumi` names, or the project's shell; empty when neither does."""
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if argument in ("-s", "--stack"):
            return following
        if argument.startswith(("--stack=", "-s=")):
            return argument.partition("=")[2]
    return environment.get("PULUMI_STACK", "")


def main(command: Sequence[str], root: Path) -> int:
    """Run it; its exit code. What is wrong with the stack file is told by the program itself."""

    def load() -> Settings:
        from components.settings import parse_settings
        from components.stack import from_file

        return parse_settings(from_file(root / f"Pulumi.{stack}.yaml").settings)

    stack = stack_of(command, os.environ).rpartition("/")[2]
    try:
        docker_socket = DockerSocket(root, stack, load)
        with docker_socket.opened(), gathering(load, FOLDER, stack, command) as facts:
            code = run(command, root, {**os.environ, OPEN: stack, **facts}).code
            if code and docker_socket.unavailable:
                from ops.explanation import why_no_manager

                print(why_no_manager(root, stack, docker_socket.unavailable, facts), file=sys.stderr)
        return code
    except SocketError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path.cwd()))
