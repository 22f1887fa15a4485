"""What a member decides, run from its real script with fakes for whom it asks."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SERVICES = Path(__file__).parents[2] / "configs/services"
NAMES = (
    'MEMBERS="redis-1 redis-2 redis-3" SENTINELS="s-1 s-2 s-3" MASTER_NAME=redis-master HOSTNAME=redis-1\n'
)


def shell(body: str, *scripts: str) -> list[str]:
    """The lines that `body` prints after the scripts' functions are known; no script's main runs."""
    text = NAMES
    for name in scripts:
        text += (SERVICES / name).read_text().replace('\nmain "$@" </dev/null\n', "\n")
    done = subprocess.run(["bash"], input=text + body, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


def sentinel(host: str, epoch: int, flags: str = "master", asked_for: str = "") -> str:
    lines = [
        "name",
        "redis-master",
        "ip",
        host,
        "flags",
        flags,
        "config-epoch",
        str(epoch),
        asked_for or host,
        "6379",
    ]
    return "\\n".join(lines)


def consult(*answers: str | None) -> str:
    cases = "".join(
        f"s-{number}) printf '{answer}\\n' ;;" if answer is not None else f"s-{number}) return 1 ;;"
        for number, answer in enumerate(answers, 1)
    )
    body = (
        f'ask() {{ case $1 in {cases} esac; }}\nconsult; echo "$SEEN ${{MASTER:--}} $AGREED ${{STEADY:-no}}"'
    )
    return shell(body, "redis/lib.sh")[0]


def test_the_highest_epoch_names_the_master_not_the_number_of_voices() -> None:
    assert (
        consult(sentinel("redis-1", 1), sentinel("redis-1", 1), sentinel("redis-2", 2)) == "3 redis-2 1 yes"
    )


def test_during_a_failover_the_promoted_replica_is_named() -> None:
    leading = sentinel("redis-1", 2, "master,failover_in_progress,force_failover", asked_for="redis-2")
    assert consult(leading, sentinel("redis-2", 2), sentinel("redis-2", 2)) == "3 redis-2 3 no"


def test_a_sentinel_that_is_away_or_refuses_is_not_counted() -> None:
    assert consult(None, "WRONGPASS invalid", sentinel("redis-3", 1)) == "1 redis-3 1 yes"


def test_sentinels_that_know_no_master_are_counted() -> None:
    assert (
        consult("ERR No such master with that name\\n", None, "ERR No such master with that name\\n")
        == "2 - 0 yes"
    )


def decide(looks: int = 1, **given: str) -> list[str]:
    """What `looks` looks of a held member come to."""
    seen = {
        "seen": "3",
        "master": "",
        "steady": "yes",
        "leaders": "",
        "blank": "no",
        "all_blank": "no",
        **given,
    }
    body = f"""
      SECONDS=100 STEADY_LOOKS=0 PATIENT_SINCE='' ORDERED_SINCE=''
      consult() {{ SEEN={seen["seen"]} MASTER={seen["master"]} STEADY={seen["steady"].replace("no", "")}; }}
      leaders() {{ [ -z "{seen["leaders"]}" ] || printf '%s\\n' {seen["leaders"]}; }}
      blank() {{ [ {seen["blank"]} = yes ]; }}
      all_blank() {{ [ {seen["all_blank"]} = yes ]; }}
      lead() {{ echo lead; }}
      follow() {{ echo "follow $1"; }}
      request_failover() {{ echo request; }}
      log() {{ :; }}
      for look in $(seq {looks}); do decide; done"""
    return shell(body, "redis/lib.sh", "redis/handover.sh", "redis/redis.sh")


def test_who_is_named_leads_only_after_two_steady_looks() -> None:
    assert decide(1, master="redis-1") == []
    assert decide(2, master="redis-1") == ["lead"]


def test_nobody_leads_while_a_sentinel_sees_it_down_or_replaces_it() -> None:
    assert decide(5, master="redis-1", steady="no") == []


def test_a_named_master_without_its_data_never_leads_but_asks_for_another() -> None:
    assert decide(1, master="redis-1", blank="yes") == ["request"]
    assert decide(3, master="redis-1", blank="yes", steady="no") == []


def test_with_a_sentinel_away_it_waits_for_what_that_one_may_know() -> None:
    assert decide(3, master="redis-1", seen="2") == []


def test_a_returning_master_follows_the_one_that_was_promoted() -> None:
    assert decide(1, master="redis-2", leaders="redis-2") == ["follow redis-2"]
    assert decide(1, master="redis-2", leaders="") == []


def test_without_a_majority_it_follows_the_only_one_that_leads() -> None:
    assert decide(1, seen="1", leaders="redis-3") == ["follow redis-3"]
    assert decide(1, seen="1", leaders="redis-2 redis-3") == []
    assert decide(3, seen="1", master="redis-1") == []


def test_a_first_start_needs_everybody_to_be_blank_and_sentinels_that_know_nothing() -> None:
    assert decide(1, all_blank="yes", blank="yes") == ["lead"]
    assert decide(3, all_blank="no", blank="yes") == []
    assert decide(3, all_blank="yes", blank="yes", seen="1") == []


HELD, PROMOTABLE = (f"role:slave\\r\\nslave_priority:{number}\\r\\n" for number in (0, 100))


def leads_unseen(seconds: str, two: str, three: str) -> list[str]:
    """What a held master that Sentinel names and sees down does at each of these seconds."""
    body = f"""STEADY_LOOKS=0 STUCK_SINCE='' WRITES_FROM='' STEADY='' MASTER=redis-1 SEEN=3 KNOWN_AFTER_S=12
      ask() {{ case $1 in redis-2) {two} ;; redis-3) {three} ;; esac; }}
      self() {{ echo "$*" >&3; }}; lead() {{ echo lead; }}; log() {{ :; }}; blank() {{ false; }}
      exec 3>&1
      for SECONDS in {seconds}; do decide_by_sentinels ''; done; echo "$WRITES_FROM\""""
    return shell(body, "redis/lib.sh", "redis/redis.sh")


