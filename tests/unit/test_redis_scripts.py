"""What a member sees and does, run from its real scripts with fakes for whom it asks."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SERVICES = Path(__file__).parents[2] / "configs/services"
ENGINE = "HOSTNAME=redis-1 STOP_GRACE_S=60 MEMBERS='redis-1 redis-2 redis-3' REDIS_MEMBERS=$MEMBERS "
ENGINE += "REDIS_SENTINEL_MEMBERS='s-1 s-2 s-3'\n"
MEMBER = (
    "../lib/member.sh",
    *(f"redis/server/{name}.sh" for name in ("names", "peers", "observe")),
)
ALL = (*MEMBER, *(f"redis/server/{name}.sh" for name in ("decide", "guard", "switchover", "redis")))


def shell(body: str, *scripts: str, path: Path | None = None) -> list[str]:
    """The lines that `body` prints after the scripts' functions are known; no script's main runs.

    path: where programs are found first.
    """
    text = ENGINE
    for name in scripts:
        text += (SERVICES / name).read_text().replace('\nmain "$@" </dev/null\n', "\n")
    environment = {**os.environ, "PATH": f"{path or '/nowhere'}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash"], input=text + body, env=environment, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


def peers(answers: dict[str, str]) -> str:
    """An `ask` that gives these answers, by name and the first words of the command."""
    cases = "".join(f"'{asked}'*) REPLY_OF[$name]='{said} ' ;;\n" for asked, said in answers.items())
    return f"""ask() {{
      local names=() name
      while [[ $1 != -- ]]; do names+=("$1"); shift; done; shift
      REPLY_OF=()
      for name in "${{names[@]}}"; do case "$name $*" in {cases} esac; done
    }}
    """


def sentinel(name: str, host: str, epoch: int, flags: str = "master", asked_for: str = "") -> dict[str, str]:
    told = f"name redis-master ip {host} port 6379 flags {flags} config-epoch {epoch}"
    return {f"{name} sentinel master": f"{told} {asked_for or host} 6379"}


def query(answers: dict[str, str]) -> str:
    body = 'query_sentinels; echo "$ANSWERED ${MASTER:--} $AGREED ${STABLE:-no}"'
    return shell(peers(answers) + body, *MEMBER)[0]


def test_the_highest_epoch_names_the_master_not_the_number_of_voices() -> None:
    old = sentinel("s-1", "redis-1", 1) | sentinel("s-2", "redis-1", 1)
    assert query(old | sentinel("s-3", "redis-2", 2)) == "3 redis-2 1 yes"


def test_during_a_failover_the_promoted_replica_is_named() -> None:
    leading = sentinel("s-1", "redis-1", 2, "master,failover_in_progress,force_failover", asked_for="redis-2")
    told = leading | sentinel("s-2", "redis-2", 2) | sentinel("s-3", "redis-2", 2)
    assert query(told) == "3 redis-2 3 no"


def test_a_sentinel_that_is_away_or_refuses_is_not_counted() -> None:
    refused = {"s-2 sentinel": "NOAUTH Authentication required."}
    assert query(refused | sentinel("s-3", "redis-3", 1)) == "1 redis-3 1 yes"


def test_sentinels_that_know_no_master_are_counted() -> None:
    nothing = {f"{name} sentinel master": "ERR No such master with that name" for name in ("s-1", "s-3")}
    assert query(nothing) == "2 - 0 yes"


#: redis-cli as it is between pipes: a line is a command, and a reply ends with a line end.
CLI = r"""#!/bin/bash
while (($#)); do [[ $1 != -h ]] || host=$2; shift; done
host=${host/127.0.0.1/redis-1}
echo started >>"$0.$host"
while IFS= read -r line; do
  case "$host $line" in
    CASES
    *announce-ip) printf 'announce-ip\n%s\n' "$host" ;;
    *' ping "'*) line=${line#*'"'}; printf "${line%'"'}\n" ;;
    *) printf 'PONG\n' ;;
  esac
