"""Kafka's scripts as they are, beside a node that plays recorded answers, and tools that log their calls."""

from __future__ import annotations

import socket
import subprocess
import threading
from pathlib import Path

import jinja2
import pytest

from components.declaration import load_declaration

SERVICES = Path(__file__).parents[2] / "configs/services"
KAFKA = SERVICES / "kafka"
#: Answers of Kafka 4.3.1 as they came, without their size, in hexadecimal digits; by the request's number.
FETCH, METADATA, HANDSHAKE, AUTHENTICATE, QUORUM = 1, 3, 17, 36, 55
FOLLOWER_OF_1 = (
    "00000000000000000000000000000002000000000000000000000000000000010200000000004affffffffffffffffff"
    "ffffffffffffff000000000000000001ffffffff01010109000000010000000b000000"
)
VOTERS_1_2_3 = (
    "0000000000000002135f5f636c75737465725f6d6574616461746102000000000000000000010000000b000000000000"
    "0d8204000000010000000000000d82000001a2202dfa78000001a2202dfa7800000000020000000000000d82000001a2"
    "202df9c6000001a2202df9c600000000030000000000000d82000001a2202df9f8000001a2202df9f80001000000"
)
NOTES_WITHOUT_3 = (
    "0000000000000000000000020000000100076b61666b612d3100002386ffff0000000200076b61666b612d3200002386"
    "ffff00166347786864475a76636d3074596d56305953317259510000000200000001000000056e6f7465730000000003"
    "000000000000000000010000000400000003000000010000000200000003000000020000000100000002000000010000"
    "000300000000000100000001000000040000000300000002000000030000000100000002000000010000000200000001"
    "000000030000000000020000000100000007000000030000000300000001000000020000000200000001000000020000"
    "000100000003"
)
SIGNED_IN = {HANDSHAKE: "000000000000000000010005504c41494e", AUTHENTICATE: "00" * 20}
REFUSED = {**SIGNED_IN, AUTHENTICATE: "00000000003a" + "0003626164" + "00" * 12}
NOBODY_LEADS = FOLLOWER_OF_1.replace("09000000010000000b", "09ffffffff0000000b")
NEVER_SAW_A_QUORUM = FOLLOWER_OF_1.replace("09000000010000000b", "09ffffffff00000000")


class Node:
    """Plays a node: answers each request by its number; ends a connection at one that it has no answer to."""

    def __init__(self, answers: dict[int, str]) -> None:
        self.answers, self.asked = answers, list[bytes]()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            client, _ = self.server.accept()
            with client, client.makefile("rb") as stream:
                while size := stream.read(4):
                    request = stream.read(int.from_bytes(size))
                    self.asked.append(request)
                    said = bytes.fromhex(self.answers.get(int.from_bytes(request[:2]), ""))
                    if not said:
                        break
                    client.sendall(len(said).to_bytes(4) + said)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a container has below /etc/kafka and /run/secrets."""
    for file in (SERVICES.parent / "lib/member.sh", *KAFKA.glob("server/*"), *KAFKA.glob("objects/*")):
        if file.is_file():
            text = (
                file.read_text().replace("/etc/kafka", str(tmp_path)).replace("/run/secrets", str(tmp_path))
            )
            (tmp_path / file.name).write_text(text.replace("/dev/shm", str(tmp_path)))
    for user in ("controller", "operator", "app", "exporter"):
        (tmp_path / f"kafka_{user}_password").write_text(f"of {user}")
    return tmp_path


def bash(folder: Path, body: str) -> list[str]:
    text = f"cd {folder}; . ./member.sh; . ./wire.sh; HOSTNAME=kafka-1\n{body}"
    done = subprocess.run(["bash", "-u"], input=text, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def asked(folder: Path, answers: dict[int, str], body: str) -> list[str]:
    node = Node(answers)
    return bash(folder, f"login 127.0.0.1 {node.port} operator || echo refused\n{body}")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (FOLLOWER_OF_1, "0 1 11"),
        (NOBODY_LEADS, "0 -1 11"),
        (NEVER_SAW_A_QUORUM, "0 -1 0"),
        (FOLLOWER_OF_1[:60], "1 -1 "),
        ("", "1 -1 "),
    ],
)
def test_a_node_says_who_leads_and_whether_it_ever_saw_a_quorum(folder: Path, answer: str, said: str) -> None:
    assert asked(folder, {**SIGNED_IN, FETCH: answer}, 'ask_member; echo "$? $LEADER $EPOCH"') == [said]


def test_the_password_is_sent_and_a_wrong_one_refused(folder: Path) -> None:
    node = Node(REFUSED)
    assert bash(folder, f"login 127.0.0.1 {node.port} operator || echo refused") == ["refused"]
    assert node.asked[1].endswith(b"\0operator\0of operator")


def test_voters_are_read_with_how_far_they_are_behind(folder: Path) -> None:
    said = asked(folder, {**SIGNED_IN, QUORUM: VOTERS_1_2_3}, 'ask_quorum && printf %s "$VOTERS"')
    assert said == ["1 0", "2 178", "3 128"]


def test_partitions_are_read_with_their_copies(folder: Path) -> None:
    body = 'ask_partitions && echo "$BROKERS" && printf %s "$PARTITIONS"'
    said = asked(folder, {**SIGNED_IN, METADATA: NOTES_WITHOUT_3}, body)
    assert said == ["2", "notes-0 ,1,2,3, ,1,2,", "notes-1 ,2,3,1, ,1,2,", "notes-2 ,3,1,2, ,1,2,"]


def run(folder: Path, script: str, answers: dict[int, str], me: str, verb: str = "") -> tuple[int, str]:
    """A script's exit code and output, in member `me`, whose ports the fake node has."""
    port = str(Node(answers).port)
    text = (folder / script).read_text().replace('"$HOSTNAME" 9093', f"127.0.0.1 {port}")
    text = text.replace('"$HOSTNAME" 9094', f"127.0.0.1 {port}")
    command = ["env", f"HOSTNAME={me}", "bash", "-c", text, script, verb]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout.strip()