def test_a_master_that_sentinel_sees_down_leads_when_nobody_could_be_promoted() -> None:
    held, promotable = f"printf '{HELD}'", f"printf '{PROMOTABLE}'"
    assert leads_unseen("100 114", held, held) == [""]
    assert leads_unseen("100 115", held, "return 1") == ["config set min-replicas-to-write 3", "lead", "127"]
    assert leads_unseen("100 115", held, promotable) == [""]
    assert leads_unseen("100 115", "return 1", "return 1") == [""]


def ordered(tmp_path: Path, seconds: str, leaders: str = "") -> list[str]:
    text = (
        (SERVICES / "redis/redis.sh")
        .read_text()
        .replace("LEAD_FILE=/data/LEAD", f"LEAD_FILE={tmp_path}/LEAD")
    )
    script = tmp_path / "redis.sh"
    script.write_text(text)
    (tmp_path / "LEAD").touch()
    body = f"""ORDERED_SINCE='' STUCK_SINCE=''
      consult() {{ SEEN=3 MASTER=redis-2 STEADY=''; }}; leaders() {{ echo {leaders}; }}; log() {{ :; }}
      self() {{ echo "$*" >&3; }}; lead() {{ echo lead; }}; follow() {{ echo "follow $1"; }}
      exec 3>&1
      for SECONDS in {seconds}; do decide; done"""
    return shell(body, "redis/lib.sh", "redis/failback.sh", str(script))


def test_who_is_told_to_lead_first_lets_sentinel_know_that_it_can_be_promoted(tmp_path: Path) -> None:
    assert ordered(tmp_path, "100 111") == ["config set replica-priority 100"]
    assert not (tmp_path / "LEAD").exists()
    assert ordered(tmp_path, "100 112") == ["config set replica-priority 100", "lead"]
    assert ordered(tmp_path, "100 112", "redis-2") == ["follow redis-2"] * 2


