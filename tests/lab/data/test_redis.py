"""Redis: who gets into a Sentinel, who may lead, backups. The rest: test_conformance.py, test_failover.py."""

from __future__ import annotations

import contextlib
import time

import pytest

from components.topology import Plan
from tests.lab.backups import in_task, make, verdict
from tests.lab.measure import measured
from tests.lab.nodes import lab, on_node
from tests.lab.runner import Tree, until
from tests.lab.stores import Store, found, in_container, wait_whole, whole_store

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


def confirmed(redis: Store, value: str) -> None:
    """Written, and a replica has it."""
    said = cli(redis, f"<<<$'set promotion:witness {value}\\nwait 1 5000'")
    assert said.split()[0] == "OK", said
    assert int(said.split()[1]) >= 1, said


def lose(redis: Store, member: str, back: contextlib.ExitStack) -> None:
    """A member's node dies; it is started with the end of `back`, whatever happened."""
    back.callback(lab, "start-node", redis.homes[member])
    lab("stop-node", "--kill", redis.homes[member])


def leads(redis: Store, member: str) -> bool:
    return redis.roles()[member] == "PRIMARY"


def test_a_sentinel_lets_nobody_in_without_the_right_password(redis: Store) -> None:
    def answer(login: str, command: str = "ping") -> str:
        script = f"{login} redis-cli -p 26379 {command} 2>&1"
        return in_container(redis.settings, redis.homes["redis-1"], "redis-sentinel-1", script)

    assert "NOAUTH" in answer("")
    assert "WRONGPASS" in answer("", "--user default --pass beta_redis_pass_2024 ping")
    app = "REDISCLI_AUTH=$(cat /run/secrets/redis_app_password) ; export REDISCLI_AUTH;"
    assert "PONG" in answer(app, "--user app --no-auth-warning ping")
    assert "NOPERM" in answer(app, "--user app --no-auth-warning sentinel failover redis-master")


@pytest.mark.drill
@pytest.mark.timeout(600)
def test_a_member_that_comes_back_with_old_data_is_not_promoted(redis: Store) -> None:
    """Its node is away, then the leader's, longer than a Sentinel trusts the link of the other replica."""
    wait_whole([redis], redis.settings, as_preferred=True)
    first, newest, old = redis.homes
    confirmed(redis, "old")
    with contextlib.ExitStack() as back:
        lose(redis, old, back)
        confirmed(redis, "new")
        lose(redis, first, back)
        time.sleep(45)
        assert not leads(redis, newest), "one Sentinel of three is no majority"
        lab("start-node", redis.homes[old])
        seconds = until(lambda: leads(redis, newest), 120, f"{newest} leads")
        assert cli(redis, "get promotion:witness") == "new"
    wait_whole([redis], redis.settings)
    assert cli(redis, "get promotion:witness") == "new"
    measured("redis, old data comes back first: the newest leads, nothing lost", after_s=seconds)


@pytest.mark.drill
@pytest.mark.timeout(600)
def test_when_all_stopped_and_the_leader_is_gone_a_person_says_who_leads(redis: Store) -> None:
    wait_whole([redis], redis.settings, as_preferred=True)
    first, newest, other = redis.homes
    confirmed(redis, "kept")
    with contextlib.ExitStack() as back:
        lose(redis, first, back)
        for member in (newest, other):
            on_node(redis.settings, redis.homes[member], f"docker kill {found(member)}")
        until(lambda: set(redis.roles().values()) == {"DOWN", "NONE"}, 60, "both start again")
        log = f"docker logs --since 2m {found(newest)} 2>&1"
        told = "gone for good? touch /data/LEAD in the member with the newest data"
        until(lambda: told in on_node(redis.settings, redis.homes[newest], log), 60, "what to do in the log")
        assert not leads(redis, newest)
        assert not leads(redis, other)
        redis.inside(newest, "touch /data/LEAD")
        seconds = until(lambda: leads(redis, newest), 60, f"{newest} leads")
        assert cli(redis, "get promotion:witness") == "kept"
    wait_whole([redis], redis.settings)
    assert cli(redis, "get promotion:witness") == "kept"
    measured("redis, all stopped and the leader gone: the one told to leads", after_s=seconds)


def test_a_backup_is_proven_and_comes_back_only_by_name(redis: Store, plan: Plan, checkout: Tree) -> None:
    cli(redis, "set backup:witness before")
    time.sleep(1)
    name, done = make(checkout, "redis")
    measured("redis, a backup with its proof", took_s=done.seconds)
    cli(redis, "set backup:witness after")
    refused = checkout.ops("restore", "redis", "--backup", name)
    assert refused.code != 0
    assert "--overwrite redis" in refused.text
    assert cli(redis, "get backup:witness") == "after"
    done = checkout.ops("restore", "redis", "--backup", name, "--overwrite", "redis")
    assert done.code == 0, done.text
    measured("redis, a restore", took_s=done.seconds)
    assert cli(redis, "get backup:witness") == "before"
    in_task(plan, "redis", f"truncate -s -20 /backup/{name}/dump.rdb.gz")
    assert "files differ from the manifest: dump.rdb.gz" in verdict(plan, "redis", name)