@pytest.mark.parametrize(
    ("me", "answer", "role"),
    [
        ("kafka-1", FOLLOWER_OF_1, "PRIMARY"),
        ("kafka-2", FOLLOWER_OF_1, "SECONDARY"),
        ("kafka-1", NOBODY_LEADS, "NONE"),
        ("kafka-1", "", "NONE"),
    ],
)
def test_role_is_what_the_member_itself_knows(folder: Path, me: str, answer: str, role: str) -> None:
    assert run(folder, "ask.sh", {**SIGNED_IN, FETCH: answer}, me, "role") == (0, role)


def test_members_are_those_that_vote(folder: Path) -> None:
    answers = {**SIGNED_IN, QUORUM: VOTERS_1_2_3}
    assert run(folder, "ask.sh", answers, "kafka-2", "members") == (0, "kafka-1\nkafka-2\nkafka-3")
    assert run(folder, "ask.sh", SIGNED_IN, "kafka-2", "members") == (1, "")


@pytest.mark.parametrize(
    ("me", "quorum", "code", "said"),
    [
        (
            "kafka-1",
            VOTERS_1_2_3,
            1,
            "too few other replicas in sync of 3 partitions: notes-0 notes-1 notes-2",
        ),
        ("kafka-3", VOTERS_1_2_3, 0, ""),
        (
            "kafka-3",
            VOTERS_1_2_3.replace("202df9", "202ce9"),
            1,
            "only 1 other controllers of 3 are caught up",
        ),
        ("kafka-3", "", 2, "no controller answers"),
    ],
)
def test_ready_to_stop_says_what_is_missing(folder: Path, me: str, quorum: str, code: int, said: str) -> None:
    answers = {**SIGNED_IN, QUORUM: quorum, METADATA: NOTES_WITHOUT_3}
    assert run(folder, "ready-to-stop", answers, me) == (code, said)