def looks(*infos: str) -> list[str]:
    """The commands that a member, just started, gives itself on seeing these."""
    body = f"""PRIORITY=0 FAILBACK_AFTER_S=60 HOSTNAME=redis-2
      exec 3>&1
      self() {{ echo "$*" >&3; }}; blank() {{ false; }}
      for info in {" ".join(f"$'{info}'" for info in infos)}; do note "$info"; done"""
    return shell(body, "redis/lib.sh", "redis/failback.sh", "redis/redis.sh")


def test_a_member_can_be_promoted_only_after_it_had_a_link_to_a_master(tmp_path: Path) -> None:
    body = f"""as_redis() {{ :; }}; secret() {{ echo secret; }}; member_users() {{ :; }}; log() {{ :; }}
      cat() {{ :; }}; chown() {{ :; }}; find() {{ :; }}; blank() {{ false; }}
      write_conf; grep -E '^replica(-priority|of)' {tmp_path}/redis.conf"""
    text = (SERVICES / "redis/redis.sh").read_text().replace("RUN=/run/redis", f"RUN={tmp_path}")
    script = tmp_path / "redis.sh"
    script.write_text(text)
    assert shell(body, "redis/lib.sh", str(script)) == ["replica-priority 0", "replicaof 127.0.0.1 1"]
    slave = "role:slave\\nslave_priority:{}\\nmaster_link_status:{}\\nmaster_sync_in_progress:{}\\n"
    assert looks(slave.format(0, "down", 0), slave.format(0, "down", 1)) == []
    assert looks(slave.format(0, "up", 0)) == ["config set replica-priority 100"]
    assert looks(slave.format(100, "up", 0), slave.format(100, "down", 0)) == []
    assert looks("role:master\\n") == ["config set replica-priority 100"]


def requests(answers: str) -> list[str]:
    body = f"""
      SECONDS=100
      ask() {{ echo "$*" >&2; case $4 in get-master-addr-by-name) echo {answers} ;; *) echo OK ;; esac; }}
      exec 2>&1
      request_failover; request_failover"""
    return [line for line in shell(body, "redis/lib.sh", "redis/handover.sh") if "sentinel failover" in line]


def test_a_failover_is_asked_for_once_and_only_of_who_still_names_me() -> None:
    assert requests("redis-1") == ["s-1 26379 sentinel failover redis-master"]
    assert requests("redis-2") == []


REPLICAS = "role:master\\r\\nconnected_slaves:2\\r\\n{one}\\r\\n{two}\\r\\n"
ONLINE = "slave{n}:ip=redis-{m},port=6379,state={state},offset=5,lag=0"


@pytest.mark.parametrize(("state", "suffices"), [("online", "yes"), ("wait_bgsave", "no")])
def test_a_master_stops_only_when_its_replicas_are_online(state: str, suffices: str) -> None:
    info = REPLICAS.format(
        one=ONLINE.format(n=0, m=2, state="online"), two=ONLINE.format(n=1, m=3, state=state)
    )
    body = f"""ask() {{ printf '{info}'; }}; self() {{ ask; }}
      others_suffice && echo yes || echo no"""
    assert shell(body, "redis/lib.sh", "redis/handover.sh") == [suffices]


@pytest.mark.parametrize(("other", "suffices"), [("online", "yes"), ("wait_bgsave", "no")])
def test_a_replica_stops_only_when_the_master_keeps_another(other: str, suffices: str) -> None:
    info = REPLICAS.format(
        one=ONLINE.format(n=0, m=1, state="online"), two=ONLINE.format(n=1, m=3, state=other)
    )
    body = f"""ask() {{ printf '{info}'; }}; self() {{ printf 'role:slave\\r\\nmaster_host:redis-2\\r\\n'; }}
      others_suffice && echo yes || echo no"""
    assert shell(body, "redis/lib.sh", "redis/handover.sh") == [suffices]


def wishes(seconds: str, *, host: str = "redis-1", role: str = "slave", others: str = "true") -> list[str]:
    """The priority that an in-sync member wants at each of these seconds of its life."""
    body = f"""HOSTNAME={host} FAILBACK_AFTER_S=60
      others_suffice() {{ {others}; }}
      for SECONDS in {seconds}; do priority_wanted $'role:{role}\\r'; echo $PRIORITY; done"""
    return shell(body, "redis/lib.sh", "redis/failback.sh")