done
"""


def asked(tmp_path: Path, cases: str, body: str) -> list[str]:
    """What `body` prints where redis-cli does this in these cases; the clients have answered once."""
    (tmp_path / "redis-cli").write_text(CLI.replace("CASES", cases))
    (tmp_path / "redis-cli").chmod(0o755)
    ready = f"""secret() {{ SECRET=x; }}; look_up_later() {{ :; }}; member_begin {tmp_path}
      open_clients {tmp_path} redis-1 redis-2 redis-3
      for name in redis-1 redis-2 redis-3; do
        until ask $name -- first; [[ -n ${{REPLY_OF[$name]:-}} ]]; do :; done
      done
      timed() {{
        local began; now; began=$NOW_MS; ask "$@"; now
        echo "${{!REPLY_OF[*]}} $((NOW_MS - began < 1000))"
      }}
      """
    end = "\nfor name in redis-1 redis-2 redis-3; do kill -KILL ${CLIENT_PID[$name]}; done"
    return shell(ready + body + end, *MEMBER, path=tmp_path)


def test_a_reply_is_read_as_words(tmp_path: Path) -> None:
    info = r"*' info') printf '# Replication\r\nrole:slave\r\nmaster_host:x\r\nslave_priority:50\r\n' ;;"
    body = """own info; echo "$? $RESP"; read_info redis-1
      for key in role slave_priority priority gone; do echo "${INFO["redis-1 $key"]:-}"; done"""
    reply = "0 # Replication role:slave master_host:x slave_priority:50 "
    assert asked(tmp_path, info, body) == [reply, "slave", "50", "", ""]


def test_a_command_that_redis_refuses_is_not_done(tmp_path: Path) -> None:
    refused = "*' replicaof'*) echo 'NOPERM this user has no permissions' ;; *' config set'*) echo OK ;;"
    body = 'own config set a b; echo "$?"; own replicaof x 1; echo "$? $RESP"'
    assert asked(tmp_path, refused, body) == ["0", "1 NOPERM this user has no permissions "]


def test_a_peer_that_hangs_holds_up_nobody_else(tmp_path: Path) -> None:
    hangs = "'redis-2 hang') read -r -t 20 <> <(:) ;;"
    body = "for look in 1 2; do timed redis-2 redis-3 -- hang; done"
    assert asked(tmp_path, hangs, body) == ["redis-3 0", "redis-3 1"]


def test_a_client_that_hangs_is_begun_anew(tmp_path: Path) -> None:
    hangs = "'redis-2 hang') read -r -t 20 <> <(:) ;;"
    body = """ask redis-2 -- hang; sleep 0.5; until timed redis-2 -- question | grep redis-2; do
        ask redis-2 -- question; sleep 0.2; done"""
    assert asked(tmp_path, hangs, body)[-1].startswith("redis-2")
    assert len((tmp_path / "redis-cli.redis-2").read_text().splitlines()) >= 2


def test_an_answer_that_comes_late_is_dropped(tmp_path: Path) -> None:
    late = "'redis-2 late') sleep 2.3; echo LATE ;; 'redis-2 soon') echo SOON ;;"
    body = """timed redis-2 -- late; sleep 0.5; ask redis-2 -- soon; echo "${REPLY_OF[redis-2]}\""""
    assert asked(tmp_path, late, body) == [" 0", "SOON "]


def test_who_has_a_peers_address_and_another_name_is_not_heard(tmp_path: Path) -> None:
    other = "'redis-2 sentinel'*|'redis-2 config'*) if [[ -e $0.other ]]; then rm $0.other; host=redis-9; fi"
    other += "; printf 'announce-ip\\n%s\\n' \"$host\" ;;"
    body = f"""touch {tmp_path}/redis-cli.other
      ask redis-2 -- ping; echo "${{!REPLY_OF[*]}}"
      until ask redis-2 -- ping; [[ -n ${{REPLY_OF[redis-2]:-}} ]]; do :; done; echo "${{!REPLY_OF[*]}}\""""
    assert asked(tmp_path, other, body) == ["", "redis-2"]
    assert len((tmp_path / "redis-cli.redis-2").read_text().splitlines()) >= 2, "connected anew"


