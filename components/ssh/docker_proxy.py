"""Docker's API by way of whichever manager answers: what is only read is asked again where that failed.

A plugin that gets no answer takes an object for gone, or ends the run; so a manager that dies, restarts or
loses its leader meanwhile must not show. What changes something is sent once.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass
from typing import Protocol

import asyncssh

#: How long a request waits for a manager that answers it; an election takes less. Seconds.
WAIT_S = 30
PAUSE_S = 0.5
CHUNK = 64 * 1024
#: `HTTP/1.1 503`: enough of an answer to tell how it went.
STATUS_LENGTH = 12
#: How a stream that is broken shows.
BROKEN = (OSError, EOFError, asyncssh.Error)
#: Words of swarmkit's passing troubles: no leader, a leader that does not answer.
PASSING = (b"rpc error", b"does not have a leader", b"deadline exceeded")


class Reader(Protocol):
    """Of asyncio and of asyncssh alike."""

    async def read(self, n: int = -1) -> bytes:
        """At most n bytes; none at the end."""


class Writer(Protocol):
    """Of asyncio and of asyncssh alike."""

    def write(self, data: bytes) -> None:
        """Queue bytes."""

    async def drain(self) -> None:
        """Wait until there is room."""

    def write_eof(self) -> None:
        """Say that nothing follows."""

    def close(self) -> None:
        """End it."""


Stream = tuple[Reader, Writer]


@dataclass(frozen=True)
class Link:
    """A stream to a manager; `connection` is what carries it."""

    stream: Stream
    connection: object


class UnavailableError(Exception):
    """No manager answers; the text goes to the client."""


class Managers(Protocol):
    """The way to a manager."""

    async def open(self) -> Link:
        """A stream to the Docker socket of a manager. Raises UnavailableError at once if there is none."""

    def patience_s(self) -> float:
        """How long it is worth waiting for one."""

    def distrust(self, connection: object) -> None:
        """The manager behind a connection gave no answer: the next stream is opened after an election."""


class Conversation:
    """One connection of a client, and the stream to a manager that serves it at the moment."""

    def __init__(self, client: Stream, managers: Managers) -> None:
        self._client, self._managers = client, managers
        self._link: Link | None = None
        self._unanswered = bytearray()
        self._asked_s = 0.0
        self._turn = asyncio.Lock()

    async def hold(self) -> None:
        """Serve the client until it or the manager ends it."""
        reader, writer = self._client
        answers: asyncio.Task[None] | None = None
        try:
            while request := await _read(reader):
                async with self._turn:
                    if not self._unanswered:
                        self._asked_s = time.monotonic()
                    self._unanswered += request
                    if self._link:
                        await _send(self._link.stream, request)
                    else:
                        await self._connect()
                answers = answers or asyncio.create_task(self._answer())
                if answers.done():
                    return
            if answers:
                await self._half_close(answers)
        except UnavailableError as error:
            writer.write(unavailable(str(error)))
        finally:
            await _end(answers)
            self._hang_up()
            writer.close()

    def _hang_up(self) -> None:
        if self._link:
            self._link.stream[1].close()

    async def _half_close(self, answers: asyncio.Task[None]) -> None:
        if self._link and not answers.done():
            with contextlib.suppress(*BROKEN):
                self._link.stream[1].write_eof()
        await asyncio.wait({answers})  # which fails when the client went away

    async def _answer(self) -> None:
        """Hand answers over; begin a request anew that only reads and failed in passing."""
        while self._link:
            answer = await _receive(self._link.stream, bool(self._unanswered))
            if self._unanswered and not settled(answer) and repeatable(self._unanswered):
                if await self._again(self._link):
                    continue
                answer = answer or unavailable("the manager gave no answer")
            if not answer:
                break
            self._unanswered.clear()
            self._client[1].write(answer)
            await self._client[1].drain()
        self._client[1].close()

    async def _again(self, failed: Link) -> bool:
        if time.monotonic() - self._asked_s > WAIT_S:
            return False
        self._managers.distrust(failed.connection)
        await asyncio.sleep(PAUSE_S)
        async with self._turn:
            self._hang_up()
            try:
                await self._connect()
            except UnavailableError:
                return False
        return True

    async def _connect(self) -> None:
        """A stream to a manager that has been sent all that is unanswered. Raises UnavailableError."""
        while True:
            try:
                self._link = await self._managers.open()
                return await _send(self._link.stream, bytes(self._unanswered))
            except UnavailableError:
                if time.monotonic() - self._asked_s + PAUSE_S > self._managers.patience_s():
                    raise
                await asyncio.sleep(PAUSE_S)


def repeatable(request: bytes | bytearray) -> bool:
    """Whether a request only reads."""
    return request.startswith((b"GET ", b"HEAD "))


def settled(answer: bytes) -> bool:
    """Whether an answer's beginning is one to go by: not missing, and no passing trouble of the swarm."""
    status = answer[9:STATUS_LENGTH]
    passing = status == b"503" or (status == b"500" and any(words in answer for words in PASSING))
    return bool(answer) and not passing


def unavailable(text: str) -> bytes:
    """An answer in the form of Docker's own errors."""
    body = json.dumps({"message": text}).encode()
    head = f"HTTP/1.1 503 Service Unavailable\r\nContent-Length: {len(body)}"
    return f"{head}\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n".encode() + body


async def _read(reader: Reader) -> bytes:
    """What comes next; nothing at the end, however it came about."""
    with contextlib.suppress(*BROKEN):
        return await reader.read(CHUNK)
    return b""


async def _receive(stream: Stream, begins: bool) -> bytes:
    """The next piece; of an answer that begins at least its status. Empty when the stream is at its end."""
    received = await _read(stream[0])
    while begins and 0 < len(received) < STATUS_LENGTH and (more := await _read(stream[0])):
        received += more
    return received


async def _send(stream: Stream, data: bytes) -> None:
    """A stream that is broken shows when its answer is read."""
    with contextlib.suppress(*BROKEN):
        stream[1].write(data)
        await stream[1].drain()


async def _end(task: asyncio.Task[None] | None) -> None:
    if task and not task.done():
        task.cancel()
    if task:
        await asyncio.gather(task, return_exceptions=True)