def test_the_first_member_wishes_to_lead_after_a_while_of_peace_and_not_for_ever() -> None:
    assert wishes("5 64 66 120 126") == ["100", "100", "50", "50", "100"]
    assert wishes("5 66", others="false") == ["100", "100"]
    assert wishes("5 66", role="master") == ["100", "100"]
    assert wishes("5 66", host="redis-2") == ["100", "100"]


def gives_back(
    seconds: str, *, priority: int = 50, leader: str = "redis-1", me: str = "redis-2"
) -> list[str]:
    body = f"""HOSTNAME={me}
      ask() {{ printf 'slave_priority:{priority}\\r\\n'; }}
      others_suffice() {{ true; }}; log() {{ :; }}; leader_by_sentinel() {{ echo {leader}; }}
      hand_over() {{ echo "hands over"; }}; follow() {{ echo "follows $1"; }}; self() {{ :; }}
      for SECONDS in {seconds}; do give_back; done"""
    return shell(body, "redis/lib.sh", "redis/failback.sh")


def test_a_master_grants_the_wish_when_every_sentinel_can_have_heard_of_it() -> None:
    assert gives_back("100 111") == []
    assert gives_back("100 112") == ["hands over", "follows redis-1"]
    assert gives_back("100 112", leader="redis-2") == ["hands over"]
    assert gives_back("100 112", priority=100) == []
    assert gives_back("100 112", me="redis-1") == []


def function(script: str, name: str) -> str:
    """The text of one function of a script."""
    text = (SERVICES / script).read_text()
    start = text.index(f"\n{name}() {{")
    return text[start : text.index("\n}\n", start) + 3]


EMPTY, FULL = "# Keyspace\\r\\n", "# Keyspace\\r\\ndb0:keys=1,expires=0\\r\\n"


def hook(name: str, tmp_path: Path, body: str) -> list[str]:
    """What a hook of redis-backup does with `body` in place of the library and of what it defines."""
    library = (SERVICES / "redis-backup/redis.sh").read_text().replace('. "${BASH_SOURCE[0]%/*}/lib.sh"', ":")
    (tmp_path / "redis.sh").write_text(library)
    script = tmp_path / "hooks" / f"{name}.sh"
    script.parent.mkdir(exist_ok=True)
    fakes = 'log() { echo "log $*"; }; fail() { echo "fail $*"; exit "$1"; }; secret() { SECRET=$1; }'
    head, source, rest = (SERVICES / f"redis-backup/{name}.sh").read_text().partition('/../redis.sh"\n')
    rest, main, _ = rest.partition('\nmain "$@"\n')
    ordered = [rest, fakes, body, main] if main else [fakes, body, rest]
    script.write_text("\n".join([head + source, *ordered]))
    given = {
        "REDIS_MEMBERS": "redis-1 redis-2 redis-3",
        "WORK": str(tmp_path),
        "HOOKS": str(tmp_path / "hooks"),
    }
    environment = {**os.environ, **given, "STORE": str(tmp_path), "OVERWRITE": " "}
    done = subprocess.run(
        ["bash", "-eu", str(script)], env=environment, capture_output=True, text=True, timeout=30
    )
    return done.stdout.splitlines()


def restores(tmp_path: Path, then: str, overwrite: str = "") -> list[str]:
    """What a restore does to a master that says this about what it holds once applications are shut out."""
    body = f"""
      OVERWRITE='{overwrite}'; RESTORED=1
      for each in scratch feed compare find_leader; do eval "$each() {{ :; }}"; done
      LEADER=redis-1; app() {{ echo "app $1"; }}
      ask() {{ case "$*" in *keyspace) printf '{then}' ;; *replication) echo state=online ;;
        *) echo "$*" >>{tmp_path}/asked ;; esac; }}"""
    (tmp_path / "asked").unlink(missing_ok=True)
    (tmp_path / "hooks").mkdir(exist_ok=True)
    (tmp_path / "hooks/contents.sh").write_text("#!/bin/sh\n")
    (tmp_path / "hooks/contents.sh").chmod(0o755)
    said = hook("replace", tmp_path, body)
    asked = (tmp_path / "asked").read_text() if (tmp_path / "asked").exists() else ""
    return [*(" ".join(line.split()[:3]) for line in said), *(["emptied"] if "flushall" in asked else [])]


