"""Who holds the run lock, as it is written on a host and told to a person: pure."""

from __future__ import annotations

import getpass
import json
import os
import secrets
import socket
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True)
class Claim:
    """A run that wants the lock: its id, who runs it where, since when (ISO, UTC) and what it does."""

    what: str
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    owner: str = field(default_factory=lambda: f"{getpass.getuser()}@{socket.gethostname()}")
    pid: int = field(default_factory=os.getpid)
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def text(self) -> str:
        """One line of JSON, as break.sh looks into it."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Holder:
    """A claim that holds the lock on a host, `age_s` seconds old by that host's clock; None: unreadable."""

    claim: Claim | None
    age_s: int | None

    def sentence(self) -> str:
        """`ann@desk runs ops up (lab) since 3 min, as run 1f2e3d4c (process 812)`."""
        if self.claim is None:
            return "somebody whose description can't be read"
        claim, age = self.claim, "an unknown time" if self.age_s is None else in_words(self.age_s)
        return (
            f"{claim.owner} runs {claim.what} since {age} ({claim.started}), "
            f"as run {claim.run} (process {claim.pid})"
        )


def parse_holder(text: str) -> Holder | None:
    """What show.sh or a refused hold.sh said; None when the lock is free or was taken."""
    lines = text.strip().splitlines()
    if not lines or not lines[0].startswith("held "):
        return None
    try:
        since, claim = int(lines[1].split()[1]), Claim(**json.loads(lines[2]))
        return Holder(claim, max(0, int(lines[0].split()[1]) - since))
    except (IndexError, ValueError, TypeError):
        return Holder(None, None)


def in_words(seconds: int) -> str:
    """`12 s`, `3 min`, `2 h 5 min`, `3 d 4 h`."""
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if not minutes:
        return f"{seconds} s"
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes % 60} min" if not days else f"{days} d {hours % 24} h"


class NoLockError(Exception):
    """The lock could not be taken; the text says where, what and what to do."""


class LockedError(NoLockError):
    """Another run holds the lock on `holders` (by node)."""

    def __init__(self, holders: Mapping[str, Holder]) -> None:
        self.holders = dict(holders)
        super().__init__(refusal(holders))


def refusal(holders: Mapping[str, Holder]) -> str:
    """Who holds it, where, and how to break it on purpose; nodes with the same holder in one line."""
    where: dict[str, list[str]] = {}
    for node, holder in holders.items():
        where.setdefault(holder.claim.run if holder.claim else "", []).append(node)
    lines = []
    for run, nodes in where.items():
        remedy = f"wait for it, or break it on purpose: python -m ops unlock --run {run or 'ID'}"
        lines.append(f"run lock on {', '.join(nodes)}: {holders[nodes[0]].sentence()}; {remedy}")
    return "\n".join(lines)


def without_majority(wanted: int, unreachable: Mapping[str, str]) -> str | None:
    """Why a lock on `wanted` managers but the `unreachable` (name: reason) won't do; None when it will."""
    if wanted > len(unreachable):
        return None
    reasons = "; ".join(f"{name}: {reason}" for name, reason in unreachable.items())
    return f"run lock: no manager can be reached ({reasons}); see that one answers SSH, then run again"


def loss(lost: Sequence[str], kept: Sequence[str]) -> str:
    """What is said when sessions that held the lock ended by themselves."""
    rest = f"still held on {', '.join(kept)}" if kept else "held nowhere any more: another run may begin"
    return f"run lock: lost on {', '.join(lost)}, {rest}"
