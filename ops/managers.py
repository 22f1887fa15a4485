"""Asking the managers, one after the other, until one answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import asyncssh

from components.observe.over_ssh import run_script
from components.settings import Node, Settings

TIMEOUT_S = 20


class NoManagerError(Exception):
    """No manager could be asked; the text names each and why."""


async def first_answer(
    settings: Settings,
    script: str,
    timeout_s: int = TIMEOUT_S,
    fits: Callable[[str], bool] = lambda said: True,
) -> str | None:
    """What the first manager says whose answer fits; None when all answer and none does.

    `timeout_s` is for each of them. Raises NoManagerError when none fits and one could not be asked.
    """
    refusals = []
    for manager in settings.managers:
        try:
            said = await _run(settings, manager, script, timeout_s)
        except asyncssh.ProcessError as error:
            refusals.append(f"{manager.name}: {str(error.stderr).strip()}")
        except TimeoutError:
            refusals.append(f"{manager.name}: no answer within {timeout_s} s")
        except (OSError, asyncssh.Error) as error:
            refusals.append(f"{manager.name}: {str(error) or type(error).__name__}")
        else:
            if fits(said):
                return said
    if refusals:
        raise NoManagerError("no manager could be asked: " + "; ".join(refusals))
    return None


async def _run(settings: Settings, manager: Node, script: str, timeout_s: int) -> str:
    async with asyncio.timeout(timeout_s):
        return await run_script(settings, manager, script)
