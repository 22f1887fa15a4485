"""configs/lib/backup under bash with a made-up store: what every backup service does alike."""

from __future__ import annotations

import json
import os
import posixpath
import re
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from components.declaration import Declaration, load_declarations
from components.errors import Fault
from components.reading import SERVICES
from tests.scripts.backup_bench import Bench, bench_in

ID = re.compile(r"\d{8}T\d{6}Z")
OLD_REDIS = '{"id":"20200101T000000Z","service":"redis","files":{},"contents":[],"state":"new"}\n'
OLD_MONGODB = '{"id":"20200101T000000Z","files":{},"state":"bad","why":"not proven yet"}\n'
OLD_MYSQL = '{\n  "id": "20200101T000000Z",\n  "files": {},\n  "state": "proven",\n  "line": "l"\n}\n'


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return bench_in(tmp_path)


def until(holds: Callable[[], bool], timeout_s: float = 15) -> None:
    end = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end, "never"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("gives", ["", "yes"], ids=["contents-of-its-first-restore", "contents-of-the-dump"])
def test_a_backup_is_proven_and_tells_what_it_holds(bench: Bench, gives: str) -> None:
    name = bench.made(GIVES=gives)
    assert ID.fullmatch(name)
    made = bench.manifest(name)
    assert [(each["name"], each["rows"]) for each in made["contents"]] == [("a", 2), ("b", 1)]
    assert made["files"].keys() == {"a.txt", "b.txt"}
    wanted = {"id": name, "service": "toy", "reason": "manual", "source": "store-2", "state": "proven"}
    assert {key: made[key] for key in wanted} == wanted
    assert (made["position"], made["server_version"]) == ("7", '1 "beta"')
    assert made["proven_at"] >= made["made_at"]
    assert bench.left() == set()
    assert not (bench.root / "work").exists()


@pytest.mark.parametrize("gives", ["", "yes"])
def test_strange_names_stay_what_they_are(bench: Bench, gives: str) -> None:
    names = ['q"uote', "back\\slash", "ümlaut & more", "b ra}c,k]et", "state", '","state":"bad', 'dot.ted"x"']
    (bench.root / "names").write_text("".join(f"{name}\t{len(name)}\t0f\n" for name in names))
    bench.hook("contents", f"cat {bench.root}/names")
    if gives:
        bench.hook("dump", f'cp "$LIVE"/*.txt "$1"; cp {bench.root}/names "$2"; echo source=store-2')
    made = bench.made()
    assert [(each["name"], each["rows"]) for each in bench.manifest(made)["contents"]] == [
        (name, len(name)) for name in names
    ]
    done = bench.run("verify-backup", made)
    assert (done.returncode, done.stdout) == (0, f"{made} proven\n"), done.stderr
    assert len(bench.manifest(made)["contents"]) == len(names)
    bench.hook("held", 'printf "[%s]\n" "$@" >"$LIVE.asked"; exit 1')
    bench.run("restore", "--backup", made)
    asked = (bench.root / "live.asked").read_text().splitlines()
    assert sorted(asked) == sorted(f"[{name.partition('.')[0]}]" for name in names)


@pytest.mark.parametrize("gives", ["", "yes"])
def test_what_restores_otherwise_is_bad_and_the_run_fails(bench: Bench, gives: str) -> None:
    (bench.live / "a.txt").write_text("unreadable\n" if not gives else "one\n")
    done = bench.run("make-backup", "manual", GIVES=gives, SPOIL="yes")
    (name,) = (path.name for path in bench.store.glob("2*"))
    why = "restored, it differs in: a" if gives else "does not load: a.txt: no text"
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == f"backup {name} is bad: {why}"
    assert (bench.manifest(name)["state"], bench.manifest(name)["why"]) == ("bad", why)
    refused = bench.run("restore", "--backup", name)
    assert (refused.returncode, refused.stderr) == (2, f"restore: {name} is bad ({why}); take another\n")


def test_what_could_not_be_proven_is_unproven_and_can_be_later(bench: Bench) -> None:
    done = bench.run("make-backup", "manual", NO_SCRATCH="yes")
    (name,) = (path.name for path in bench.store.glob("2*"))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("scratch server: no room; it stays as unproven")
    assert bench.manifest(name)["state"] == "unproven"
    assert bench.run("verify-backup", name).stdout == f"{name} proven\n"
    unknown = bench.run("verify-backup", name, NO_SCRATCH="yes")
    assert (unknown.returncode, bench.manifest(name)["state"]) == (1, "proven")