def test_a_dead_peer_keeps_its_address_unless_a_living_one_has_it(tmp_path: Path) -> None:
    names = (SERVICES / "redis/server/names.sh").read_text().replace("/etc/hosts", f"{tmp_path}/hosts")
    names = names.replace("LOOK_UP_S=1\n", "LOOK_UP_S=20\n")
    (tmp_path / "names.sh").write_text(names)
    (tmp_path / "hosts").write_text("127.0.0.1\tlocalhost\n10.0.0.9 redis-2 # peer\n")
    fake = f'read -r IP <{tmp_path}/$4; [[ -z $IP ]] || echo "$IP STREAM"'
    (tmp_path / "getent").write_text(f"#!/bin/bash\n{fake}\n")
    (tmp_path / "getent").chmod(0o755)
    body = f"""seen() {{
        echo "$1" >{tmp_path}/redis-2; echo "$2" >{tmp_path}/redis-3
        look_up redis-2 redis-3; echo $(tail -n +2 {tmp_path}/hosts); }}
      seen '' 10.0.0.3; seen 10.0.0.2 ''; seen '' 10.0.0.4; seen '' 10.0.0.2; head -n 1 {tmp_path}/hosts"""
    assert shell(body, str(tmp_path / "names.sh"), path=tmp_path) == [
        "10.0.0.9 redis-2 # peer 10.0.0.3 redis-3 # peer",
        "10.0.0.2 redis-2 # peer 10.0.0.3 redis-3 # peer",
        "10.0.0.2 redis-2 # peer 10.0.0.4 redis-3 # peer",
        "192.0.2.1 redis-2 # peer 10.0.0.2 redis-3 # peer",
        "127.0.0.1\tlocalhost",
    ]


NO_PORT = "role:slave master_host:127.0.0.1 master_port:{port} slave_priority:{priority} loading:0"
SLAVE = "role:slave master_host:redis-2 master_link_status:up slave_priority:100 loading:0"
MASTER = "role:master connected_slaves:2 {one} {two} loading:0"
ONLINE = "slave{n}:ip=redis-{m},port=6379,state={state},offset=5,lag=0"


def observed(own: str, answers: dict[str, str], print_: str, tmp_path: Path, before: str = "") -> list[str]:
    scripts = [name for name in ALL if name != "redis/server/observe.sh"]
    observe = (SERVICES / "redis/server/observe.sh").read_text().replace("=/data/", f"={tmp_path}/")
    (tmp_path / "observe.sh").write_text(observe)
    scripts.insert(scripts.index("redis/server/decide.sh"), str(tmp_path / "observe.sh"))
    body = f"""own() {{ REPLY_OF[redis-1]='{own} '; }}; log() {{ :; }}; {before}
      observe || echo nothing; echo {print_}"""
    return shell(peers(answers) + body, *scripts)


def test_a_first_start_is_seen_only_when_all_are_empty(tmp_path: Path) -> None:
    empty, full = (NO_PORT.format(port=port, priority=0) for port in (2, 1))
    all_empty = {"redis-2 info": empty, "redis-3 info": empty}
    assert observed(empty, all_empty, "$ROLE $ALL_EMPTY", tmp_path) == ["standby yes"]
    assert observed(empty, all_empty | {"redis-3 info": full}, "$ROLE $ALL_EMPTY", tmp_path) == ["standby"]
    assert observed(empty, {"redis-2 info": empty}, "$ALL_EMPTY", tmp_path) == [""]


