"""What the sample API is told of the data services that an environment has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.contents import render
from components.declaration import load_declarations
from components.topology import draft
from tests.unit import examples

SERVICES = Path(__file__).parents[2] / "configs/services"
ALL = {"mysql", "redis", "mongodb", "kafka", "rabbitmq", "rocketmq", "nacos"}
OFF = {"enabled": False, "because": "no image can be had here"}


def told(**changes: Any) -> dict[str, Any]:
    """The API's stores.json in an environment."""
    plan = draft(examples.settings(**changes), load_declarations(SERVICES, []))
    api = next(each for each in plan.services if each.name == "platform-api")
    (config,) = api.configs
    stores: dict[str, Any] = json.loads(render(plan, plan.units(api)[0], config))
    return stores


def test_without_the_data_tier_the_api_is_told_of_no_store() -> None:
    assert not any(told(services=dict.fromkeys({*ALL, "rocketmq-namesrv"}, OFF)).values())


def test_with_it_each_store_is_told_with_the_addresses_that_its_services_have() -> None:
    stores = told()
    assert (stores["mysql"]["write"], stores["mysql"]["read"]) == ("mysql:3306", "mysql:3307")
    assert stores["redis"]["sentinels"] == [f"redis-sentinel-{number}:26379" for number in (1, 2, 3)]
    assert stores["mongodb"]["members"] == [f"mongodb-{number}:27017" for number in (1, 2, 3)]
    assert stores["kafka"]["brokers"] == [f"kafka-{number}:9092" for number in (1, 2, 3)]
    assert stores["nacos"]["servers"] == [f"http://nacos-{number}:8848/nacos" for number in (1, 2, 3)]
    servers = [f"rocketmq-namesrv-{number}:9876" for number in (1, 2, 3)]
    assert stores["rocketmq"]["name_servers"] == servers
    assert stores["rabbitmq"]["members"] == [f"rabbitmq-{number}:5672" for number in (1, 2, 3)]


@pytest.mark.parametrize(
    ("off", "gone"),
    [
        ("mysql", "mysql"),
        ("mysql-router", "mysql"),
        ("redis-sentinel", "redis"),
        ("mongodb", "mongodb"),
        ("kafka", "kafka"),
        ("nacos", "nacos"),
        ("rabbitmq", "rabbitmq"),
        ("rocketmq-namesrv", "rocketmq"),
    ],
)
def test_a_store_that_is_off_is_left_out_and_the_others_stay(off: str, gone: str) -> None:
    stores = told(services={off: OFF})
    assert {name for name, store in stores.items() if store} == ALL - {gone}


def test_what_the_api_reads_is_mounted_and_no_store_keeps_it_from_starting() -> None:
    api = next(each for each in load_declarations(SERVICES, []) if each.name == "platform-api")
    mounted = {str(secret.path) for secret in api.secrets}
    stores = [store for store in told().values() if store]
    read = {store[key] for store in stores for key in ("password_file", "ca_file") if key in store}
    assert len(read) == 1 + len(ALL)
    assert read <= mounted
    assert api.environment["STORES_FILE"] == str(api.configs[0].path)
    assert api.needs == ()
