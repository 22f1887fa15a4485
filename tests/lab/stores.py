"""Services with a `role` hook as the swarm runs them: who leads, and when everything is whole."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest

from components.settings import Settings
from components.topology import Plan
from ops import status
from ops.managers import NoManagerError
from tests.lab.kit import Kit
from tests.lab.nodes import on_node

#: For a hand-over from one member to another, in which none or both say that they lead.
HAND_OVER_S = 15


class Store:
    """One of them: its kit, its members and where they live, the preferred leader first."""

    def __init__(self, plan: Plan, kit: Kit) -> None:
        self.settings, self.kit, self.name = plan.settings, kit, kit.service
        service = next(service for service in plan.services if service.name == kit.service)
        self.role = shlex.join(service.hooks.role)
        self.homes = {unit.name: unit.home or "" for unit in plan.units(service)}
        self.preferred = next(iter(self.homes))

    def inside(self, member: str, script: str) -> str:
        """What bash prints in a member's container; raises when there is none, or the script fails."""
        return in_container(self.settings, self.homes[member], member, script)

    def roles(self) -> dict[str, str]:
        """Member to what it says of itself, DOWN when it can't be asked."""

        def role(member: str) -> str:
            try:
                return self.inside(member, self.role).strip() or "NONE"
            except Exception:  # a node that is away, a container that isn't there: all the same here
                return "DOWN"

        with ThreadPoolExecutor(len(self.homes)) as pool:
            return dict(zip(self.homes, pool.map(role, self.homes), strict=True))

    def leader(self) -> str:
        """The one member that leads; waited for while leadership passes from one to another."""
        deadline = time.monotonic() + HAND_OVER_S
        while True:
            roles = self.roles()
            leading = [member for member, role in roles.items() if role == "PRIMARY"]
            if len(leading) == 1:
                return leading[0]
            assert time.monotonic() < deadline, f"{self.name}: {roles}"
            time.sleep(0.5)

    def start_times(self) -> dict[str, str]:
        """Member to when its container started, as text that sorts."""
        command = "docker inspect --format '{{.State.StartedAt}}' "
        return {
            member: on_node(self.settings, home, command + found(member)).strip()
            for member, home in self.homes.items()
        }


def whole_store(stores: Iterable[Store], name: str) -> Store:
    """One of the stores, whole and led as it is meant to be, so that no planned switch comes amid a test.

    Skips the test where it is off.
    """
    found = next((store for store in stores if store.name == name), None)
    if found is None:
        pytest.skip(f"{name} is off")
    wait_whole([found], found.settings, as_preferred=True)
    return found


def needed(plan: Plan, *names: str) -> None:
    """Skip the test, with the reason of it, where one of the services is off."""
    declared = {service.name for service in plan.services}
    for name in names:
        if name in plan.off:
            pytest.skip(f"{name} is off: {plan.off[name]}")
        if name not in declared:
            pytest.skip(f"{name} is no service of this checkout")


def found(member: str) -> str:
    """Shell for the id of a member's running container on its node."""
    wanted = f"label=com.docker.swarm.service.name={member}"
    return f"$(docker ps -q --filter {wanted} --filter status=running | head -n 1)"


def in_container(
    settings: Settings, node: str, service: str, script: str, timeout_s: float = 60, shell: str = "bash"
) -> str:
    """What the shell prints that runs `script` in the container of a service on a node."""
    return on_node(settings, node, inside_text(service, script, shell), timeout_s)


def inside_text(service: str, script: str, shell: str = "bash") -> str:
    """Shell that runs `script` in the container of a service on this node."""
    return f"docker exec -i \"{found(service)}\" {shell} <<'INSIDE'\n{script}\nINSIDE\n"


def wait_whole(
    stores: Iterable[Store], settings: Settings, limit_s: float = 240, *, as_preferred: bool = False
) -> float:
    """Wait until nodes, services and stores are whole; the seconds it took.

    With `as_preferred` also until each store's preferred member leads again, which it does after a while.
    """
    began = time.monotonic()
    while faults := [each for store in stores if (each := _fault(store, as_preferred))] or _swarm_faults(
        settings
    ):
        assert time.monotonic() - began < limit_s, f"not whole after {limit_s} s: {'; '.join(faults)}"
        time.sleep(1)
    return time.monotonic() - began


def _fault(store: Store, as_preferred: bool) -> str:
    roles = store.roles()
    whole = sorted(roles.values()) == ["PRIMARY", *["SECONDARY"] * (len(roles) - 1)]
    led = not as_preferred or not store.kit.file.prefers_first or roles[store.preferred] == "PRIMARY"
    return "" if whole and led else f"{store.name}: {roles}"


def _swarm_faults(settings: Settings) -> list[str]:
    try:
        cluster = status.read(settings)
    except NoManagerError as error:
        return [str(error)]
    away = [f"{row['Hostname']} is {row['Status']}" for row in cluster.nodes if row["Status"] != "Ready"]
    away += [row["Hostname"] for row in cluster.nodes if row["ManagerStatus"] == "Unreachable"]
    return away + [f"{row['Name']} {row['Replicas']}" for row in cluster.services if not status.whole(row)]
