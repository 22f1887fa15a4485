from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.declaration import Declaration, load_declarations
from components.errors import ConfigurationError, Fault
from components.settings import parse_settings
from components.topology import Plan, plan
from tests.unit.examples import declaration, house, node, raw, settings

ROOT = Path(__file__).resolve().parents[2]
NAMING = frozenset({"naming_key"})


def planned(*services: Declaration, **changes: Any) -> Plan:
    return plan(settings(**changes), services, NAMING)


def faults(*services: Declaration, **changes: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        planned(*services, **changes)
    return str(caught.value)


def test_the_services_of_the_house_fit_the_environment() -> None:
    found: list[Fault] = []
    declared = load_declarations(ROOT / "configs" / "services", found)
    secrets = {secret.name for service in declared for secret in service.secrets} | NAMING
    result = plan(parse_settings(house()), declared, secrets, found)
    assert {service.name for service in declared} - {service.name for service in result.services} == {
        "backup-bucket"
    }
    assert result.published_ports == (80, 443)
    assert [node.name for node in result.edge_nodes] == ["node-1", "node-2"]


WHY = "not proven yet"


@pytest.mark.parametrize(
    ("said", "off"),
    [
        ({}, {"api": WHY}),
        ({"replicas": 2}, {"api": WHY}),
        ({"enabled": True}, {}),
        ({"enabled": False}, {"api": "the stack file disables it"}),
        ({"enabled": False, "because": "no image"}, {"api": "no image"}),
    ],
)
def test_a_service_that_is_off_by_itself_comes_on_by_name_alone(
    said: dict[str, Any], off: dict[str, str]
) -> None:
    result = planned(declaration(off_unless_enabled=WHY, stateful=not said), services={"api": said})
    assert result.off == off
    assert [service.name for service in result.services] == ([] if off else ["api"])


def test_a_need_of_what_is_off_by_itself_is_a_fault() -> None:
    text = faults(declaration(needs=["db"]), declaration("db", off_unless_enabled=WHY))
    assert "services/api/server.needs: db is disabled in this environment; enable it, or drop" in text


def test_needed_services_come_first() -> None:
    result = planned(declaration("api", needs=["db"]), declaration("db"), declaration("cache"))
    assert [service.name for service in result.services] == ["db", "api", "cache"]


def test_members_are_one_unit_each_with_their_own_constraints() -> None:
    service = declaration(
        "db",
        placement={"role": "manager"},
        members=[{"name": "db-1", "labels": {"edge": "true"}}, {"name": "db-2"}],
    )
    units = planned(service).units(service)
    assert [(unit.name, unit.hostname) for unit in units] == [("db-1", "db-1"), ("db-2", "db-2")]
    assert units[0].constraints == ("node.labels.edge==true", "node.role==manager")


def stateful(*members: dict[str, Any]) -> Declaration:
    return declaration("db", members=members, volumes=[{"name": "data", "path": "/data"}])


def test_members_with_a_volume_share_no_node_and_the_operator_may_choose() -> None:
    service = stateful(*({"name": f"db-{number}", "labels": {"mysql-slave": "true"}} for number in (1, 2)))
    units = planned(service).units(service)
    assert [unit.home for unit in units] == ["node-4", "node-5"]
    assert units[0].constraints == ("node.hostname==node-4", "node.labels.mysql-slave==true")
    chosen = planned(service, services={"db": {"homes": {"db-1": "node-5"}}})
    assert [unit.home for unit in chosen.units(service)] == ["node-5", "node-4"]


def test_members_without_a_volume_are_pinned_to_no_node() -> None:
    service = declaration("db", members=[{"name": "db-1"}, {"name": "db-2"}])
    units = planned(service).units(service)
    assert [(unit.home, unit.constraints) for unit in units] == [(None, ()), (None, ())]


def test_a_member_makes_room_for_one_that_can_go_nowhere_else() -> None:
    service = stateful({"name": "a"}, {"name": "b", "labels": {"mysql-master": "true"}})
    result = planned(service)
    assert [unit.home for unit in result.units(service)] == ["node-2", "node-1"]


def test_a_member_whose_home_is_drained_waits_there_with_its_data() -> None:
    nodes = raw()["nodes"]
    nodes[4]["availability"] = "drain"
    service = stateful(*({"name": f"db-{number}", "labels": {"mysql-slave": "true"}} for number in (1, 2)))
    assert [unit.home for unit in planned(service, nodes=nodes).units(service)] == ["node-4", "node-5"]


def test_a_member_without_a_node_of_its_own_is_a_fault() -> None:
    masters = [{"name": f"db-{number}", "labels": {"mysql-master": "true"}} for number in (1, 2)]
    message = "db-2].placement: every node that satisfies node.labels.mysql-master==true is another member's"
    assert message in faults(stateful(*masters))


@pytest.mark.parametrize(
    ("homes", "message"),
    [
        ({"c": "node-1"}, "services.db.homes.c: db has no member c"),
        ({"a": "node-9"}, "services.db.homes.a: node-9 is not a node"),
        ({"a": "node-1", "b": "node-1"}, "services.db.homes.b: node-1 is another member's home, too"),
    ],
)
def test_homes_that_can_t_be_are_faults(homes: dict[str, str], message: str) -> None:
    assert message in faults(stateful({"name": "a"}, {"name": "b"}), services={"db": {"homes": homes}})


def test_an_alias_is_a_name_like_any_other() -> None:
    assert "db, router all make a Swarm service of this name" in faults(
        declaration("db"), declaration("router", aliases=["db"])
    )


def test_an_override_changes_only_what_it_names() -> None:
    given = {"api": {"replicas": 5, "memory_mib": 256, "environment": {"B": "2"}}}
    result = planned(declaration(environment={"A": "1"}), services=given).services[0]
    assert (result.replicas, result.resources.memory_mib, result.resources.cpus) == (5, 256, 1.0)
    assert result.environment == {"A": "1", "B": "2"}


def test_a_disabled_service_is_not_planned() -> None:
    assert planned(declaration(), services={"api": {"enabled": False}}).services == ()


CASES: dict[str, tuple[dict[str, Any], str]] = {
    "even managers": ({"nodes": raw()["nodes"][:2]}, "2 managers survive no more losses than 1 do"),
    "duplicate name": (
        {"nodes": [*raw()["nodes"], {**node(6, "worker"), "name": "node-1"}]},
        "nodes[0].name, nodes[5].name: 2 nodes have node-1",
    ),
    "duplicate address": (
        {"nodes": [*raw()["nodes"], {**node(6, "worker"), "address": "192.0.2.11"}]},
        "2 nodes have 192.0.2.11",
    ),
    "subnet holds a node": ({"network": {"subnet": "192.0.2.0/24"}}, "holds nodes[0].address"),
    "overlapping ranges": (
        {"engine": {"address_pools": [{"base": "10.20.0.0/16"}]}},
        "overlaps engine.address_pools[0].base",
    ),
    "pool size": (
        {"engine": {"address_pools": [{"base": "172.30.0.0/24", "size": 16}]}},
        "/16 does not fit into 172.30.0.0/24",
    ),
    "no repository": ({"engine": {"source": "docker"}}, "engine.repository: is needed for source docker"),
    "unknown service": ({"services": {"apy": {"replicas": 1}}}, "services.apy: is not a declared service"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_faulty_stack_file_is_refused(name: str) -> None:
    changes, message = CASES[name]
    assert message in faults(declaration(), **changes)


SERVICES: dict[str, tuple[dict[str, Any], str]] = {
    "unknown need": ({"needs": ["nothing"]}, "nothing is not a service"),
    "circle": ({"needs": ["api"]}, "names the service itself"),
    "missing file": ({"configs": [{"file": "x.conf", "path": "/x"}]}, "x.conf is not beside service.yaml"),
    "missing secret": ({"secrets": [{"name": "token", "path": "/t"}]}, "secrets.token: is needed by api"),
    "no volume": ({"stateful": True}, "without a volume"),
    "no home": ({"placement": {"labels": {"gpu": "true"}}}, "no node bears the label gpu"),
    "too many replicas": (
        {"replicas": 3, "placement": {"labels": {"edge": "true"}, "max_per_node": 1}},
        "3 replicas, and node.labels.edge==true has room for 2",
    ),
    "port bound twice on a node": (
        {"replicas": 6, "ports": [{"name": "http", "port": 80, "published": 80}]},
        "6 replicas, and any node has room for 5",
    ),
    "reservation over limit": (
        {"resources": {"cpus": 1, "memory_mib": 64, "reserve_memory_mib": 65}},
        "reserves 65 MiB, its limit is 64",
    ),
}


@pytest.mark.parametrize("name", SERVICES)
def test_a_faulty_service_is_refused(name: str) -> None:
    changes, message = SERVICES[name]
    assert message in faults(declaration(**changes))


def test_two_services_cannot_publish_the_same_port() -> None:
    port = [{"name": "http", "port": 80, "published": 80}]
    assert "80/tcp is a's" in faults(declaration("a", ports=port), declaration("b", ports=port))


def test_a_missing_naming_key_is_a_fault() -> None:
    with pytest.raises(ConfigurationError, match="naming_key"):
        plan(settings(), [declaration()], frozenset())


def test_every_fault_is_said_at_once() -> None:
    text = faults(declaration(needs=["x"], stateful=True), network={"subnet": "192.0.2.0/24"})
    assert all(part in text for part in ("x is not", "without a volume", "holds nodes[4]"))


def sharer(name: str, **changes: Any) -> Declaration:
    volumes = [{"name": "data", "path": "/data", "shared_with": "bucket"}]
    return declaration(name, members=[{"name": name}], volumes=volumes, stateful=True, **changes)


BUCKET = declaration("bucket", members=[{"name": "bucket"}], shared_below="/of")


def test_who_mounts_anothers_volume_lives_with_it_and_starts_after_it() -> None:
    result = planned(
        BUCKET,
        sharer("db"),
        sharer("store"),
        services={name: {"homes": {name: "node-4"}} for name in ("db", "store")},
    )
    assert [service.name for service in result.services] == ["db", "store", "bucket"]
    (unit,) = result.units(result.services[-1])
    assert unit.home == "node-4"
    assert "node.hostname==node-4" in unit.constraints


def test_a_volume_of_what_is_off_is_left_out_while_another_is_there() -> None:
    result = planned(BUCKET, sharer("db"), sharer("store", off_unless_enabled=WHY))
    bucket = next(service for service in result.services if service.name == "bucket")
    assert [str(volume.path) for volume in bucket.volumes] == ["/of/db"]
    assert bucket.lenders == {"db"}
    assert bucket.needs == ("db",)


def test_a_service_that_is_off_takes_no_volume_and_shares_none() -> None:
    result = planned(BUCKET.model_copy(update={"off_unless_enabled": WHY}), sharer("db"))
    assert [(service.name, service.needs) for service in result.services] == [("db", ())]


def test_only_a_service_that_says_so_is_the_edge_and_every_published_port_is_open() -> None:
    edge = declaration(
        "edge",
        edge=True,
        ports=[{"name": "https", "port": 443, "published": 443}],
        placement={"labels": {"edge": "true"}},
    )
    broker = declaration(
        "broker", ports=[{"name": "client", "port": 9092, "published": 9092}], placement={"node": "node-5"}
    )
    result = planned(edge, broker)
    assert result.published_ports == (443, 9092)
    assert result.edge_urls == ["https://192.0.2.11", "https://192.0.2.12"]
    plain = edge.model_copy(update={"edge": False})
    assert planned(plain, broker).edge_urls == []


def test_the_edge_answers_on_active_nodes_and_its_certificate_names_the_others_too() -> None:
    edge = declaration("edge", edge=True, ports=[{"name": "http", "port": 80, "published": 80}])
    nodes = raw()["nodes"]
    nodes[0]["availability"] = "pause"
    result = planned(edge, nodes=nodes)
    assert [node.name for node in result.edge_hosts] == [f"node-{number}" for number in range(1, 6)]
    assert [node.name for node in result.edge_nodes] == [f"node-{number}" for number in range(2, 6)]
