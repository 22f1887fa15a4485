"""Logging in over SSH as the official command plugin does: the same retries, the same words for what fails.

The words are Go's: https://github.com/golang/crypto/tree/v0.48.0/ssh
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import asyncssh

from lab.plugins.resource import PluginError

Report = Callable[[str], Awaitable[None]]

_KEEPALIVE_S = 15
# https://github.com/pulumi/pulumi/blob/v3.259.0/sdk/go/common/util/retry/until.go
_FIRST_DELAY_S, _BACKOFF, _MAX_DELAY_S = 0.1, 1.5, 5.0


@dataclass(frozen=True)
class Target:
    """Where and as whom to log in. `dial_error_limit` -1: no limit; `dial_timeout_s` 0: no limit."""

    host: str
    port: int
    user: str
    private_key: str | None = field(repr=False)
    host_key: str | None
    """One public key in OpenSSH's format; None accepts any host."""
    agent_socket: str | None
    dial_error_limit: int
    dial_timeout_s: int
    proxy: "Target | None"


@dataclass(frozen=True)
class Login:
    """A connection, and the one to the proxy that it goes through."""

    connection: asyncssh.SSHClientConnection
    proxy: asyncssh.SSHClientConnection | None

    def close(self) -> None:
        """End both without waiting."""
        self.connection.close()
        if self.proxy:
            self.proxy.close()


class _DialError(Exception):
    """One attempt failed; the next may not."""


async def log_in(target: Target, report: Report) -> Login:
    """Connect and authenticate; failed attempts are reported and repeated. Raises PluginError."""
    if target.proxy is None:
        return Login(await _retry(target, "Dial", report, None), None)
    try:
        proxy = await _retry(target.proxy, "Dial proxy", report, None)
        return Login(await _retry(target, "Dial from proxy", report, proxy), proxy)
    except PluginError as error:
        raise PluginError(f"proxy: {error}") from None


async def _retry(
    target: Target, what: str, report: Report, proxy: asyncssh.SSHClientConnection | None
) -> asyncssh.SSHClientConnection:
    failures, delay_s, limit = 0, _FIRST_DELAY_S, target.dial_error_limit
    while True:
        try:
            async with asyncio.timeout(target.dial_timeout_s or None):
                return await _connect(target, proxy)
        except (_DialError, TimeoutError) as error:
            reason = str(error) or f"dial tcp {target.host}:{target.port}: i/o timeout"
        if failures >= limit >= 0:
            raise PluginError(f"after {failures} failed attempts: {reason}")
        failures += 1
        await report(f"{what} {failures}/{'inf' if limit < 0 else limit} failed: retrying")
        await asyncio.sleep(delay_s)
        delay_s = min(delay_s * _BACKOFF, _MAX_DELAY_S)


async def _connect(
    target: Target, proxy: asyncssh.SSHClientConnection | None
) -> asyncssh.SSHClientConnection:
    known, algorithms = _host_keys(target)
    agent, keys = await _client_keys(target)
    try:
        return await asyncssh.connect(
            target.host,
            target.port,
            tunnel=proxy or (),
            config=None,  # nothing of the operator's ~/.ssh counts, as in the official plugin
            username=target.user,
            client_keys=keys or None,
            agent_path=None,
            preferred_auth="publickey",
            known_hosts=known,
            server_host_key_algs=algorithms,
            keepalive_interval=_KEEPALIVE_S,
            connect_timeout=None,
            login_timeout=0,
        )
    except asyncssh.Error as error:
        raise _DialError(f"ssh: handshake failed: {_reason(error, bool(keys))}") from None
    except socket.gaierror:
        raise _DialError(f"dial tcp: lookup {target.host}: no such host") from None
    except OSError as error:
        raise _DialError(f"dial tcp {target.host}:{target.port}: {_system_reason(error)}") from None
    finally:
        if agent:
            agent.close()


def _host_keys(
    target: Target,
) -> tuple[tuple[list[asyncssh.SSHKey], list[object], list[object]] | None, object]:
    """Return trusted keys, and the algorithms to ask the host for: as the official plugin, its own."""
    if target.host_key is None:
        return None, ()
    try:
        key = asyncssh.import_public_key(target.host_key)
    except asyncssh.KeyImportError:
        raise PluginError("failed to parse host key: ssh: no key found") from None
    algorithm = key.get_algorithm()
    if algorithm == "ssh-rsa":  # a signature with SHA-1, which sshd has refused since OpenSSH 8.8
        raise PluginError("ssh: no common algorithm for host key; pin the host's ssh-ed25519 key instead")
    return ([key], [], []), [algorithm]


async def _client_keys(target: Target) -> tuple[asyncssh.SSHAgentClient | None, list[object]]:
    """Return the private key, or else the agent's keys and the agent, which must stay open for the login."""
    if target.private_key is not None:
        try:
            return None, [asyncssh.import_private_key(target.private_key)]
        except asyncssh.KeyImportError:
            raise PluginError("ssh: no key found") from None
    if not target.agent_socket:
        return None, []
    try:
        agent = await asyncssh.connect_agent(target.agent_socket)
    except OSError as error:
        raise PluginError(f"dial unix {target.agent_socket}: {_system_reason(error)}") from None
    return agent, list(await agent.get_keys())


def _reason(error: asyncssh.Error, has_keys: bool) -> str:
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return "ssh: host key mismatch"
    if isinstance(error, asyncssh.PermissionDenied):
        methods = "none publickey" if has_keys else "none"
        return f"ssh: unable to authenticate, attempted methods [{methods}], no supported methods remain"
    return f"ssh: {error.reason}"


def _system_reason(error: OSError) -> str:
    return f"connect: {os.strerror(error.errno).lower()}" if error.errno else str(error)