def test_a_server_that_loads_its_data_is_left_alone(tmp_path: Path) -> None:
    assert observed("role:slave loading:1", {}, "", tmp_path) == ["nothing", ""]


def test_nobody_else_can_be_promoted_when_all_that_answer_have_priority_0(tmp_path: Path) -> None:
    own = NO_PORT.format(port=1, priority=0)
    down = sentinel("s-1", "redis-1", 1, "master,s_down") | sentinel("s-2", "redis-1", 1)
    zero, usual = ({"redis-2 info": NO_PORT.format(port=1, priority=number)} for number in (0, 100))
    assert observed(own, down | zero, "$UNPROMOTABLE_MS", tmp_path) == ["0"]
    assert observed(own, down | usual, "$UNPROMOTABLE_MS", tmp_path) == ["-1"]
    assert observed(own, down, "$UNPROMOTABLE_MS", tmp_path) == ["-1"]


def test_a_replica_does_not_count_how_long_another_leads(tmp_path: Path) -> None:
    """Else it would yield to the old view in the instant in which Sentinel promotes it."""
    led = sentinel("s-1", "redis-2", 3) | sentinel("s-2", "redis-2", 3) | {"redis-2 info": "role:master"}
    assert observed(SLAVE, led, "$REPLACED_MS $OWN_EPOCH", tmp_path) == ["-1 3"]
    promoted = MASTER.format(one="", two="")
    assert observed(promoted, led, "$REPLACED_MS $OWN_EPOCH", tmp_path, "OWN_EPOCH=2") == ["0 2"]


@pytest.mark.parametrize(("state", "suffices"), [("online", "yes"), ("wait_bgsave", "")])
def test_a_set_is_complete_for_its_master_only_with_all_replicas(
    state: str, suffices: str, tmp_path: Path
) -> None:
    own = MASTER.format(one=ONLINE.format(n=0, m=2, state="online"), two=ONLINE.format(n=1, m=3, state=state))
    assert observed(own, {}, "$COMPLETE", tmp_path) == [suffices]


@pytest.mark.parametrize(("other", "suffices"), [("online", "yes"), ("wait_bgsave", "")])
def test_a_set_is_complete_for_a_replica_when_the_master_keeps_another(
    other: str, suffices: str, tmp_path: Path
) -> None:
    one, two = ONLINE.format(n=0, m=1, state="online"), ONLINE.format(n=1, m=3, state=other)
    said = {"redis-2 info": MASTER.format(one=one, two=two)}
    assert observed(SLAVE, said, "$COMPLETE", tmp_path) == [suffices]


def requests(named: str) -> list[str]:
    answers = {f"{name} sentinel get": f"{named} 6379" for name in ("s-1", "s-2", "s-3")}
    answers |= {"s-1 sentinel failover": "OK"}
    body = """eval "told_$(declare -f ask)"
      ask() { echo "$*"; told_ask "$@"; }
      request_failover; request_failover"""
    return [line for line in shell(peers(answers) + body, *ALL) if "failover" in line]


def test_a_failover_is_asked_for_once_and_only_of_who_still_names_this_member() -> None:
    assert requests("redis-1") == ["s-1 -- sentinel failover redis-master"]
    assert requests("redis-2") == []


def hands_back(leader: str) -> list[str]:
    body = f"""log() {{ :; }}; hand_over() {{ echo "hands over"; }}; query_sentinels() {{ MASTER={leader}; }}
      follow() {{ echo "follows $1"; }}; own() {{ echo "$*"; }}
      hand_back"""
    return shell(body, *ALL)


def test_who_handed_back_follows_and_takes_no_write_before() -> None:
    assert hands_back("redis-2") == ["hands over", "follows redis-2", "client unpause"]
    assert hands_back("redis-1") == ["hands over"]
    assert hands_back("") == ["hands over"]


