"""The inputs of `command:remote:Command`: which there are, their defaults, what is secret or wrong."""

import os
from typing import TYPE_CHECKING, Any

from lab.plugins.resource import Failure, PluginError
from lab.plugins.values import UNKNOWN, Props, Secret, contains_unknown, plain

if TYPE_CHECKING:
    from lab.plugins.login import Target

INPUTS = {
    "connection": dict,
    "create": str,
    "update": str,
    "delete": str,
    "stdin": str,
    "triggers": list,
    "logging": str,
    "addPreviousOutputInEnv": bool,
}
_CONNECTION = {
    "host": str,
    "port": (int, float),
    "user": str,
    "privateKey": str,
    "hostKey": str,
    "agentSocketPath": str,
    "dialErrorLimit": int,
    "perDialTimeout": int,
}
_CONNECTION_DEFAULTS = {"user": "root", "port": 22, "dialErrorLimit": 10, "perDialTimeout": 15}
LOGGED = {  # anything else is "none", as in the official plugin
    "stdout": frozenset({"stdout"}),
    "stderr": frozenset({"stderr"}),
    "stdoutAndStderr": frozenset({"stdout", "stderr"}),
}


def checked_inputs(news: Props) -> tuple[Props, list[Failure]]:
    """Return the inputs with defaults, the connection secret as in the official schema, and their faults."""
    faults = _faults(news, INPUTS, "")
    connection = news.get("connection")
    if connection is None:
        return news, [*faults, Failure("connection", "missing; say where the command runs")]
    if isinstance(plain(connection), dict):
        faults += _connection_faults(plain(connection), "connection.")
    filled = _with_defaults(connection)
    return news | {"connection": filled if isinstance(filled, Secret) else Secret(filled)}, faults


def _faults(values: Props, known: dict[str, Any], prefix: str) -> list[Failure]:
    """Inputs that the offline plugin doesn't know, or of the wrong type."""
    faults = []
    for name, value in values.items():
        if name not in known:
            reason = "not in the offline plugin; leave it out or use the official plugin"
            faults.append(Failure(prefix + name, reason))
        elif plain(value) is not UNKNOWN and not isinstance(plain(value), known[name]):
            faults.append(Failure(prefix + name, f"a {type(plain(value)).__name__} is of the wrong type"))
    return faults


def _connection_faults(connection: Props, prefix: str) -> list[Failure]:
    faults = _faults(connection, _CONNECTION | {"proxy": dict}, prefix)
    if "host" not in connection:
        faults.append(Failure(f"{prefix}host", "missing; say which host"))
    if isinstance(connection.get("proxy"), dict):
        faults += _connection_faults(connection["proxy"], f"{prefix}proxy.")
    return faults


def _with_defaults(connection: Any) -> Any:
    """Fill in what is not set; the private key becomes a secret of its own, as the official schema has it."""
    if isinstance(connection, Secret):
        return Secret(_with_defaults(connection.value))
    if not isinstance(connection, dict):
        return connection
    filled = _CONNECTION_DEFAULTS | connection
    if "privateKey" in filled and not isinstance(filled["privateKey"], Secret):
        filled["privateKey"] = Secret(filled["privateKey"])
    if "proxy" in filled:
        filled["proxy"] = _with_defaults(filled["proxy"])
    return filled


def target_of(connection: Props) -> "Target":
    """Return where to log in; `connection` is checked and open. Raises PluginError if a part is unknown."""
    from lab.plugins.login import Target

    if contains_unknown(connection):
        raise PluginError("connection: a part of it is still unknown")
    proxy = connection.get("proxy")
    return Target(
        host=connection["host"],
        port=int(connection["port"]),
        user=connection["user"],
        private_key=connection.get("privateKey"),
        host_key=connection.get("hostKey"),
        agent_socket=connection.get("agentSocketPath") or os.environ.get("SSH_AUTH_SOCK"),
        dial_error_limit=int(connection["dialErrorLimit"]),
        dial_timeout_s=int(connection["perDialTimeout"]),
        proxy=target_of(proxy) if proxy else None,
    )
