"""Who connects to a member or a router and says nothing harms nobody."""

from __future__ import annotations

import os
import random
import threading
import time
from pathlib import Path

import pytest

from components.topology import Plan
from tests.lab.measure import measured
from tests.lab.nodes import on_node
from tests.lab.stores import Store, wait_whole
from tests.lab.writer import Ledgers, Place

SCRIPT = Path(__file__).parents[1] / "silent.py"
CLIENTS = 20
#: Five minutes in a drill.
SECONDS = int(os.environ.get("SILENT_S", "45"))
#: A writer that notices nothing has no longer pause than this.
GAP_S = 1.0
pytestmark = [pytest.mark.data_tier, pytest.mark.timeout(900)]


def places(plan: Plan, stores: list[Store]) -> list[str]:
    """NAME:PORT of every member, router and watcher of the stores' products."""
    products = {store.name for store in stores}
    services = [service for service in plan.services if service.product in products]
    return [
        f"tasks.{unit.name}:{port.port}"
        for service in services
        for unit in plan.units(service)
        for port in service.ports
        if port.protocol == "tcp"
    ]


def test_a_writer_notices_nothing_of_twenty_silent_clients_on_every_port(
    plan: Plan, stores: list[Store], place: Place
) -> None:
    wait_whole(stores, plan.settings, as_preferred=True)
    asked = places(plan, stores)
    command = ["python3", "/run/secrets/silent.py", str(SECONDS + 15), str(CLIENTS), *asked]
    script = place.container("silent-clients", command, {"silent.py": SCRIPT.read_text()})
    said: list[str] = []
    silent = threading.Thread(
        target=lambda: said.append(on_node(plan.settings, place.node, script, SECONDS + 60)), daemon=True
    )
    clients = [client for store in stores for client in store.kit.clients]
    before = {store.name: store.start_times() for store in stores}
    with Ledgers(place, clients, f"silent{random.randrange(16**8):08x}") as ledgers:
        silent.start()
        time.sleep(10)
        since = time.time()
        time.sleep(SECONDS)
        gaps = ledgers.gaps_s(since, time.time())
    silent.join(60)
    assert said
    assert int(said[0]) >= len(asked), "not everybody was reached"
    measured(f"{CLIENTS} silent clients on each of {said[0].strip()} ports", for_s=SECONDS, **gaps)
    assert {store.name: store.start_times() for store in stores} == before
    for name, end in ledgers.ends.items():
        assert (end["lost"], end["foreign"]) == (0, 0), (name, end)
    assert {name: gap for name, gap in gaps.items() if gap > GAP_S} == {}