def test_a_tampered_file_makes_it_bad_until_it_is_whole_again(bench: Bench) -> None:
    name = bench.made()
    before = (bench.store / name / "a.txt").read_text()
    (bench.store / name / "a.txt").write_text("One\ntwo\n")
    (bench.store / name / "b.txt").unlink()
    done = bench.run("verify-backup", name)
    assert (done.returncode, done.stdout) == (1, "")
    why = "files differ from the manifest: a.txt b.txt"
    assert done.stderr.splitlines()[-1] == f"backup {name} is bad: {why}"
    assert (bench.manifest(name)["state"], bench.manifest(name)["why"]) == ("bad", why)
    (bench.store / name / "a.txt").write_text(before)
    (bench.store / name / "b.txt").write_text("three\n")
    assert bench.run("verify-backup", name).returncode == 0
    assert bench.manifest(name)["state"] == "proven"
    assert "why" not in bench.manifest(name)


@pytest.mark.parametrize("name", ["", "20200101T000000Z", "../live", "2020"])
def test_a_backup_that_is_not_there_is_refused(bench: Bench, name: str) -> None:
    for script in (("verify-backup", name), ("restore", "--backup", name)):
        done = bench.run(*script)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"backup '{name}': there is none; see: python -m ops backups toy\n"


@pytest.mark.parametrize(
    ("text", "state"), [(OLD_REDIS, "unproven"), (OLD_MONGODB, "unproven"), (OLD_MYSQL, "proven")]
)
def test_manifests_of_older_versions_are_listed_by_the_states_of_today(
    bench: Bench, text: str, state: str
) -> None:
    bench.old(1, text)
    (bench.store / "binlog").mkdir()
    (bench.store / ".20200101T000000Z.part").mkdir()
    (bench.store / "20200102T000000Z").mkdir()
    done = bench.run("list-backups")
    (line,) = done.stdout.splitlines()
    assert json.loads(line) == {**json.loads(text), "state": state} or "why" in text
    assert json.loads(line)["state"] == state


def test_a_manifest_of_an_older_version_keeps_what_it_told(bench: Bench) -> None:
    name = bench.made()
    given = bench.manifest(name)
    text = json.dumps({**given, "dumped": {"a": 1}, "line": "first", "state": "new"}, indent=2)
    (bench.store / name / "manifest.json").write_text(text)
    assert bench.run("verify-backup", name).returncode == 0
    found = bench.manifest(name)
    assert found == {**given, "dumped": {"a": 1}, "line": "first", "proven_at": found["proven_at"]}


def test_the_newest_proven_stay_whatever_their_age_and_others_go_when_older(bench: Bench) -> None:
    bad = '{"id":"x","files":{},"reason":"manual","state":"bad","why":"y"}'
    days = {60: "", 50: "", 45: bad, 44: OLD_REDIS, 40: "", 20: bad, 10: ""}
    names = {day: bench.old(day, text) for day, text in days.items()}
    (bench.store / "binlog").mkdir()
    bench.hook("retained", 'echo "$1" >"$LIVE.oldest"')
    new = bench.made(BACKUP_KEEP="3")
    kept = {path.name for path in bench.store.glob("2*")}
    assert kept == {new, names[10], names[20], names[40]}
    assert (bench.root / "live.oldest").read_text().strip() == names[40]
    assert bench.left() == {"binlog"}


def test_only_the_last_of_the_schedules_failed_tries_stays(bench: Bench) -> None:
    by_hand = bench.old(3, '{"id":"x","files":{},"reason":"manual","state":"bad","why":"y"}')
    good = bench.made()
    for _ in range(3):
        assert bench.run("make-backup", "scheduled", GIVES="yes", SPOIL="yes").returncode == 1
    names = sorted(path.name for path in bench.store.glob("2*"))
    assert names[:2] == [by_hand, good]
    assert len(names) == 3


