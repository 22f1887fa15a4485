"""A writer that keeps a ledger: what was acknowledged, how long nothing was, and what is there in the end.

Runs inside the overlay network, in the image lab/images/ledger, which has the drivers; nothing of this
repository is imported, so that the file can be handed to `python3 -` by stdin. Usage:

    ledger.py STORE RUN SECONDS     STORE: mysql, redis, redis-plain, mongodb; RUN: a name for this run

Passwords come from the files of /run/secrets. Prints JSON lines: {"event": "begin"} with the first accepted
write, {"event": "gap", …} when writes are accepted again after more than GAP_S, and in the end
{"event": "end", …} with the counts and what was lost. SIGTERM ends the writing, and the reading back
follows; with 0 SECONDS there is only that.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path
from typing import Any, Protocol

GAP_S = 0.5
PATIENCE_S = 180
#: Some 50 writes a second: enough to see every gap, and the machine stays at leisure.
PAUSE_S = 0.015


class Store(Protocol):
    """One data store: `write` returns when it is acknowledged, else raises."""

    def write(self, number: int) -> None: ...

    def numbers(self) -> set[int]: ...

    def close(self) -> None: ...


def secret(name: str) -> str:
    return Path("/run/secrets", name).read_text().strip()


class MySql:
    """Through the router, a transaction of two statements each; the read-back goes to the writable member."""

    def __init__(self, run: str) -> None:
        import pymysql

        self.run = run
        self.connection: Any = pymysql.connect(
            host="mysql",
            port=3306,
            user="app",
            password=secret("mysql_app_password"),
            database="app",
            connect_timeout=1,
            read_timeout=3,
            write_timeout=3,
            ssl_ca="/run/secrets/internal_ca_certificate",
            ssl_verify_cert=True,
            ssl_verify_identity=True,
            autocommit=False,
        )
        with self.connection.cursor() as cursor:
            cursor.execute("SHOW TABLES LIKE 'ledger'")
            if not cursor.fetchone():
                cursor.execute(
                    "CREATE TABLE IF NOT EXISTS ledger (run VARCHAR(64), number INT, half TINYINT, "
                    "at TIMESTAMP(3) DEFAULT CURRENT_TIMESTAMP(3), PRIMARY KEY (run, number, half))"
                )

    def write(self, number: int) -> None:
        with self.connection.cursor() as cursor:
            for half in (1, 2):
                cursor.execute(
                    "INSERT INTO ledger (run, number, half) VALUES (%s, %s, %s)", (self.run, number, half)
                )
        self.connection.commit()

    def numbers(self) -> set[int]:
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT number, COUNT(*) FROM ledger WHERE run = %s GROUP BY number", (self.run,))
            rows = cursor.fetchall()
        if torn := [number for number, halves in rows if halves != 2]:
            raise AssertionError(f"transactions of which one half is there: {torn[:5]}")
        return {number for number, _ in rows}

    def close(self) -> None:
        self.connection.close()


class Redis:
    """Through Sentinel, each write followed by WAIT 1 (or without: what may be lost then)."""

    def __init__(self, run: str, wait: bool = True) -> None:
        from redis.sentinel import Sentinel

        login = {"username": "app", "password": secret("redis_app_password")}
        self.key, self.wait = f"ledger:{run}:{'sure' if wait else 'plain'}", wait
        sentinel = Sentinel(
            [(f"redis-sentinel-{number}", 26379) for number in (1, 2, 3)],
            socket_timeout=1,
            sentinel_kwargs={
                "username": "app",
                "password": secret("redis_app_password"),
                "socket_timeout": 1,
            },
        )
        self.client: Any = sentinel.master_for("redis-master", socket_timeout=2, **login)

    def write(self, number: int) -> None:
        # One connection for both: WAIT speaks of the writes of its own connection only.
        batch = self.client.pipeline(transaction=False).sadd(self.key, number)
        if self.wait:
            batch.execute_command("WAIT", 1, 1000)
        answers = batch.execute()
        if self.wait and answers[1] < 1:
            raise ConnectionError("no replica has confirmed it")

    def numbers(self) -> set[int]:
        return {int(item) for item in self.client.smembers(self.key)}

    def close(self) -> None:
        self.client.connection_pool.disconnect()


class MongoDb:
    """The replica set by its members' names, majority writes."""

    def __init__(self, run: str) -> None:
        from pymongo import MongoClient, ReadPreference, WriteConcern

        hosts = ",".join(f"mongodb-{number}:27017" for number in (1, 2, 3))
        self.client: Any = MongoClient(
            f"mongodb://{hosts}/?replicaSet=rs0&retryWrites=true&authSource=admin",
            username="app",
            password=secret("mongodb_app_password"),
            connectTimeoutMS=2000,
            serverSelectionTimeoutMS=2000,
            socketTimeoutMS=3000,
        )
        self.ledger = self.client.get_database(
            "platform",
            write_concern=WriteConcern("majority", wtimeout=3000),
            read_preference=ReadPreference.PRIMARY,
        )[f"ledger_{run}"]

    def write(self, number: int) -> None:
        self.ledger.insert_one({"_id": number})

    def numbers(self) -> set[int]:
        return {item["_id"] for item in self.ledger.find({}, {"_id": 1})}

    def close(self) -> None:
        self.client.close()


