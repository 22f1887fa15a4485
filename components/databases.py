"""Databases on another service, the server: it makes their users, and so mounts their passwords."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from components.declaration import Database, Declaration, SecretFile

#: Where a server finds a user's password, by the secret's name.
SECRETS = PurePosixPath("/run/secrets")


def databases_on(server: Declaration, services: Iterable[Declaration]) -> tuple[Database, ...]:
    """The databases that services declare on the server, by name."""
    found = [each for service in services for each in service.databases if each.server == server.name]
    return tuple(sorted(found, key=lambda each: each.name))


def with_passwords(server: Declaration, services: Iterable[Declaration]) -> Declaration:
    """The server with the passwords of the users that it makes for others, readable by its own user."""
    if not server.serves_databases:
        return server
    owner, _, group = (server.user or "0").partition(":")
    mounted = {secret.name for secret in server.secrets}
    names = {user.secret for each in databases_on(server, services) for user in each.users} - mounted
    added = [
        SecretFile(name=name, path=SECRETS / name, uid=owner, gid=group or owner) for name in sorted(names)
    ]
    return server.model_copy(update={"secrets": (*server.secrets, *added)})