def test_a_restore_empties_only_what_is_empty_or_was_named(tmp_path: Path) -> None:
    done = ["app off", "1 keys on", "app on", "emptied"]
    assert restores(tmp_path, EMPTY) == done
    assert restores(tmp_path, FULL, " redis ") == done
    assert restores(tmp_path, FULL) == ["app off", "fail 2 redis:", "app on"]
    assert restores(tmp_path, "") == ["app off", "fail 1 redis:", "app on"]


@pytest.mark.parametrize(
    ("holds", "told"), [(EMPTY, []), (FULL, ["redis"]), ("", ["fail 1 redis: redis-1 doesn't answer"])]
)
def test_no_answer_does_not_mean_that_the_set_is_empty(tmp_path: Path, holds: str, told: list[str]) -> None:
    body = f"""ask() {{ case "$*" in
      redis-1*replication) echo role:master ;; *replication) echo role:slave ;;
      *keyspace) printf '{holds}' ;; esac; }}"""
    assert [line.split(",")[0] for line in hook("held", tmp_path, body)] == told


@pytest.mark.parametrize("roles", [("slave", "slave", "slave"), ("master", "master", "slave")])
def test_nothing_is_restored_without_a_single_master(tmp_path: Path, roles: tuple[str, ...]) -> None:
    given = " ".join(f"[redis-{number}]={role}" for number, role in enumerate(roles, start=1))
    (said,) = hook("held", tmp_path, f'declare -A R=({given}); ask() {{ echo "role:${{R[$1]}}"; }}')
    assert said.startswith("fail 1 redis: no single master")


def test_applications_are_let_in_on_every_member_or_it_is_tried_again(tmp_path: Path) -> None:
    asks = 'exec 3>&1; ask() { echo "$1 $5 as $REDIS_USER" >&3; [[ $1 != "$AWAY" ]] || return 1; echo OK; }; '
    on = [f"redis-{number} on as admin" for number in (1, 2, 3)]
    assert hook("recover", tmp_path, asks + "AWAY=''") == on
    away = hook("recover", tmp_path, asks + "AWAY=redis-2")
    assert away == [*on, "fail 1 redis: waits for redis-2, to let applications in again"]


REPLICA = "role:slave\nmaster_link_status:{}\nmaster_sync_in_progress:{}"


@pytest.mark.parametrize(
    ("members", "source"),
    [
        ({1: "role:master", 2: REPLICA.format("up", 0), 3: REPLICA.format("up", 0)}, "redis-3"),
        ({1: "role:master", 2: REPLICA.format("up", 0), 3: REPLICA.format("up", 1)}, "redis-2"),
        ({1: "role:master", 2: REPLICA.format("down", 0)}, "redis-1"),
        ({2: REPLICA.format("down", 0)}, ""),
    ],
)
def test_a_backup_is_read_from_a_replica_in_sync(
    tmp_path: Path, members: dict[int, str], source: str
) -> None:
    answers = "".join(f"redis-{number}) echo '{text}' ;; " for number, text in members.items())
    body = f"""ask() {{ case $1 in {answers} *) return 1 ;; esac; }}; position() {{ exit; }}"""
    said = hook("dump", tmp_path, body)
    assert (f"log reads from {source}" in said) == bool(source)
    assert source or said[-1].startswith("fail 1 redis: no member answers")


def test_a_volume_has_one_container_at_a_time(tmp_path: Path) -> None:
    body = f"""LEAVING='' RUN=begin
      (own_volume {tmp_path}; echo "old has it"; sleep 1.5; echo "old has left") &
      sleep 0.5; own_volume {tmp_path}; echo "new has it"
      (LEAVING=yes; own_volume {tmp_path}; echo "never") 9>&-"""
    assert shell(body, "redis/lib.sh") == ["old has it", "old has left", "new has it"]
