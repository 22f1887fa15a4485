"""How fast this machine is, so that figures of two machines can be compared."""

from __future__ import annotations

import time

ROUNDS = 5_000_000


def calibration_s() -> float:
    """The seconds of CPU that a fixed loop takes, the best of three."""
    return min(_loop_s() for _ in range(3))


def _loop_s() -> float:
    began = time.process_time()
    total = 0
    for number in range(ROUNDS):
        total += number * number
    return time.process_time() - began
