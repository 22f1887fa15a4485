"""Facts that are gathered while Pulumi starts and refreshes, and wait for the program in a file."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from components.observe.facts import Facts

if TYPE_CHECKING:
    from components.settings import Settings

#: In the environment of a program: the file. It may still have to be written.
FACTS = "PLATFORM_BETA_FACTS"
#: How long the program waits for it: what a node that is away costs, and more. Seconds.
WAIT_S = 30
#: Older facts are not used: a person may have thought about a preview. Seconds.
FRESH_S = 30
POLL_S = 0.02
#: Commands that run the program.
PROGRAM = {"preview", "pre", "up", "update"}


@contextlib.contextmanager
def gathering(
    load: Callable[[], Settings], command: Iterable[str], known: Facts | None = None
) -> Iterator[dict[str, str]]:
    """Ask the nodes while the block runs; yields the variable for the environment of a command of Pulumi's.

    load: the settings; what is wrong with them the program says itself. known: facts of just now, which are
    handed on instead. A command that runs no program needs no facts.
    """
    if not set(command) & PROGRAM:
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="platform-beta-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "facts"
        threading.Thread(target=_gather, args=[load, path, known], name="facts", daemon=True).start()
        yield {FACTS: str(path)}


def gathered(settings: Settings) -> Facts | None:
    """The facts that wait for this program; None for none, for old ones, and for those of other settings."""
    path = Path(os.environ.get(FACTS, "/nonexistent/facts"))
    limit = time.monotonic() + WAIT_S
    while path.parent.is_dir() and not path.exists() and time.monotonic() < limit:
        time.sleep(POLL_S)
    try:
        asked, asked_s, facts = pickle.loads(path.read_bytes())
    except OSError:
        return None
    fits = asked == _key(settings) and time.time() - asked_s < FRESH_S
    return facts if fits else None


def _gather(load: Callable[[], Settings], path: Path, known: Facts | None) -> None:
    asked, facts, asked_s = "", known, time.time()
    with contextlib.suppress(Exception):
        from components.observe.over_ssh import observe

        settings = load()
        asked, facts = _key(settings), known or observe(settings)
    part = path.with_suffix(".part")
    with contextlib.suppress(OSError):  # the run is over
        part.write_bytes(pickle.dumps((asked, asked_s, facts)))
        part.replace(path)


def _key(settings: Settings) -> str:
    """Tells settings apart: those of the stack file, and those that Pulumi was given besides."""
    return hashlib.sha256(settings.model_dump_json().encode()).hexdigest()
