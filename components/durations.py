"""Lengths of time as Go and the Docker provider write them."""

from __future__ import annotations

from collections.abc import Mapping

from components.declaration import Declaration

#: Before the provider first looks whether a service's tasks run.
CONVERGE_DELAY = "1s"


def duration(seconds: int) -> str:
    """As the provider reads it back (`1m30s`, `1h`, `1h0m5s`), so that it never shows as a change."""
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    parts = [(hours, "h"), (minutes, "m"), (left, "s")]
    while len(parts) > 1 and parts[0][0] == 0:
        parts.pop(0)
    while len(parts) > 1 and parts[-1][0] == 0:
        parts.pop()
    return "".join(f"{number}{unit}" for number, unit in parts)


def convergence(service: Declaration, timeout_s: int) -> Mapping[str, str] | None:
    """How long a run waits for healthy tasks; for a global service the provider refuses to."""
    if service.mode == "global":
        return None
    return {"delay": CONVERGE_DELAY, "timeout": duration(timeout_s)}