OBJECTS = {
    "topics": [
        {"name": "notes", "partitions": 3, "retention_ms": 60000},
        {"name": "log", "partitions": 6, "config": {"cleanup.policy": "compact,delete"}},
    ],
    "users": [{"name": "app"}],
    "acls": [
        {"user": "app", "topic": "notes", "allow": ["Read", "Write"]},
        {"user": "app", "group": "app", "prefix": True, "allow": ["Read"]},
        {"user": "app", "cluster": "kafka-cluster", "allow": ["DescribeConfigs"]},
        {"user": "app", "topic": "*", "allow": ["Describe"]},
    ],
}
TOPICS = (
    "Topic: notes\tTopicId: NJlqMyDKSHWS6XsJaEDdvQ\tPartitionCount: {count}\tReplicationFactor: 3\t"
    "Configs: min.insync.replicas=2,{settings}\n"
    "\tTopic: notes\tPartition: 0\tLeader: 1\tReplicas: 1,2,3\tIsr: 1,2,3\tElr: \tLastKnownElr: \n"
)
RIGHTS = """\
Current ACLs for resource `ResourcePattern(resourceType=TOPIC, name=notes, patternType=LITERAL)`:
 \t(principal=User:app, host=*, operation=WRITE, permissionType=ALLOW)
\t(principal=User:app, host=*, operation=READ, permissionType=ALLOW)

Current ACLs for resource `ResourcePattern(resourceType=CLUSTER, name=kafka-cluster, patternType=LITERAL)`:
 \t(principal=User:app, host=*, operation=DESCRIBE_CONFIGS, permissionType=ALLOW)
"""
RIGHT = "AclCommand --add --allow-principal User:app"
TOOL = """
tool() {
  case $* in *--describe*) cat topics ;; *--list*) cat rights ;; *) local class=$1
    printf '%s\\n' "${class##*.} ${*:2}" >>calls
    if [[ $* == *-file* ]]; then cat user >>users; fi ;; esac
}
"""


@pytest.fixture
def reconciled(folder: Path) -> Path:
    server = load_declaration(KAFKA / "server/service.yaml", [])
    assert server
    text = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(
        (folder / "objects.j2").read_text()
    )
    (folder / "objects").write_text(text.render(objects=OBJECTS, services={"kafka": server}))
    return folder


def calls(folder: Path, topics: str, rights: str, done: bool = False) -> list[str]:
    (folder / "topics").write_text(topics)
    (folder / "rights").write_text(rights)
    for file in ("calls", "users"):
        (folder / file).write_text("")
    if done:
        (folder / "reconciled").touch()
    script = (
        (folder / "reconcile.sh")
        .read_text()
        .replace('\nmain "$@" </dev/null\n', "")
        .replace("/tmp/user", "user")
    )
    bash(folder, f"{script}\n{TOOL}\nmapfile -t OBJECTS <objects; reconcile")
    return (folder / "calls").read_text().splitlines()


def test_what_is_as_declared_is_left_alone(reconciled: Path) -> None:
    topics = TOPICS.format(count=3, settings="retention.ms=60000")
    log = topics.replace("notes", "log").replace("Count: 3", "Count: 6").replace("retention.ms=60000", "a=b")
    log = log.replace("a=b", "cleanup.policy=compact,delete,a=b")
    rights = RIGHTS + RIGHTS.replace("=notes", "=*").replace("WRITE", "DESCRIBE")
    rights += RIGHTS.replace("TOPIC", "GROUP").replace("=notes", "=app").replace("LITERAL", "PREFIXED")
    assert calls(reconciled, topics + log, rights, done=True) == []


def test_what_is_missing_is_made_and_a_password_is_set_at_every_start(reconciled: Path) -> None:
    assert calls(reconciled, "", "") == [
        "TopicCommand --create --topic notes --partitions 3 --config retention.ms=60000",
        "TopicCommand --create --topic log --partitions 6 --config cleanup.policy=compact,delete",
        "ConfigCommand --alter --entity-type users --entity-name app --add-config-file user",
        f"{RIGHT} --operation Read --operation Write --topic notes --resource-pattern-type LITERAL",
        f"{RIGHT} --operation Read --group app --resource-pattern-type PREFIXED",
        f"{RIGHT} --operation DescribeConfigs --cluster",
        f"{RIGHT} --operation Describe --topic * --resource-pattern-type LITERAL",
    ]
    assert not (reconciled / "user").exists()
    assert (reconciled / "users").read_text() == "SCRAM-SHA-512=iterations=8192,password=of app\n"


def test_partitions_are_added_and_never_taken_away(reconciled: Path) -> None:
    changed = (
        "ConfigCommand --alter --entity-type topics --entity-name notes --add-config retention.ms=[60000]"
    )
    more = "TopicCommand --alter --topic notes --partitions 3"
    few = calls(reconciled, TOPICS.format(count=2, settings="retention.ms=9"), RIGHTS, done=True)
    many = calls(reconciled, TOPICS.format(count=9, settings="retention.ms=9"), RIGHTS, done=True)
    assert (few[:2], many[0]) == ([more, changed], changed)
