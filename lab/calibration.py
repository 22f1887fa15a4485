"""How fast this machine is, so that figures of two machines can be compared."""

from __future__ import annotations

import time

ROUNDS = 5_000_000


def calibration_s() -> float:
    """The seconds that a fixed loop takes on one core, the best of three."""
    return min(_loop_s() for _ in range(3))


def _loop_s() -> float:
    began = time.perf_counter()
    total = 0
    for number in range(ROUNDS):
        total += number * number
    return time.perf_counter() - began