def acts(action: str, tmp_path: Path) -> list[str]:
    scripts = [name for name in ALL if name != "redis/server/observe.sh"]
    body = f"""own() {{ echo "$*"; }}; log() {{ :; }}; LEAD_FILE={tmp_path}/LEAD MEMBER_FILE={tmp_path}/member
      ME=redis-1 MEMBERS_OF_SET=(1 2 3) WITHOUT_WRITES='' ORDER_TAKEN=''
      ACTION='{action}'; act; echo "${{WITHOUT_WRITES:--}} ${{ORDER_TAKEN:--}}\""""
    return shell(body, *scripts)


def test_actions_are_carried_out(tmp_path: Path) -> None:
    (tmp_path / "LEAD").touch()
    assert acts("follow redis-2", tmp_path) == ["replicaof redis-2 6379", "- -"]
    assert not (tmp_path / "LEAD").exists(), "an order is over when another leads"
    assert acts("lead it says so", tmp_path)[:2] == ["replicaof no one", "config set replica-priority 100"]
    assert (tmp_path / "member").exists()
    held = acts("lead_without_writes", tmp_path)
    assert held[0] == "config set min-replicas-to-write 3"
    assert held[-1] == "yes -"
    assert acts("allow_writes", tmp_path) == ["config set min-replicas-to-write 1", "- -"]
    (tmp_path / "LEAD").touch()
    assert acts("take_order", tmp_path) == ["config set replica-priority 100", "- yes"]
    assert not (tmp_path / "LEAD").exists()


@pytest.mark.parametrize(
    ("said", "role"),
    [
        ("role:master", "PRIMARY"),
        ("role:slave master_link_status:up", "SECONDARY"),
        ("role:slave master_link_status:down", "NONE"),
    ],
)
def test_the_role_is_what_the_server_itself_says(said: str, role: str, tmp_path: Path) -> None:
    script = (SERVICES / "redis/server/role").read_text().replace(". /etc/redis/member.sh", ":")
    cli = tmp_path / "redis-cli"
    cli.write_text(f"#!/bin/sh\nprintf '{said}\\r\\n'\n")
    cli.chmod(0o755)
    asks = "secret() { SECRET=x; }\n" + script
    assert shell(asks, path=tmp_path) == [role]
    cli.write_text("#!/bin/sh\necho 'Could not connect' >&2; exit 1\n")
    assert shell(asks, path=tmp_path) == ["NONE"]


def function(script: str, name: str) -> str:
    """The text of one function of a script."""
    text = (SERVICES / script).read_text()
    start = text.index(f"\n{name}() {{")
    return text[start : text.index("\n}\n", start) + 3]


EMPTY, FULL = "# Keyspace\\r\\n", "# Keyspace\\r\\ndb0:keys=1,expires=0\\r\\n"


def hook(name: str, tmp_path: Path, body: str) -> list[str]:
    """What a hook of redis-backup does with `body` in place of the library and of what it defines."""
    library = (SERVICES / "redis/backup/redis.sh").read_text().replace('. "${BASH_SOURCE[0]%/*}/lib.sh"', ":")
    (tmp_path / "redis.sh").write_text(library)
    script = tmp_path / "hooks" / f"{name}.sh"
    script.parent.mkdir(exist_ok=True)
    fakes = 'log() { echo "log $*"; }; fail() { echo "fail $*"; exit "$1"; }; secret() { SECRET=$1; }'
    head, source, rest = (SERVICES / f"redis/backup/hooks/{name}.sh").read_text().partition('/../redis.sh"\n')
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
    body = f"""member_begin {tmp_path}
      (own_volume {tmp_path}; echo "old has it"; sleep 1.5; echo "old has left") &
      sleep 0.5; own_volume {tmp_path}; echo "new has it"
      (LEAVING=yes; own_volume {tmp_path} || echo "left") 9>&-"""
    assert shell(body, "../lib/member.sh") == ["old has it", "old has left", "new has it", "left"]
