from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest

from components import task
from components.declaration import SharedVolume
from components.durations import duration
from components.topology import Plan, Unit
from tests.unit.examples import declaration, settings


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59, "59s"), (60, "1m"), (90, "1m30s"), (3600, "1h"), (3605, "1h0m5s"), (5400, "1h30m")],
)
def test_durations_are_written_as_the_provider_reads_them_back(seconds: int, text: str) -> None:
    assert duration(seconds) == text


def test_only_published_ports_are_opened_and_on_the_node_itself() -> None:
    ports = [{"name": "https", "port": 8443, "published": 443}, {"name": "status", "port": 8081}]
    endpoint: Any = task.endpoint(declaration(ports=ports))
    assert endpoint.mode == "dnsrr"
    assert [(port.target_port, port.published_port, port.publish_mode) for port in endpoint.ports or []] == [
        (8443, 443, "host")
    ]


def test_limits_are_bytes_and_billionths_of_a_core() -> None:
    given = {"cpus": 0.5, "memory_mib": 64, "reserve_cpus": 0.1, "reserve_memory_mib": 32}
    resources: Any = task.resources(declaration(resources=given))
    assert (resources.limits.nano_cpus, resources.limits.memory_bytes) == (500_000_000, 67_108_864)
    assert (resources.reservation.nano_cpus, resources.reservation.memory_bytes) == (100_000_000, 33_554_432)


def test_volumes_are_named_after_the_member_that_owns_them() -> None:
    service = declaration("db", members=[{"name": "db-1"}], volumes=[{"name": "data", "path": "/data"}])
    (mount,) = task.mounts(Unit("db-1", service, service.members[0]))
    assert (mount.type, mount.source, mount.target) == ("volume", "db-1-data", "/data")


def test_a_volume_of_another_has_that_ones_name() -> None:
    volume = SharedVolume(of="db-1", name="data", path=PurePosixPath("/db"))
    service = declaration("bucket", members=[{"name": "bucket"}]).model_copy(update={"volumes": (volume,)})
    (mount,) = task.mounts(Unit("bucket", service, service.members[0]))
    assert (mount.source, mount.target) == ("db-1-data", "/db")


def test_an_update_that_fails_rolls_back_and_a_failed_rollback_stops() -> None:
    assert task.update_config(declaration()).failure_action == "rollback"
    assert task.rollback_config(declaration()).failure_action == "pause"


def test_a_member_has_one_replica_and_a_global_service_none() -> None:
    member = declaration("db", replicas=3, members=[{"name": "db-1"}])
    mode: Any = task.mode(member)
    assert mode.replicated.replicas == 1
    assert task.mode(declaration(mode="global")).replicated is None
    assert task.converge_config(declaration(mode="global"), 300) is None
    assert task.converge_config(member, 300).timeout == "5m"  # type: ignore[union-attr]


def test_a_member_knows_its_set_and_the_members_of_its_product() -> None:
    names = [{"name": "db-1"}, {"name": "db-2"}]
    server = declaration("db", members=names, stop={"grace_s": 40}, environment={"DATABASE": "app"})
    backup = declaration("db-backup", members=[{"name": "db-backup"}])
    router, api = declaration("db-router"), declaration("api", environment={"A": "b"})
    plan = Plan(settings(), (server, backup, router, api))
    assert task.environment(plan, Unit("db-2", server, server.members[1])) == {
        "DB_MEMBERS": "db-1 db-2",
        "DB_BACKUP_MEMBERS": "db-backup",
        "MEMBERS": "db-1 db-2",
        "MEMBER_INDEX": "1",
        "STOP_GRACE_S": "40",
        "RES_OPTIONS": task.RESOLVER_OPTIONS,
        "DATABASE": "app",
    }
    assert task.environment(plan, Unit("db-router", router, None)) == {}
    assert task.environment(plan, Unit("api", api, None)) == {"A": "b"}


@pytest.mark.parametrize(
    ("oldest", "interval"), [("25.0", "20s"), ("26.1.5", "20s"), ("20.10", "5s"), (None, "5s")]
)
def test_checks_are_rare_where_every_engine_checks_a_start_more_often(
    oldest: str | None, interval: str
) -> None:
    health: Any = task.healthcheck(declaration(health={"command": ["true"]}), oldest)
    assert (health.interval, health.start_period) == (interval, "1m")
