"""Writes to the topic `ledger`, to its partitions in turn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

TOPIC, PARTITIONS = "ledger", 3
#: What a client must set, docs/decisions/0023-kafka.md: a dead member swallows what is sent to it.
ANSWER_MS = 2000


def login() -> dict[str, Any]:
    """Return what producer and consumer share."""
    return {
        "bootstrap_servers": [f"kafka-{number}:9092" for number in (1, 2, 3)],
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "app",
        "sasl_plain_password": Path("/run/secrets/kafka_app_password").read_text().strip(),
        "allow_auto_create_topics": False,
        "metadata_max_age_ms": 2000,
        "reconnect_backoff_max_ms": 500,
        "bootstrap_timeout_ms": ANSWER_MS,
        "request_timeout_ms": ANSWER_MS,
    }


class Client:
    """Each record is acknowledged by all in sync, two of three at least; its key is the run's name."""

    def __init__(self, run: str) -> None:
        self.run = run.encode()
        self.producer = KafkaProducer(
            **login(),
            acks="all",
            enable_idempotence=False,
            retries=0,
            max_block_ms=ANSWER_MS,
            delivery_timeout_ms=ANSWER_MS + 500,
        )

    def write(self, number: int) -> None:
        """Return when it is acknowledged."""
        sent = self.producer.send(TOPIC, str(number).encode(), self.run, partition=number % PARTITIONS)
        sent.get(timeout=5)

    def numbers(self) -> set[int]:
        """Return the numbers of this run, from the beginning to what is the end now."""
        found = set()
        consumer = KafkaConsumer(**login(), group_id=None, enable_auto_commit=False)
        try:
            partitions = [TopicPartition(TOPIC, number) for number in range(PARTITIONS)]
            consumer.assign(partitions)
            ends = consumer.end_offsets(partitions)
            consumer.seek_to_beginning(*partitions)
            while any(consumer.position(each) < end for each, end in ends.items()):
                for records in consumer.poll(500).values():
                    found |= {int(record.value) for record in records if record.key == self.run}
        finally:
            consumer.close()
        return found

    def close(self) -> None:
        """Hang up."""
        self.producer.close(timeout=0)
