"""The Docker provider of the swarm: one address that leads to whichever manager is alive."""

from __future__ import annotations

import pulumi
import pulumi_docker as docker
from pulumi_command import remote

from components.lifecycle import swarm_exists
from components.observe import Facts
from components.settings import Settings

#: Name under which ssh files the managers' host keys; it is resolved by nobody.
ALIAS = "swarm-manager"


def swarm_provider(
    settings: Settings, facts: Facts, founded: remote.Command, opts: pulumi.ResourceOptions
) -> docker.Provider:
    """A provider whose inputs stay the same while any manager lives; unknown before there is a swarm."""
    url = f"ssh://{settings.ssh.user}@{ALIAS}:{settings.ssh.port}"
    host: pulumi.Input[str] = url
    if not swarm_exists(settings, facts):
        host = founded.stdout.apply(lambda _: url)
    return docker.Provider("swarm", host=host, ssh_opts=ssh_options(settings), opts=opts)


def ssh_options(settings: Settings) -> list[str]:
    """Options of the `ssh` client: declared key and host keys, nothing of the user's own files, any manager.

    KnownHostsCommand prints the keys that are right: https://man.openbsd.org/ssh_config#KnownHostsCommand
    """
    keys = "\\n".join(f"%H {node.pinned_key}" for node in settings.managers)
    options = {
        "BatchMode": "yes",
        "ServerAliveInterval": "15",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": "/dev/null",
        "GlobalKnownHostsFile": "/dev/null",
        "KnownHostsCommand": f'/bin/echo -e "{keys}"',
        "LogLevel": "ERROR",
    }
    key_file = settings.ssh.private_key_file
    identity = ["-i", str(key_file), "-o", "IdentitiesOnly=yes"] if key_file else []
    common = [*identity, *(part for key, value in options.items() for part in ("-o", f"{key}={value}"))]
    return [*common, "-o", "ConnectTimeout=20", "-o", f"ProxyCommand={_dial(settings, common)}"]


def _dial(settings: Settings, options: list[str]) -> str:
    """dial-manager.sh with the managers' addresses; it asks them with the same options."""
    addresses = [node.ssh_address for node in settings.managers]
    words = [settings.ssh.user, str(settings.ssh.port), *addresses, "--", *options]
    # ssh expands % in a ProxyCommand, and the user's shell the rest.
    quoted = " ".join("'" + word.replace("%", "%%") + "'" for word in words)
    return f"bash components/dial-manager.sh {quoted}"