def test_a_second_run_waits_for_the_first_and_says_so_at_once(bench: Bench) -> None:
    first = bench.start("make-backup", "scheduled", SLOW_S="3")
    until((bench.root / "live.dumping").exists)
    second = bench.start("make-backup", "manual")
    assert second.stderr
    began = time.monotonic()
    assert "waits for another backup or restore to end" in second.stderr.readline()
    assert time.monotonic() - began < 2
    assert first.poll() is None
    out = [process.communicate(timeout=30)[0].strip() for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0)
    assert out[0] < out[1]
    assert bench.left() == set()


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_that_was_killed_leaves_nothing_in_the_way(bench: Bench, sent: signal.Signals) -> None:
    killed = bench.start("make-backup", "scheduled", SLOW_S="60")
    until((bench.root / "live.dumping").exists)
    until(lambda: (bench.root / "live.dumping").read_text() != "")
    dump = int((bench.root / "live.dumping").read_text())
    os.kill(killed.pid, sent)
    killed.wait(10)
    name = bench.made()
    assert not alive(dump), "the next run ends what the killed one left"
    assert [path.name for path in bench.store.glob("2*")] == [name]
    assert bench.left() == set()
    assert not (bench.root / "work.run").exists()


def test_a_scratch_server_never_outlives_its_run(bench: Bench) -> None:
    bench.hook("contents", 'cp "$WORK/scratch.pid" "$LIVE.pid"; cd "$SCRATCH" && rows')
    bench.made()
    assert not alive(int((bench.root / "live.pid").read_text()))


def test_a_failed_dump_is_told_in_the_stores_own_words(bench: Bench) -> None:
    done = bench.run("make-backup", "manual", BROKEN="yes")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == "store: can't be read; see its logs"
    assert list(bench.store.glob("2*")) == []


def test_a_restore_replaces_only_what_was_named_and_backs_it_up_first(bench: Bench) -> None:
    name = bench.made()
    (bench.live / "a.txt").write_text("later\n")
    refused = bench.run("restore", "--backup", name, "--overwrite", "a")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.endswith(
        "restore: b holds data, which would be lost; if that is wanted add --overwrite b\n"
    )
    assert (bench.live / "a.txt").read_text() == "later\n"
    done = bench.run("restore", "--backup", name, "--overwrite", "a", "--overwrite", "b")
    assert (done.returncode, done.stdout) == (0, f"restored {name}: 2 names\n"), done.stderr
    assert (bench.live / "a.txt").read_text() == "one\ntwo\n"
    kept = [each for each in bench.store.glob("2*") if each.name != name]
    assert [bench.manifest(each.name)["reason"] for each in kept] == ["before-restore"]
    assert (kept[0] / "a.txt").read_text() == "later\n"
    assert bench.left() == set()


def test_a_restore_of_one_database_leaves_the_others_as_they_are(bench: Bench) -> None:
    name = bench.made()
    for each in ("a", "b"):
        (bench.live / f"{each}.txt").write_text("later\n")
    refused = bench.run("restore", "--backup", name, "--only", "c")
    assert (refused.returncode, refused.stderr) == (2, f"restore: {name} has no c; it has a b\n")
    done = bench.run("restore", "--backup", name, "--only", "a", "--overwrite", "a")
    assert (done.returncode, done.stdout) == (0, f"restored {name}: 1 names\n"), done.stderr
    assert (bench.live / "a.txt").read_text() == "one\ntwo\n"
    assert (bench.live / "b.txt").read_text() == "later\n"


def test_a_restore_of_a_damaged_backup_touches_nothing(bench: Bench) -> None:
    name = bench.made()
    (bench.store / name / "a.txt").write_text("x\n")
    (bench.live / "a.txt").write_text("later\n")
    done = bench.run("restore", "--backup", name, "--overwrite", "a", "--overwrite", "b")
    assert done.returncode == 1
    assert "files differ from the manifest: a.txt; nothing was touched" in done.stderr.splitlines()[-1]
    assert (bench.live / "a.txt").read_text() == "later\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--until", "2026-11-25T01:30:00Z"], "toy has no point in time to restore to"),
        (["--backup"], "--backup lacks its value"),
        (["--wipe", "x"], "--wipe is unknown; --backup ID"),
    ],
)
def test_arguments_without_a_meaning_are_refused(bench: Bench, arguments: list[str], told: str) -> None:
    name = bench.made()
    done = bench.run("restore", "--backup", name, *arguments)
    assert done.returncode == 2
    assert told in done.stderr


