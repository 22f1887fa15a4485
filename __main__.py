# ruff: noqa: E402 - the imports are half of what looking for garbage costs
"""The Beta environment of the platform: read and plan, observe, declare, export."""

from __future__ import annotations

import gc

# A run lives for seconds and needs what it makes; looking for garbage took 17 to 44 % of its CPU time.
gc.disable()

import os

import pulumi

from components.environment import declare
from components.errors import ConfigurationError
from components.identity import RUN
from components.lock.holder import NoLockError
from components.observation import observation
from components.reading import read
from components.sdk import drop_debug_lines
from components.stack_engine import from_engine


def main() -> None:
    """Raises pulumi.RunError, whose text Pulumi shows without a traceback, for what is faulty or unsafe."""
    drop_debug_lines()
    try:
        raw = from_engine()
        reading = read(raw)
        acts = not pulumi.runtime.is_dry_run()
        locked = bool(os.environ.get(RUN))
        observed = observation(reading.plan, acts, locked)
        if acts and not locked:
            from components.lock.run_lock import RunLock

            RunLock(reading.plan.settings, "pulumi up").acquire()
    except (ConfigurationError, NoLockError) as error:
        raise pulumi.RunError(str(error)) from None
    for sentence in (*reading.warnings, *observed.unseen):
        pulumi.log.warn(sentence)
    for name, value in declare(reading, observed, raw.secrets).items():
        pulumi.export(name, value)


main()
