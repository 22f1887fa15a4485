"""A writer that keeps a ledger: what was acknowledged, how long nothing was, and what is there in the end.

Runs inside the overlay network, in an image that has the service's driver; nothing of this repository is
imported. Beside it lies `client.py` of the service's folder. Usage:

    ledger.py RUN SECONDS [VARIANT]     RUN: a name for this run; VARIANT: another way of the client to write

Prints JSON lines: {"event": "begin"} with the first accepted write, {"event": "gap", …} when writes are
accepted again after more than GAP_S, and in the end {"event": "end", …} with the counts and what was lost.
SIGTERM ends the writing, and the reading back follows; with 0 SECONDS there is only that.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable
from typing import Any, Protocol

GAP_S = 0.5
PATIENCE_S = 180
#: Some 50 writes a second: enough to see every gap, and the machine stays at leisure.
PAUSE_S = 0.015


class Client(Protocol):
    """`write` returns when the number is acknowledged, else raises; `numbers` are those of this run.

    `numbers` raises AssertionError when what is there contradicts itself.
    """

    def write(self, number: int) -> None: ...

    def numbers(self) -> set[int]: ...

    def close(self) -> None: ...


class Ledger:
    """Numbers in order, each written once; what was acknowledged and what is unknown."""

    def __init__(self, connect: Callable[[], Client]) -> None:
        self.connect = connect
        self.client: Client | None = None
        self.acknowledged: set[int] = set()
        self.unknown: set[int] = set()
        self.longest_gap_s = 0.0
        self.began_s = self.last_s = time.monotonic()
        self.error = ""

    def write(self, number: int) -> None:
        """One try; it counts as acknowledged only when the service said so."""
        try:
            self.client = self.client or self.connect()
            self.client.write(number)
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
        client, self.client = self.client, None
        try:
            if client:
                client.close()
        except Exception:
            return

    def present(self) -> set[int]:
        """What is there, on a connection of its own; tried until PATIENCE_S are over."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            self.drop()
            try:
                self.client = self.connect()
                return self.client.numbers()
            except AssertionError:
                raise
            except Exception as fault:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"could not be read back: {fault}") from fault
                time.sleep(1)


def say(**values: Any) -> None:
    print(json.dumps(values), flush=True)


def main(connect: Callable[[], Client], seconds: float) -> int:
    ledger, running = Ledger(connect), [True]
    signal.signal(signal.SIGTERM, lambda *_: running.clear())
    number = 0
    while running and time.monotonic() - ledger.began_s < seconds:
        number += 1
        ledger.write(number)
        time.sleep(PAUSE_S)
    ended_s = time.monotonic()
    silent = ended_s - ledger.last_s
    if silent > GAP_S:  # it has not ended yet
        say(event="gap", seconds=round(silent, 2), ended=time.time(), after=ledger.error)
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
    import client  # type: ignore[import-not-found]

    raise SystemExit(main(lambda: client.Client(sys.argv[1], *sys.argv[3:]), float(sys.argv[2])))
