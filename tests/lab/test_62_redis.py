"""Redis: who is let in, and its backups. Under faults: tests/lab/test_60_data_tier.py."""

from __future__ import annotations

import time

import pytest

from components.topology import Plan
from tests.lab.backups import in_task, make, verdict
from tests.lab.nodes import on_node
from tests.lab.runner import Tree
from tests.lab.stores import Store, in_container, whole_store

pytestmark = pytest.mark.data_tier


@pytest.fixture(scope="module")
def redis(stores: list[Store]) -> Store:
    return whole_store(stores, "redis")


def cli(redis: Store, command: str) -> str:
    """As admin on the master."""
    login = "export REDISCLI_AUTH=$(cat /run/secrets/redis_admin_password)"
    return redis.inside(
        redis.leader(), f"{login}\nredis-cli --user admin --no-auth-warning {command}"
    ).strip()


@pytest.mark.parametrize(("unit", "port"), [("redis-1", 6379), ("redis-sentinel-1", 26379)])
def test_nobody_is_let_in_without_the_right_password(redis: Store, unit: str, port: int) -> None:
    def answer(login: str, command: str = "ping") -> str:
        script = f"{login} redis-cli -p {port} {command} 2>&1"
        return in_container(redis.settings, redis.homes["redis-1"], unit, script)

    assert "NOAUTH" in answer("")
    assert "WRONGPASS" in answer("", "--user default --pass beta_redis_pass_2024 ping")
    app = "REDISCLI_AUTH=$(cat /run/secrets/redis_app_password) ; export REDISCLI_AUTH;"
    assert "PONG" in answer(app, "--user app --no-auth-warning ping")
    # What the app must not do on either: a member's configuration holds passwords, Sentinel's are its own.
    forbidden = "config get '*'" if unit == "redis-1" else "sentinel failover redis-master"
    assert "NOPERM" in answer(app, f"--user app --no-auth-warning {forbidden}")


def test_nothing_of_it_listens_on_a_node(redis: Store) -> None:
    for node in redis.settings.nodes:
        listening = on_node(redis.settings, node.name, "ss -Hltn | awk '{print $4}'")
        assert not {line.rpartition(":")[2] for line in listening.splitlines()} & {"6379", "26379"}


def test_a_backup_is_proven_and_comes_back_only_by_name(redis: Store, plan: Plan, checkout: Tree) -> None:
    cli(redis, "set backup:witness before")
    time.sleep(1)
    name, done = make(checkout, "redis")
    print(f"redis, a backup with its proof: {done.seconds:.0f} s")
    cli(redis, "set backup:witness after")
    refused = checkout.ops("restore", "redis", "--backup", name)
    assert refused.code != 0
    assert "--overwrite redis" in refused.text
    assert cli(redis, "get backup:witness") == "after"
    done = checkout.ops("restore", "redis", "--backup", name, "--overwrite", "redis")
    assert done.code == 0, done.text
    print(f"redis, a restore: {done.seconds:.0f} s; {done.text.strip().splitlines()[-1]}")
    assert cli(redis, "get backup:witness") == "before"
    in_task(plan, "redis", f"truncate -s -20 /backup/{name}/dump.rdb.gz")
    assert "isn't what was written" in verdict(plan, "redis", name)
