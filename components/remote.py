"""Scripts on nodes as `command.remote.Command`: the script and its inputs go in by stdin, never by argv."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import pulumi
from pulumi_command import remote

from components.settings import Node, Ssh

SCRIPTS = Path(__file__).parent / "scripts"
#: sshd answers a handshake within this or is counted as away; seconds.
DIAL_TIMEOUT_S = 10
#: Tries before a node counts as unreachable: a node that restarts is back within seconds.
DIAL_TRIES = 5

Variables: TypeAlias = Mapping[str, pulumi.Input[str]]


@dataclass(frozen=True)
class Seen:
    """What was observed of the thing that a script sets.

    differs: how it differs from what is declared, in words; None when it doesn't, or is unknown.
    away: the host can't be asked, so what it has is left as it is until it can.
    arguments: what the script is told in a repair, none in a creation. The state keeps them.
    """

    differs: str | None = None
    away: bool = False
    arguments: tuple[str, ...] = ()


AS_DECLARED = Seen()


def script_text(name: str) -> str:
    """The shared helpers and the script itself, as sent."""
    return (SCRIPTS / "lib.sh").read_text() + (SCRIPTS / name).read_text()


def script_input(name: str, variables: Mapping[str, str]) -> str:
    """What a shell reads: assignments (not exported), then the script."""
    preamble = "".join(f"{key}={shlex.quote(value)}\n" for key, value in sorted(variables.items()))
    return preamble + script_text(name)


class Host:
    """One node as a target: how it is reached, and how scripts are run there.

    any_manager: the script may run on any manager; which one it is then is no change by itself.
    """

    def __init__(self, ssh: Ssh, node: Node, any_manager: bool = False) -> None:
        self.node = node
        self._ssh = ssh
        self._any_manager = any_manager
        self._shell = ssh.shell

    def connection(self) -> remote.ConnectionArgs:
        """The connection, its key a secret.

        Without a key file the plugin asks the agent, whose socket's path (another
        at each login) belongs into no input: every change of it would run all commands again.
        """
        key_file = self._ssh.private_key_file
        return remote.ConnectionArgs(
            host=self.node.ssh_address,
            port=self._ssh.port,
            user=self._ssh.user,
            host_key=self.node.pinned_key,
            private_key=pulumi.Output.secret(key_file.expanduser().read_text()) if key_file else None,
            dial_error_limit=DIAL_TRIES,
            per_dial_timeout=DIAL_TIMEOUT_S,
        )

    def run(
        self,
        resource_name: str,
        script: str,
        variables: Variables,
        opts: pulumi.ResourceOptions,
        undo: tuple[str, Mapping[str, str]] | None = None,
        secret_stdout: bool = False,
        seen: Seen = AS_DECLARED,
    ) -> remote.Command:
        """Run `script` when it or a variable changes, or what it sets was seen to differ.

        `undo` (script, variables) runs when the resource goes; it is an argument of the remote shell, so
        it takes no secrets.
        """
        own = pulumi.ResourceOptions(
            additional_secret_outputs=["stdout"] if secret_stdout else None,
            ignore_changes=self._ignored(seen),
        )
        command = remote.Command(
            resource_name,
            connection=self.connection(),
            create=f"{self._shell} -s",
            update=self._repair(seen) if seen.differs else None,
            delete=f"{self._shell} -c {shlex.quote(script_input(*undo))}" if undo else None,
            stdin=pulumi.Output.all(**variables).apply(lambda given: script_input(script, given)),
            add_previous_output_in_env=False,
            logging=remote.Logging.NONE if secret_stdout else remote.Logging.STDERR,
            opts=pulumi.ResourceOptions.merge(opts, own),
        )
        if seen.differs:
            pulumi.log.info(f"observed: {seen.differs}", command)
        return command

    def _repair(self, seen: Seen) -> str:
        """The same command, the difference as a comment for a preview to show; the time makes it a change."""
        words = " ".join((seen.differs or "").split())
        arguments = f" -- {shlex.join(seen.arguments)}" if seen.arguments else ""
        return f"{self._shell} -s{arguments} # observed {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}: {words}"

    def _ignored(self, seen: Seen) -> list[str]:
        if seen.away:
            return ["connection", "create", "update", "delete", "stdin", "logging"]
        if seen.differs:
            return []
        return ["update", *(["connection.host", "connection.hostKey"] if self._any_manager else [])]
