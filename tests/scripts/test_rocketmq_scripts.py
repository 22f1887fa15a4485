"""RocketMQ's scripts: the remoting protocol against a small server, and the controllers' answers."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import socketserver
import struct
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CONFIGS = Path(__file__).parents[2] / "configs"
FOLDER = CONFIGS / "services/rocketmq"
ENGINE = "HOSTNAME=rocketmq-broker-1 ROCKETMQ_NAMESRV_MEMBERS=127.0.0.1\n"
ENGINE += "MEMBERS='rocketmq-broker-1 rocketmq-broker-2 rocketmq-broker-3'\n"


def shell(body: str, *scripts: str) -> str:
    """What `body` prints after the scripts' functions are known."""
    files = [CONFIGS / "lib/member.sh", *(FOLDER / name for name in scripts)]
    text = ENGINE + "".join(file.read_text() for file in files) + body
    done = subprocess.run(["bash", "-uo", "pipefail"], input=text, capture_output=True, text=True, timeout=30)
    return done.stdout


class Server(socketserver.ThreadingTCPServer):
    """Answers every question by the same code and body, and keeps what it was asked."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, extra: dict[str, str], body: str, code: int = 0) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[dict[str, Any], str]] = []
        answer = {"code": code, "extFields": extra, "remark": "as you say"}
        self.answer = (
            json.dumps(answer, separators=(",", ":")).encode(),
            body.encode(),
        )


class Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        while length := self.rfile.read(4):
            frame = self.rfile.read(struct.unpack(">I", length)[0])
            size = struct.unpack(">I", frame[:4])[0] & 0xFFFFFF
            server.asked.append((json.loads(frame[4 : 4 + size]), frame[4 + size :].decode()))
            header, body = server.answer
            self.wfile.write(struct.pack(">II", 4 + len(header) + len(body), len(header)) + header + body)


@contextlib.contextmanager
def serving(extra: dict[str, str], body: str = "", code: int = 0) -> Iterator[Server]:
    with Server(extra, body, code) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def port(server: Server) -> int:
    number = server.server_address[1]
    assert isinstance(number, int)
    return number


def test_a_question_is_framed_and_its_answer_read_to_the_byte() -> None:
    body = json.dumps({"text": "ü" * 300})
    with serving({"a": "b"}, body) as server:
        said = shell(
            f"link 127.0.0.1 {port(server)} && ask 1006 '[\"broker-a\"]' brokerName x y 1 && ask 17 '' && "
            'echo "$ANSWER_CODE $ANSWER_BODY"',
            "namesrv/remoting.sh",
        )
    assert said.strip() == f"0 {body}"
    (header, asked), (second, nothing) = server.asked
    assert (header["code"], header["extFields"], asked) == (
        1006,
        {"brokerName": "x", "y": "1"},
        '["broker-a"]',
    )
    assert (second["code"], second["extFields"], nothing) == (17, {}, "")


def test_a_signed_question_has_the_signature_that_the_broker_makes() -> None:
    password = "Ab1" * 10
    with serving({}) as server:
        shell(
            f"secret() {{ SECRET={password}; }}\nlink 127.0.0.1 {port(server)} inner-1 any && "
            "ask 3001 '{\"a\":1}' username app",
            "namesrv/remoting.sh",
        )
    [(header, body)] = server.asked
    signed = "inner-1" + "app" + body
    signature = base64.b64encode(hmac.new(password.encode(), signed.encode(), hashlib.sha1).digest()).decode()
    assert header["extFields"] == {"AccessKey": "inner-1", "username": "app", "Signature": signature}


def test_a_refusal_is_told_and_fails() -> None:
    with serving({}, code=16) as server:
        said = shell(
            'log_once() { echo "$*"; }\n'
            f"link 127.0.0.1 {port(server)} && done_by 25 'a=b' || echo failed",
            "namesrv/remoting.sh",
        )
    assert said.splitlines() == ["request 25 refused: 16 as you say", "failed"]


def test_nobody_there_is_no_answer() -> None:
    assert shell("link 127.0.0.1 1 || echo closed", "namesrv/remoting.sh").strip() == "closed"


@pytest.mark.parametrize(("leader", "expected"), [("127.0.0.1:9878", "linked"), ("", "nobody")])
def test_the_leading_controller_is_linked(leader: str, expected: str) -> None:
    with serving({"controllerLeaderAddress": leader, "isLeader": "true"}) as server:
        said = _linked(port(server))
    assert said == expected


def _linked(number: int) -> str:
    files = [CONFIGS / "lib/member.sh", FOLDER / "namesrv/remoting.sh", FOLDER / "namesrv/controllers.sh"]
    text = ENGINE + "".join(file.read_text() for file in files).replace(
        "CONTROLLER_PORT=9878", f"CONTROLLER_PORT={number}"
    )
    text += "if link_leader; then echo linked; else echo nobody; fi"
    done = subprocess.run(["bash", "-uo", "pipefail"], input=text, capture_output=True, text=True, timeout=30)
    return done.stdout.strip()


def replica(name: str, number: int, alive: bool = True) -> dict[str, Any]:
    return {"alive": alive, "brokerAddress": f"{name}:10911", "brokerId": number, "brokerName": "broker-a"}


def replicas(master: str | None, in_sync: list[dict[str, Any]], others: list[dict[str, Any]]) -> str:
    of_set = {
        "inSyncReplicas": in_sync,
        "masterEpoch": 3,
        "notInSyncReplicas": others,
        "syncStateSetEpoch": 4,
    }
    leader = {} if master is None else {"masterAddress": f"{master}:10911", "masterBrokerId": 2}
    text = json.dumps({"replicasInfoTable": {"broker-a": {**of_set, **leader}}}, sort_keys=True)
    return text.replace(" ", "")


ONE, TWO, THREE = (f"rocketmq-broker-{number}" for number in (1, 2, 3))
CASES = [
    (replicas(ONE, [replica(ONE, 1), replica(TWO, 2)], [replica(THREE, 3)]), "PRIMARY|2||rocketmq-broker-3"),
    (
        replicas(
            TWO,
            [replica(TWO, 2), replica(ONE, 4)],
            [replica(ONE, 1, alive=False), replica(ONE, 3, alive=False)],
        ),
        "SECONDARY|2|1;3|rocketmq-broker-3",
    ),
    (
        replicas(TWO, [replica(TWO, 2)], [replica(ONE, 1), replica(ONE, 3)]),
        "NONE|1||rocketmq-broker-1, rocketmq-broker-3",
    ),
    (
        replicas(None, [replica(ONE, 1, alive=False)], []),
        "NONE|0||rocketmq-broker-1, rocketmq-broker-2, rocketmq-broker-3",
    ),
    (replicas(THREE, [replica(ONE, 1), replica(TWO, 2), replica(THREE, 3)], []), "SECONDARY|3||"),
]


@pytest.mark.parametrize(("answer", "expected"), CASES)
def test_the_set_is_read_from_the_controllers_answer(answer: str, expected: str) -> None:
    body = f"read_set '{answer}'; missing; echo \"$ROLE|$IN_SYNC_COUNT|$STALE_IDS|$MISSING\""
    said = shell(body, "namesrv/remoting.sh", "namesrv/controllers.sh", "broker/set.sh")
    assert said.strip() == expected
