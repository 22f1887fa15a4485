"""Progress lines: what is being done, and the seconds since the start."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

# A table in a log file must not be squeezed into 80 columns.
console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)
_start = time.monotonic()
_lock = threading.Lock()


def say(text: str) -> None:
    """Print one line with the seconds elapsed since the program began."""
    with _lock:
        console.print(f"[dim]{time.monotonic() - _start:6.1f}s[/dim]  {escape(text)}")


@contextmanager
def step(text: str, *, quiet_below_s: float = 0.3) -> Iterator[None]:
    """Say that work begins, and how long it took when that was noticeable."""
    begin = time.monotonic()
    say(f"{text} …")
    yield
    if (took := time.monotonic() - begin) > quiet_below_s:
        say(f"{text}: {took:.1f} s")
