"""Where the time of one `pulumi preview` goes, by the moments at which its events arrive here.

The events' own timestamps are whole seconds, so the stream of `--json` is read as it comes, within
milliseconds. It holds the program's debug messages too, one of which tells that Python is up.
https://github.com/pulumi/pulumi/blob/v3.259.0/sdk/go/common/apitype/events.go (EngineEvent)
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.bench.cost import StoppedError

STREAM = {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}
#: The SDK's first message, sent when the program's first line has yet to run.
PROGRAM_BEGINS = "registering resource: ty=pulumi:pulumi:Stack"
PARTS = ("start", "refresh", "Python starts", "program until its first resource", "resources", "end")


@dataclass(frozen=True)
class Event:
    """An engine event, and how many seconds after the command's start it arrived."""

    at_s: float
    content: Mapping[str, Any]

    @property
    def step(self) -> str:
        """The operation of a step that begins, such as refresh or same; empty for other events."""
        return str(self._metadata("resourcePreEvent").get("op", ""))

    @property
    def is_of_a_resource(self) -> bool:
        return bool(self._metadata("resourcePreEvent") or self._metadata("resOutputsEvent"))

    @property
    def message(self) -> str:
        return str(self.content.get("diagnosticEvent", {}).get("message", ""))

    def _metadata(self, kind: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.content.get(kind, {}).get("metadata", {})
        return found


def preview_parts(cwd: Path, environment: Mapping[str, str]) -> dict[str, float]:
    """The parts of one `pulumi preview` in seconds. Raises StoppedError."""
    command = ["pulumi", "--non-interactive", "preview", "--json", "--expect-no-changes"]
    began_s = time.monotonic()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**environment, **STREAM},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        assert process.stdout
        lines = [(time.monotonic() - began_s, line) for line in process.stdout]
        code, ended_s = process.wait(), time.monotonic() - began_s
        errors.seek(0)
        if code:
            raise StoppedError(f"{' '.join(command)}: exit code {code}\n{errors.read().decode()[-2000:]}")
    return parts(parse(lines), ended_s)


def parse(lines: Iterable[tuple[float, bytes]]) -> list[Event]:
    """The events of a stream, each line with its time of arrival; what is no event is passed over."""
    return [Event(at_s, json.loads(line)) for at_s, line in lines if line.startswith(b'{"sequence"')]


def parts(events: Sequence[Event], ended_s: float) -> dict[str, float]:
    """The seconds of every part; together they are `ended_s`. Raises StoppedError."""
    refresh = _first(events, lambda event: event.step == "refresh", "the refresh")
    begins = _first(events, lambda event: event.message.startswith(PROGRAM_BEGINS), "the program")
    after = [event for event in events if event.at_s >= begins]
    first = _first(after, lambda event: bool(event.step), "the first resource")
    refreshed = max(event.at_s for event in events if event.is_of_a_resource and event.at_s < begins)
    last = max(event.at_s for event in events if event.is_of_a_resource)
    moments = [0.0, refresh, refreshed, begins, first, last, ended_s]
    spent = [end - begin for begin, end in pairwise(moments)]
    return dict(zip(PARTS, spent, strict=True))


def _first(events: Iterable[Event], is_it: Callable[[Event], bool], what: str) -> float:
    for event in events:
        if is_it(event):
            return event.at_s
    raise StoppedError(f"pulumi preview --json: no event tells when {what} began")
