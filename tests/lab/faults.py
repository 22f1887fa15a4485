"""What can happen to a leader, and to its whole node. Each returns when it is over."""

from __future__ import annotations

import time
from collections.abc import Callable

from components.settings import Settings
from tests.lab.nodes import lab, on_node, plug_in, unplug
from tests.lab.stores import Store, found, inside_text

#: Longer than the slowest takes to elect another: what is away comes back to a set that went on.
AWAY_S = 20
CUT_S = 30
FROZEN_S = 30
#: For a container whose server was killed.
END_LIMIT_S = 30


def kill(store: Store, member: str) -> None:
    """Its server, and with it the container: until that has ended, the store still looks whole."""
    ended = f"timeout {END_LIMIT_S} docker wait $container >/dev/null || [ $? -ne 124 ]"
    on_node(store.settings, store.homes[member], f"{_send(store, member)}send KILL || true\n{ended}\n")


def freeze_server(store: Store, member: str) -> None:
    """Its server alone, which goes on after FROZEN_S as if nothing had happened."""
    script = f"send STOP\nsleep {FROZEN_S}\nsend CONT\n"
    on_node(store.settings, store.homes[member], _send(store, member) + script)


def _send(store: Store, member: str) -> str:
    """Shell that defines `send SIGNAL`, to a member's server. Process 1 ignores KILL and STOP from inside."""
    return f"""container={found(member)}
server=$({inside_text(member, store.kit.file.server)})
[ -n "$server" ]
send() {{
  if [ "$server" = 1 ]; then docker kill --signal "$1" "$container" >/dev/null
  else docker exec "$container" bash -c "kill -$1 $server"; fi
}}
"""


def freeze_container(store: Store, member: str) -> None:
    """All of it, its agent too."""
    script = f"it={found(member)}; docker pause $it; sleep {FROZEN_S}; docker unpause $it"
    on_node(store.settings, store.homes[member], f"{{ {script}; }} >/dev/null")


def stop(store: Store, member: str) -> None:
    on_node(store.settings, store.homes[member], f"docker stop --time 120 {found(member)} >/dev/null")


def force(store: Store, member: str) -> None:
    command = f"docker service update --force --quiet {member} >/dev/null"
    on_node(store.settings, manager(store.settings), command)


def drain(settings: Settings, node: str) -> None:
    helper = manager(settings, node)
    on_node(settings, helper, f"docker node update --availability drain {node} >/dev/null")
    time.sleep(AWAY_S)
    on_node(settings, helper, f"docker node update --availability active {node} >/dev/null")


def lose(settings: Settings, node: str) -> None:
    lab("stop-node", node, "--kill")
    time.sleep(AWAY_S)
    lab("start-node", node)


def cut(settings: Settings, node: str) -> None:
    unplug(node)
    time.sleep(CUT_S)
    plug_in(node)


def manager(settings: Settings, besides: str = "") -> str:
    """A manager that isn't the one that is being harmed."""
    return next(node.name for node in settings.managers if node.name != besides)


KILL = "kill -9 of the primary's process"
OF_LEADERS: dict[str, Callable[[Store, str], None]] = {
    KILL: kill,
    "stop of its container": stop,
    "service update --force": force,
}
FREEZE = "SIGSTOP of its server"
FREEZES: dict[str, Callable[[Store, str], None]] = {
    FREEZE: freeze_server,
    "pause of its container": freeze_container,
}
OF_NODES: dict[str, Callable[[Settings, str], None]] = {
    "drain of its node": drain,
    "death and return of its node": lose,
    f"a network cut of {CUT_S} s": cut,
}
