"""Sends to the topic `ledger`, to its queues in turn, by RocketMQ's remoting protocol.

https://github.com/apache/rocketmq/blob/develop/docs/en/Design_Remoting.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAME_SERVERS = [f"rocketmq-namesrv-{number}" for number in (1, 2, 3)]
TOPIC, GROUP, QUEUES = "ledger", "ledger", 3
SEND, PULL, GET_MAX_OFFSET, GET_ROUTE = 10, 11, 30, 105
DONE = 0
CONNECT_S, ANSWER_S, SUBSCRIPTION = 1, 3, 4
#: A message's head up to the length of its body; store host and born host are IPv4.
HEAD = struct.Struct(">iiiiiqqiq8sq8siqi")


class Client:
    """A message counts when the broker says SEND_OK: it is on two disks at least."""

    def __init__(self, run: str) -> None:
        self.run = run
        self.password = Path("/run/secrets/rocketmq_app_password").read_text().strip()
        self.broker = self._connect(*self._master())

    def write(self, number: int) -> None:
        """Return when it is acknowledged."""
        fields = {
            "producerGroup": GROUP,
            "topic": TOPIC,
            "defaultTopic": "TBW102",
            "defaultTopicQueueNums": QUEUES,
            "queueId": number % QUEUES,
            "sysFlag": 0,
            "bornTimestamp": int(time.time() * 1000),
            "flag": 0,
            "properties": "",
            "reconsumeTimes": 0,
            "unitMode": "false",
            "batch": "false",
        }
        code, header, _ = self._ask(self.broker, SEND, fields, f"{self.run} {number}".encode())
        if code != DONE:
            raise ConnectionError(f"not kept: {code} {header.get('remark')}")

    def numbers(self) -> set[int]:
        """Return the numbers of this run, from the first message to what is the last now."""
        found: set[int] = set()
        for queue in range(QUEUES):
            place = {"topic": TOPIC, "queueId": queue}
            _, header, _ = self._ask(self.broker, GET_MAX_OFFSET, place)
            end, offset = int(header["extFields"]["offset"]), 0
            while offset < end:
                fields = {
                    **place,
                    "consumerGroup": GROUP,
                    "queueOffset": offset,
                    "maxMsgNums": 32,
                    "sysFlag": SUBSCRIPTION,
                    "commitOffset": 0,
                    "suspendTimeoutMillis": 0,
                    "subscription": "*",
                    "subVersion": 0,
                    "expressionType": "TAG",
                }
                _, header, body = self._ask(self.broker, PULL, fields)
                offset = int(header["extFields"]["nextBeginOffset"])
                texts = (text.decode().split() for text in bodies(body))
                found |= {int(number) for run, number in texts if run == self.run}
        return found

    def close(self) -> None:
        """Hang up."""
        self.broker.close()

    def _master(self) -> tuple[str, int]:
        for server in NAME_SERVERS:
            try:
                with self._connect(server, 9876) as asked:
                    _, _, body = self._ask(asked, GET_ROUTE, {"topic": TOPIC})
            except OSError:
                continue
            # fastjson writes keys without quotes.
            if master := re.search(r'[{,]"?0"?:"([^":]+):(\d+)"', body.decode()):
                return master[1], int(master[2])
        raise ConnectionError("no name server knows a master")

    def _connect(self, host: str, port: int) -> socket.socket:
        made = socket.create_connection((host, port), timeout=CONNECT_S)
        made.settimeout(ANSWER_S)
        return made

    def _ask(
        self, asked: socket.socket, code: int, fields: dict[str, Any], body: bytes = b""
    ) -> tuple[int, dict[str, Any], bytes]:
        values = {"AccessKey": "app", **{key: str(value) for key, value in fields.items()}}
        signed = "".join(values[key] for key in sorted(values)).encode() + body
        digest = hmac.digest(self.password.encode(), signed, hashlib.sha1)
        header = {
            "code": code,
            "flag": 0,
            "language": "OTHER",
            "opaque": 1,
            "serializeTypeCurrentRPC": "JSON",
            "version": 500,
            "extFields": {**values, "Signature": base64.b64encode(digest).decode()},
        }
        head = json.dumps(header).encode()
        asked.sendall(struct.pack(">ii", 4 + len(head) + len(body), len(head)) + head + body)
        total, length = struct.unpack(">ii", read(asked, 8))
        answer = json.loads(read(asked, length & 0xFFFFFF))
        return answer["code"], answer, read(asked, total - 4 - (length & 0xFFFFFF))


def bodies(text: bytes) -> Iterator[bytes]:
    """Each message's body, of what a pull answers."""
    while text:
        size, *_, length = HEAD.unpack_from(text)
        yield text[HEAD.size : HEAD.size + length]
        text = text[size:]


def read(asked: socket.socket, size: int) -> bytes:
    """Exactly so many bytes."""
    found = b""
    while len(found) < size:
        part = asked.recv(size - len(found))
        if not part:
            raise ConnectionError("hung up")
        found += part
    return found
