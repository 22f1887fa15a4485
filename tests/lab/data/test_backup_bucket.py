"""Backups in a bucket: they arrive, what is lost comes back from there, what is damaged there is found."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from components.topology import Plan
from tests.lab.bucket import KEYS, Environment, running
from tests.lab.measure import measured
from tests.lab.runner import Tree, copy_of_the_checkout, until
from tests.lab.stores import needed
from tests.lab.test_rolling_update import override

pytestmark = [pytest.mark.data_tier, pytest.mark.timeout(1800)]
ARRIVES_S = 90
#: Where the scripts of backup-bucket have rclone's configuration, and the lab's prefix in the bucket.
LIBRARY = "cd /usr/local/lib/backup && set -- && . ./lib.sh"


@pytest.fixture(scope="module")
def bucket(
    plan: Plan, checkout: Tree, secrets: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Environment]:
    needed(plan, "redis-backup", "mysql-backup")
    wide = {**checkout.environment, "COLUMNS": "200"}  # a table's cells in one line
    found = Environment(copy_of_the_checkout(tmp_path_factory.mktemp("bucket"), wide), plan)
    with running(tmp_path_factory.mktemp("files"), secrets) as endpoint:
        settings = {
            "BUCKET_ENDPOINT": endpoint,
            "BUCKET_NAME": "backups",
            "BUCKET_CA": "internal",
            "BUCKET_EVERY_S": "5",
        }
        override(found.tree, "backup-bucket", enabled=True, environment=settings)
        refused = found.ops("validate")
        assert refused.code == 1
        assert "secrets: 2 are not set (bucket_access_key, bucket_secret_key)" in refused.text
        for name, value in KEYS.items():
            found.give(f"bucket_{name}", value)
        try:
            done = found.tree.up()
            assert done.code == 0, done.text
            yield found
        finally:
            back = checkout.up()
        assert back.code == 0, back.text
    assert checkout.changes() == {}


def arrived(bucket: Environment, data: str, name: str) -> float:
    return until(
        lambda: name in bucket.ops("backups", data, "--bucket").text,
        ARRIVES_S,
        f"{data} {name} in the bucket",
    )


def test_a_backup_lost_on_the_node_comes_back_from_the_bucket_and_restores(bucket: Environment) -> None:
    name = bucket.make("redis")
    took_s = arrived(bucket, "redis", name)
    bucket.inside("redis-backup", f"rm -r /backup/{name}")
    assert name not in bucket.ops("backups", "redis").text
    fetched = bucket.ops("fetch", "redis", "--backup", name)
    assert fetched.code == 0, fetched.text
    assert f"{name} is back" in fetched.text
    restored = bucket.ops("restore", "redis", "--backup", name, "--overwrite", "redis")
    measured("bucket, redis", there_after_s=took_s, back_in_s=fetched.seconds)
    assert restored.code == 0, restored.text
    again = bucket.ops("fetch", "redis", "--backup", name)
    assert "already, and whole" in again.text


@pytest.mark.drill
def test_a_lost_volume_of_mysql_is_filled_again_and_what_it_holds_is_proven(bucket: Environment) -> None:
    name = bucket.make("mysql")
    arrived(bucket, "mysql", name)
    bucket.inside("mysql-backup", "find /backup -mindepth 1 -maxdepth 1 ! -name lock -exec rm -r {} +")
    fetched = bucket.ops("fetch", "mysql", "--backup", name)
    assert fetched.code == 0, fetched.text
    proven = bucket.inside("mysql-backup", f"/usr/local/lib/backup/verify-backup.sh {name}", timeout_s=300)
    assert proven.strip() == f"{name} proven"
    measured("bucket, mysql", back_in_s=fetched.seconds)


def test_an_object_that_was_cut_off_is_found_when_it_is_fetched(bucket: Environment) -> None:
    name = bucket.make("redis")
    arrived(bucket, "redis", name)
    bucket.inside("redis-backup", f"mv /backup/{name} /backup/.kept")
    spoil = f"head -c 20 $BACKUPS/redis/.kept/dump.rdb.gz | rclone rcat $REMOTE/redis/{name}/dump.rdb.gz"
    bucket.inside("backup-bucket", f"{LIBRARY}; {spoil}")
    fetched = bucket.ops("fetch", "redis", "--backup", name)
    assert fetched.code == 1
    assert "is not what was put there (dump.rdb.gz)" in fetched.text
    bucket.inside("redis-backup", f"[ ! -e /backup/{name} ] && mv /backup/.kept /backup/{name}")


@pytest.mark.drill
def test_wrong_keys_are_told_in_words_and_backups_go_on(bucket: Environment) -> None:
    bucket.give("bucket_secret_key", "wrong")
    try:
        done = bucket.tree.up()
        assert done.code == 0, done.text
        name = bucket.make("redis")
        assert name in bucket.ops("backups", "redis").text
        told = "refuses: bucket_access_key and bucket_secret_key are wrong"
        until(lambda: told in bucket.log(), 60, "the reason in the log")
        listed = bucket.ops("backups", "redis", "--bucket")
        assert (listed.code, told in listed.text) == (1, True)
        assert not [value for value in KEYS.values() if value in bucket.log()]
    finally:
        bucket.give("bucket_secret_key", KEYS["secret_key"])
        assert bucket.tree.up().code == 0
    arrived(bucket, "redis", name)
