"""Publishes to three quorum queues in turn, each with its leader: a gap of one is a gap of the writer."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from pathlib import Path

import amqp

HOSTS = [f"rabbitmq-{number}:5672" for number in (1, 2, 3)]
QUEUES = 3
CONNECT_S, CONFIRM_S = 2, 3
#: A queue that nobody uses for an hour goes.
ARGUMENTS = {"x-queue-type": "quorum", "x-expires": 3_600_000}


class Client:
    """Each message is confirmed: on the disks of a majority. One that is not in CONFIRM_S is unknown."""

    def __init__(self, run: str) -> None:
        self.queues = [f"ledger-{run}-{number}" for number in range(QUEUES)]
        self.connection = amqp.Connection(
            host=random.choice(HOSTS),
            userid="app",
            password=Path("/run/secrets/rabbitmq_app_password").read_text().strip(),
            virtual_host="platform",
            confirm_publish=True,
            connect_timeout=CONNECT_S,
            read_timeout=CONFIRM_S,
            write_timeout=CONFIRM_S,
        )
        self.connection.connect()
        self.channel = self.connection.channel()
        for queue in self.queues:
            self.channel.queue_declare(queue, durable=True, auto_delete=False, arguments=ARGUMENTS)

    def write(self, number: int) -> None:
        """Return when a majority of the queue's copies has it; a message without a queue is a fault."""
        message = amqp.Message(str(number), delivery_mode=2)
        queue = self.queues[number % QUEUES]
        self.channel.basic_publish(message, routing_key=queue, mandatory=True, confirm_timeout=CONFIRM_S)

    def numbers(self) -> set[int]:
        """Return the numbers of this run. Nothing is taken out: it goes back with the connection.

        Another reader that has just failed may still hold some: then they are not all there yet.
        """
        found = Counter(itertools.chain.from_iterable(map(self._contents, self.queues)))
        twice = [number for number, times in found.items() if times > 1]
        if twice:
            raise AssertionError(f"there more than once: {twice[:5]}")
        return set(found)

    def _contents(self, queue: str) -> list[int]:
        numbers = []
        while message := self.channel.basic_get(queue):
            numbers.append(int(message.body))
        return numbers

    def close(self) -> None:
        """Hang up, whatever state the connection is in: what it holds goes back at once."""
        self.connection.collect()