def test_a_moment_is_the_business_of_a_store_with_a_log(bench: Bench) -> None:
    name = bench.made()
    bench.hook("moment", '[ "$2" != never ] || { echo "no moment" >&2; exit 2; }')
    bench.hook("replay", 'echo "$2" >>"$SCRATCH/a.txt"')
    everything = ("--overwrite", "a", "--overwrite", "b")
    assert bench.run("restore", "--backup", name, "--until", "never", *everything).returncode == 2
    done = bench.run("restore", "--backup", name, "--until", "noon", *everything)
    assert done.stdout == f"restored {name} up to noon: 2 names\n"
    assert (bench.live / "a.txt").read_text() == "one\ntwo\nnoon\n"
    assert len(list(bench.store.glob("2*"))) == 1, "the log has what was there"


SCHEDULED = {"BACKUP_EVERY_S": "3600", "RETRY_S": "2"}


class Schedule:
    """run-schedule.sh, its log, and TERM in the end."""

    def __init__(self, bench: Bench, **changes: str) -> None:
        self.log = bench.root / "log"
        with self.log.open("w") as file:
            self.process = subprocess.Popen(
                [str(bench.root / "lib/run-schedule.sh")], env=bench.environment(**changes), stderr=file
            )

    def __enter__(self) -> Schedule:
        return self

    def says(self, text: str) -> None:
        until(lambda: text in self.log.read_text())

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        assert self.process.wait(20) == 0


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"BACKUP_AT": "24:00"}, "BACKUP_AT '24:00'"),
        ({"BACKUP_AT": "08"}, "BACKUP_AT '08'"),
        ({"BACKUP_AT": ""}, "BACKUP_AT ''"),
        ({"BACKUP_EVERY_S": "0"}, "BACKUP_EVERY_S '0'"),
        ({"BACKUP_EVERY_S": "1h"}, "BACKUP_EVERY_S '1h'"),
    ],
)
def test_a_schedule_without_turns_ends_the_container_with_one_line(
    bench: Bench, given: dict[str, str], told: str
) -> None:
    done = bench.run("run-schedule", **given)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert told in line
    assert line.endswith("correct one")


def test_the_first_backup_is_made_at_once_and_the_next_turn_told(bench: Bench) -> None:
    with Schedule(bench, BACKUP_AT="01:30") as schedule:
        schedule.says("the next backup is due at")
    (name,) = (path.name for path in bench.store.glob("2*"))
    assert bench.manifest(name)["reason"] == "scheduled"
    assert re.search(r"due at \d{4}-\d\d-\d\dT01:30:00Z", schedule.log.read_text())


@pytest.mark.parametrize(
    ("hours_ago", "given", "missed"),
    [
        (2, {"BACKUP_EVERY_S": "3600"}, True),
        (0.5, {"BACKUP_EVERY_S": "3600"}, False),
        (25, {}, True),
        (3, {"BACKUP_AT": "hour ago"}, True),
        (0.5, {"BACKUP_AT": "hour ago"}, False),
        (3, {"BACKUP_AT": "in an hour"}, False),
        (22, {"BACKUP_AT": "in an hour"}, False),
        (24, {"BACKUP_AT": "in an hour"}, True),
    ],
)
def test_a_turn_that_was_missed_is_caught_up(
    bench: Bench, hours_ago: float, given: dict[str, str], missed: bool
) -> None:
    shift = {"hour ago": -1, "in an hour": 1}.get(given.get("BACKUP_AT", ""))
    if shift:
        given = {"BACKUP_AT": f"{datetime.now(UTC) + timedelta(hours=shift):%H:%M}"}
    bench.old(hours_ago / 24)
    bench.old(hours_ago / 48, '{"id":"x","files":{},"reason":"scheduled","state":"bad","why":"y"}')
    with Schedule(bench, **given) as schedule:
        schedule.says("the next backup is due at")
    made = [path for path in bench.store.glob("2*") if (path / "a.txt").exists()]
    assert bool(made) is missed


def test_a_failed_backup_is_tried_again_soon(bench: Bench) -> None:
    bench.hook("dump", 'touch "$LIVE.tried"; echo "store: away" >&2; exit 1')
    with Schedule(bench, **SCHEDULED) as schedule:
        schedule.says("the backup failed (above); the next try is at")
        (bench.root / "live.tried").unlink()
        until((bench.root / "live.tried").exists)
    assert "store: away" in schedule.log.read_text()


