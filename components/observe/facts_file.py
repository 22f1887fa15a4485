"""Facts that are gathered while Pulumi starts and refreshes, and wait for the program in a file."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import pickle
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from components.observe.facts import Facts

if TYPE_CHECKING:
    from components.settings import Settings

#: In the environment of a program: the file. It may still have to be written.
FACTS = "PLATFORM_BETA_FACTS"
#: How long the program waits for it: what an unreachable node costs, and more. Seconds.
WAIT_S = 30
#: Older facts are not used: a person may have thought about a preview. Seconds.
FRESH_S = 30
POLL_S = 0.02
#: Commands that run the program.
PROGRAM = {"preview", "pre", "up", "update"}


@contextlib.contextmanager
def gathering(
    load: Callable[[], Settings], folder: Path, stack: str, command: Iterable[str]
) -> Iterator[dict[str, str]]:
    """Ask the nodes while the block runs; yields the variable for the environment of a command of Pulumi's.

    load: the settings; the program itself tells what is wrong with them. folder: exists, for its user alone.
    A command that runs no program needs no facts.
    """
    if not set(command) & PROGRAM:
        yield {}
        return
    _remove_stale(folder)
    path = (folder / f"{stack}.{time.monotonic_ns()}.{os.getpid()}.facts").absolute()
    threading.Thread(target=_gather, args=[load, path], name="facts", daemon=True).start()
    try:
        yield {FACTS: str(path)}
    finally:
        path.unlink(missing_ok=True)


def gathered(settings: Settings, environment: Mapping[str, str] = os.environ) -> Facts | None:
    """The facts that wait in the environment; None for none, old ones, and those of other settings."""
    if FACTS not in environment:
        return None
    path = Path(environment[FACTS])
    limit = time.monotonic() + WAIT_S
    while not path.exists() and path.parent.is_dir() and time.monotonic() < limit:
        time.sleep(POLL_S)
    try:
        asked, asked_s, facts = pickle.loads(path.read_bytes())
    except (OSError, EOFError):
        return None
    fits = asked == _key(settings) and time.time() - asked_s < FRESH_S
    return facts if fits else None


def _gather(load: Callable[[], Settings], path: Path) -> None:
    """Write them, or an empty file: whoever waits for it need not wait any longer."""
    part, content = path.with_suffix(".part"), b""
    with contextlib.suppress(Exception):
        from components.observe.over_ssh import observe_all

        asked_s, settings = time.time(), load()
        content = pickle.dumps((_key(settings), asked_s, asyncio.run(observe_all(settings))))
    with contextlib.suppress(OSError):
        part.touch(mode=0o600)
        with contextlib.suppress(OSError):  # a full disk
            part.write_bytes(content)
        part.replace(path)


def _remove_stale(folder: Path) -> None:
    """What runs left that were killed."""
    for file in folder.glob("*.facts"):
        try:
            os.kill(int(file.name.split(".")[-2]), 0)
        except ProcessLookupError:
            file.unlink(missing_ok=True)
        except PermissionError:
            continue  # another user's run


def _key(settings: Settings) -> str:
    """Tells settings apart: those of the stack file, and those that Pulumi was given besides."""
    return hashlib.sha256(settings.model_dump_json().encode()).hexdigest()
