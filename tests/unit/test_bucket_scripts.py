"""The scripts of backup-bucket: what they copy, keep, find damaged and bring back."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.unit.bucket import FOLDER, Bench, bench_in, whole


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return bench_in(tmp_path)


@pytest.mark.parametrize("indent", [None, 2])
def test_what_is_proven_is_copied_and_nothing_else(bench: Bench, indent: int | None) -> None:
    name = bench.make("redis", 1, indent=indent)
    bench.make("redis", 0.5, state="bad")
    done = bench.run("copy-backups", "redis")
    assert done.returncode == 0, done.stderr
    assert bench.bucket("redis") == whole(name)
    again = bench.run("copy-backups", "redis", CUT="dump.gz")
    assert (again.returncode, again.stderr) == (0, "")


@pytest.mark.parametrize(("how", "arrived"), [("CUT", 1), ("LOSE", 0)])
def test_what_arrives_otherwise_is_never_made_whole(bench: Bench, how: str, arrived: int) -> None:
    name = bench.make("redis", 1)
    done = bench.run("copy-backups", "redis", **{how: "dump.gz"})
    assert done.returncode == 1
    assert "dump.gz did not arrive as sent" in done.stderr
    assert bench.bucket("redis") == {*[f"{name}/dump.gz"][:arrived]}
    assert "no whole backup" in bench.run("fetch-backup", "redis", "20260101T000000Z").stderr
    assert bench.run("copy-backups", "redis").returncode == 0
    assert bench.bucket("redis") == whole(name)


@pytest.mark.parametrize("damage", ["missing", "changed", "unreadable"])
def test_a_backup_that_is_damaged_here_is_told_and_the_others_are_copied(bench: Bench, damage: str) -> None:
    bad, good = bench.make("redis", 2), bench.make("redis", 1)
    file = bench.root / "backups/redis" / bad / "dump.gz"
    manifest = file.with_name("manifest.json")
    match damage:
        case "missing":
            file.unlink()
        case "changed":
            file.write_text("other")
        case _:
            manifest.write_text(manifest.read_text().replace('"dump.gz"', '"../dump"'))
    done = bench.run("copy-backups", "redis")
    assert done.returncode == 1
    assert f"redis: {bad}: not what was proven any more" in done.stderr
    assert bench.bucket("redis") == whole(good)


def test_retention_leaves_the_newest_and_the_young_and_copies_nothing_that_it_would_remove(
    bench: Bench,
) -> None:
    names = [bench.make("redis", days) for days in (50, 40, 35, 33)]
    assert bench.run("copy-backups", "redis").returncode == 0
    assert bench.bucket("redis") == whole(*names[2:])
    names += [bench.make("redis", days) for days in (3, 2, 1)]
    assert bench.run("copy-backups", "redis").returncode == 0
    assert bench.run("copy-backups", "redis").returncode == 0
    assert bench.bucket("redis") == whole(*names[4:])


def test_backups_in_the_bucket_stay_while_none_are_left_here(bench: Bench) -> None:
    names = [bench.make("redis", days) for days in (50, 40)]
    assert bench.run("copy-backups", "redis").returncode == 0
    subprocess.run(["rm", "-r", *(str(bench.root / "backups/redis" / name) for name in names)], check=True)
    assert bench.run("copy-backups", "redis").returncode == 0
    assert bench.bucket("redis") == whole(*names)


def test_binary_logs_go_with_the_oldest_backup_that_needs_them(bench: Bench) -> None:
    first, second = bench.make("mysql", 50), bench.make("mysql", 40)
    logs = [bench.segment(days) for days in (51, 50.02, 45, 39)]
    assert bench.run("copy-backups", "mysql").returncode == 0
    kept = {f"binlog/{name}.{kind}" for name in logs[1:] for kind in ("json", "sql.zst")}
    assert bench.bucket("mysql") == whole(first, second) | kept
    third = bench.make("mysql", 1)
    assert bench.run("copy-backups", "mysql").returncode == 0
    assert bench.run("copy-backups", "mysql").returncode == 0
    kept = {f"binlog/{logs[3]}.{kind}" for kind in ("json", "sql.zst")}
    assert bench.bucket("mysql") == whole(second, third) | kept


def test_a_lost_volume_is_filled_again_with_its_binary_logs(bench: Bench) -> None:
    name = bench.make("mysql", 1, indent=2)
    bench.segment(0.5)
    assert bench.run("copy-backups", "mysql").returncode == 0
    before = bench.local("mysql")
    subprocess.run(["bash", "-c", f"rm -r {bench.root}/backups/mysql/*"], check=True)
    done = bench.run("fetch-backup", "mysql", name)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{name} is back: 1 files")
    assert bench.local("mysql") == before
    assert "already, and whole" in bench.run("fetch-backup", "mysql", name).stdout


def test_a_damaged_one_here_is_replaced_by_the_whole_one(bench: Bench) -> None:
    name = bench.make("redis", 1)
    assert bench.run("copy-backups", "redis").returncode == 0
    file = bench.root / "backups/redis" / name / "dump.gz"
    file.write_text("other")
    assert bench.run("fetch-backup", "redis", name).returncode == 0
    assert file.read_text() == f"redis {name}"


def test_an_object_that_was_cut_off_in_the_bucket_is_found_and_nothing_is_touched(bench: Bench) -> None:
    name = bench.make("redis", 1)
    assert bench.run("copy-backups", "redis").returncode == 0
    os.truncate(bench.root / "bucket/name/beta/redis" / name / "dump.gz", 3)
    subprocess.run(["rm", "-r", str(bench.root / "backups/redis" / name)], check=True)
    done = bench.run("fetch-backup", "redis", name)
    assert done.returncode == 1
    assert f"{name} in name is not what was put there (dump.gz); nothing was touched" in done.stderr
    assert bench.local("redis") == set()


@pytest.mark.parametrize("arguments", [("redis", "20260101T000000Z"), ("redis", "../x"), ("pg", "x"), ()])
def test_what_does_not_exist_is_refused(bench: Bench, arguments: tuple[str, ...]) -> None:
    assert bench.run("fetch-backup", *arguments).returncode == 2


def test_a_list_is_one_manifest_a_line(bench: Bench) -> None:
    names = [bench.make("redis", days, indent=2) for days in (2, 1)]
    assert bench.run("copy-backups", "redis").returncode == 0
    lines = bench.run("list-backups", "redis").stdout.splitlines()
    assert [json.loads(line)["id"] for line in lines] == names


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("api error SignatureDoesNotMatch: x", "refuses: bucket_access_key and bucket_secret_key"),
        ("https response error StatusCode: 403, x", "refuses: bucket_access_key"),
        ("api error NoSuchBucket: x", "has no bucket name"),
        ("tls: failed to verify certificate: x509: unknown authority", "correct BUCKET_CA"),
        ("dial tcp: lookup s3: no such host", "does not answer"),
        ("2026/11/25 10:00:00 ERROR : something else", "ERROR : something else"),
    ],
)
@pytest.mark.parametrize("script", ["copy-backups", "list-backups", "fetch-backup"])
def test_what_is_wrong_is_told_in_words_and_never_taken_for_an_empty_bucket(
    bench: Bench, script: str, said: str, told: str
) -> None:
    arguments = ["redis", *(["20260101T000000Z"] if script == "fetch-backup" else [])]
    done = bench.run(script, *arguments, FAIL=said)
    assert done.returncode == 1
    assert told in done.stderr.splitlines()[-1]
    assert "no whole backup" not in done.stderr


SETTINGS = {"BUCKET_EVERY_S": "5", "BUCKET_KEEP": "2", "BUCKET_KEEP_DAYS": "30"}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"BUCKET_ENDPOINT": "s3.example.com"}, "BUCKET_ENDPOINT is no URL"),
        ({"BUCKET_NAME": ""}, "BUCKET_NAME is empty"),
        ({"BUCKET_KEEP": "0"}, "BUCKET_KEEP is no number above 0"),
        ({"BUCKET_KEEP_DAYS": "x"}, "BUCKET_KEEP_DAYS is no number above 0"),
        ({"BUCKET_CA": "/etc/ssl"}, "BUCKET_CA is neither"),
    ],
)
def test_a_setting_that_can_not_be_meant_ends_it_at_once(
    bench: Bench, changes: dict[str, str], told: str
) -> None:
    done = bench.run("run-schedule", **{**SETTINGS, **changes})
    assert done.returncode == 1
    assert told in done.stderr


def test_the_keys_come_out_of_files_into_a_file_that_is_the_owners_alone(bench: Bench) -> None:
    for name in ("bucket_access_key", "bucket_secret_key", "internal_ca_certificate"):
        (bench.root / name).write_text(f"{name}=+/\n")
    text = f'. "{FOLDER}/lib.sh"; BUCKET_EVERY_S=5 BUCKET_CA=internal; configure'
    environment = {"BUCKET_ENDPOINT": "https://s3.example.com", "BUCKET_NAME": "name", **SETTINGS}
    environment |= {"WORK": str(bench.root / "work"), "SECRETS": str(bench.root), "PATH": os.environ["PATH"]}
    subprocess.run(["bash", "-c", text], env=environment, check=True)
    file = bench.root / "work/rclone.conf"
    assert file.stat().st_mode & 0o777 == 0o600
    assert (
        "access_key_id = bucket_access_key=+/\nsecret_access_key = bucket_secret_key=+/\n" in file.read_text()
    )
    assert (bench.root / "work/ca.pem").read_text() == "internal_ca_certificate=+/\n"