def test_the_loop_signs_in_during_a_backup_and_is_heard_at_once(bench: Bench) -> None:
    with Schedule(bench, SLOW_S="60", **SCHEDULED):
        until((bench.root / "live.dumping").exists)
        signed = (bench.root / "alive").stat().st_mtime
        until(lambda: (bench.root / "alive").stat().st_mtime > signed, timeout_s=25)
        began = time.monotonic()
    assert time.monotonic() - began < 3, "a scheduled backup is given up when the container stops"


def test_the_archive_goes_on_between_backups(bench: Bench) -> None:
    bench.hook("archive", 'echo x >>"$LIVE.archived"; exit 1')
    bench.old(0)
    with Schedule(bench, BINLOG_EVERY_S="1", **SCHEDULED):
        until(
            lambda: (bench.root / "live.archived").exists()
            and len((bench.root / "live.archived").read_text()) > 3
        )


def test_a_loop_with_nothing_to_do_starts_no_process(bench: Bench) -> None:
    bench.old(0)
    with Schedule(bench, **SCHEDULED) as schedule:
        schedule.says("the next backup is due at")
        until((bench.root / "alive").exists)
        time.sleep(0.5)
        children = Path(f"/proc/{schedule.process.pid}/task/{schedule.process.pid}/children")
        for _ in range(10):
            assert children.read_text() == ""
            time.sleep(0.1)


def test_a_restore_that_was_killed_is_told_and_undone_beside_the_data(bench: Bench) -> None:
    name = bench.made()
    bench.hook("recover", 'echo x >"$LIVE.recovered"')
    with Schedule(bench, **SCHEDULED) as schedule:
        schedule.says("the next backup is due at")
        everything = ("--overwrite", "a", "--overwrite", "b")
        killed = bench.start("restore", "--backup", name, *everything, REPLACE_S="60")
        until((bench.store / ".restoring").exists)
        signed = (bench.root / "alive").stat().st_mtime
        until(lambda: (bench.root / "alive").stat().st_mtime > signed, timeout_s=25)
        assert not (bench.root / "live.recovered").exists(), "the restore is running"
        killed.kill()
        killed.wait()
        until((bench.root / "live.recovered").exists, timeout_s=25)
        schedule.says(f"the restore of {name} did not end, so the live data may be incomplete: repeat it")
    assert not (bench.store / ".restoring").exists()


def test_a_container_that_stops_waits_for_a_run_by_hand(bench: Bench) -> None:
    bench.old(0)
    with Schedule(bench, **SCHEDULED) as schedule:
        schedule.says("the next backup is due at")
        by_hand = bench.start("make-backup", "manual", SLOW_S="3")
        until((bench.root / "live.dumping").exists)
    assert by_hand.wait(1) == 0


FAULTS: list[Fault] = []
STORES = [
    each
    for each in load_declarations(SERVICES, FAULTS)
    if any("lib/backup" in one.file for one in each.configs)
]


@pytest.mark.parametrize("service", STORES, ids=lambda each: each.name)
def test_a_backup_service_mounts_the_library_its_hooks_and_what_they_source(service: Declaration) -> None:
    mounted = {str(config.path): config for config in service.configs}
    folder = "/usr/local/lib/backup"
    scripts = ("run-schedule", "make-backup", "list-backups", "verify-backup", "restore")
    hooks = {path.removeprefix(f"{folder}/hooks/") for path in mounted if "/hooks/" in path}
    assert {f"{folder}/{name}.sh" for name in scripts} <= mounted.keys()
    assert {f"{name}.sh" for name in ("dump", "load", "contents", "held", "replace")} <= hooks
    for path, config in mounted.items():
        script = (service.folder / config.file).read_text()
        beside = re.findall(r'^\. "(?:\$\{BASH_SOURCE\[0\]%/\*\}|\$LIBRARY)/(\S+)"', script, re.MULTILINE)
        assert {posixpath.normpath(Path(path).parent / name) for name in beside} <= mounted.keys(), path
        assert script.startswith("#!/usr/bin/env bash\n") == (config.mode == "0555"), path
        code = re.sub(r"(?m)^ *#.*", "", script)
        called = set(re.findall(r"\bhook (\w+)", code)) - set(re.findall(r"has_hook (\w+)", code))
        assert {f"{name}.sh" for name in called} - {"moment.sh"} <= hooks, path


def test_each_store_has_its_backups() -> None:
    assert FAULTS == []
    assert len(STORES) == 3
