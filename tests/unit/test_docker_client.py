"""The offline docker plugin speaks a version of the Docker API that the engine serves."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lab.plugins.docker.client import Client, NotFoundError, Settings
from lab.plugins.docker.versions import chosen
from lab.plugins.resource import PluginError
from tests.docker_socket import ENGINES, FakeEngine, listening


@contextmanager
def client_of(engine: FakeEngine) -> Iterator[Client]:
    with tempfile.TemporaryDirectory() as folder, listening(engine, Path(folder) / "docker.sock"):
        client = Client()
        client.configure(Settings(host=f"unix://{folder}/docker.sock"))
        yield client


def swarm(method: str, path: str, body: Any) -> tuple[int, Any]:
    if path == "/networks/gone":
        return 404, {"message": "network gone not found"}
    return 200, {"method": method, "path": path, "body": body}


@pytest.mark.parametrize(
    ("limits", "spoken"), zip(ENGINES.values(), ["1.41", "1.45", "1.45", "1.45"], strict=True)
)
def test_every_engine_is_asked_in_a_version_that_it_serves(limits: tuple[str, str], spoken: str) -> None:
    with client_of(FakeEngine(*limits, answer=swarm)) as client:
        found = asyncio.run(client.post("/services/create", {"Name": "web"}))
        assert found == {"method": "POST", "path": "/services/create", "body": {"Name": "web"}}
        with pytest.raises(NotFoundError, match="network gone not found"):
            asyncio.run(client.get("/networks/gone"))
        asyncio.run(client.delete("/networks/web"))
    assert chosen(limits[1], "") == spoken


def test_the_version_is_asked_for_once_and_named_in_every_request() -> None:
    engine = FakeEngine("1.44", "1.52", answer=swarm)
    with client_of(engine) as client:
        for _ in range(3):
            asyncio.run(client.get("/nodes"))
    assert [path for _, path, _ in engine.asked] == ["/_ping", *["/v1.45/nodes"] * 3]


def test_many_requests_at_once_are_all_answered() -> None:
    with client_of(FakeEngine("1.44", "1.45", answer=swarm)) as client, ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda name: asyncio.run(client.get(f"/services/{name}")), range(32)))
    assert [one["path"] for one in found] == [f"/services/{name}" for name in range(32)]


def test_an_engine_that_serves_only_newer_versions_says_so_itself() -> None:
    says = r"client version 1\.45 is too old\. Minimum .* is 1\.50"
    newer = FakeEngine("1.50", "1.60", answer=swarm)
    with client_of(newer) as client, pytest.raises(PluginError, match=says):
        asyncio.run(client.get("/nodes"))


@pytest.mark.parametrize(
    ("engine", "says"),
    [
        (FakeEngine("1.12", "1.40"), r"serves Docker API 1\.40 at most; install Docker Engine 20\.10"),
        (FakeEngine("1.12", "1.41", names_version=False), "names no version of the Docker API"),
    ],
    ids=["older", "no version"],
)
def test_an_engine_that_cannot_be_spoken_to_is_a_fault_and_not_an_absent_object(
    engine: FakeEngine, says: str
) -> None:
    with client_of(engine) as client, pytest.raises(PluginError, match=says) as caught:
        asyncio.run(client.get("/networks/gone"))
    assert not isinstance(caught.value, NotFoundError)
    assert [path for _, path, _ in engine.asked] == ["/_ping"]


def test_an_engine_that_was_down_is_asked_anew() -> None:
    engine = FakeEngine("1.44", "1.45", answer=swarm)
    with tempfile.TemporaryDirectory() as folder:
        client = Client()
        client.configure(Settings(host=f"unix://{folder}/docker.sock"))
        with pytest.raises(PluginError, match="Error pinging Docker server"):
            asyncio.run(client.get("/nodes"))
        with listening(engine, Path(folder) / "docker.sock"):
            assert asyncio.run(client.get("/nodes"))["path"] == "/nodes"