STORES: dict[str, Any] = {
    "mysql": MySql,
    "redis": Redis,
    "redis-plain": lambda run: Redis(run, wait=False),
    "mongodb": MongoDb,
}


class Ledger:
    """Numbers in order, each written once; what was acknowledged and what is unknown."""

    def __init__(self, store: str, run: str) -> None:
        self.kind, self.run = store, run
        self.store: Store | None = None
        self.acknowledged: set[int] = set()
        self.unknown: set[int] = set()
        self.longest_gap_s = 0.0
        self.began_s = self.last_s = time.monotonic()
        self.error = ""

    def make(self) -> Store:
        made: Store = STORES[self.kind](self.run)
        return made

    def write(self, number: int) -> None:
        """One try; it counts as acknowledged only when the store said so."""
        try:
            self.store = self.store or self.make()
            self.store.write(number)
        except Exception as fault:
            self.error = f"{type(fault).__name__}: {fault}"[:200]
            self.unknown.add(number)
            self.drop()
            time.sleep(0.05)
            return
        now = time.monotonic()
        if not self.acknowledged:
            self.last_s = now
            say(event="begin", after_s=round(now - self.began_s, 2))
        self.acknowledged.add(number)
        gap, self.last_s = now - self.last_s, now
        self.longest_gap_s = max(self.longest_gap_s, gap)
        if gap > GAP_S:
            say(event="gap", seconds=round(gap, 2), ended=time.time(), after=self.error)

    def drop(self) -> None:
        store, self.store = self.store, None
        try:
            if store:
                store.close()
        except Exception:
            return

    def present(self) -> set[int]:
        """What is there, on a connection of its own; tried until PATIENCE_S are over."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            self.drop()
            try:
                self.store = self.make()
                return self.store.numbers()
            except AssertionError:
                raise
            except Exception as fault:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"could not be read back: {fault}") from fault
                time.sleep(1)


def say(**values: Any) -> None:
    print(json.dumps(values), flush=True)


def main(store: str, run: str, seconds: float) -> int:
    ledger, running = Ledger(store, run), [True]
    signal.signal(signal.SIGTERM, lambda *_: running.clear())
    number = 0
    while running and time.monotonic() - ledger.began_s < seconds:
        number += 1
        ledger.write(number)
        time.sleep(PAUSE_S)
    ended_s = time.monotonic()
    silent = ended_s - ledger.last_s
    present = ledger.present()
    lost = sorted(ledger.acknowledged - present)
    say(
        event="end",
        acknowledged=len(ledger.acknowledged),
        refused=len(ledger.unknown - present),
        written_unacknowledged=len(ledger.unknown & present),
        lost=len(lost),
        first_lost=lost[:5],
        foreign=len(present - ledger.acknowledged - ledger.unknown),
        present=len(present),
        longest_gap_s=round(max(ledger.longest_gap_s, silent), 2),
        per_s=round(len(ledger.acknowledged) / max(ended_s - ledger.began_s, 1)),
        last_error=ledger.error,
    )
    return 1 if lost else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
