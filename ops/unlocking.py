"""Breaking the run lock on purpose: only of the run that the operator names."""

from __future__ import annotations

from rich.console import Console

from components.lock.holder import Holder, LockedError
from components.lock.over_ssh import break_locks, holders
from components.settings import Settings

OUTCOMES = {
    "broken": "the session that held it was ended",
    "free": "nobody holds it",
    "other": "another run holds it; it was left alone",
}


def unlock(settings: Settings, run: str, console: Console) -> bool:
    """End the sessions of `run` on every manager and say so; without a run, only who holds it.

    Whether no lock is left, as far as managers answer.
    """
    if run:
        for name, outcome in break_locks(settings, run).items():
            console.print(
                f"run lock on {name}: {OUTCOMES.get(outcome, outcome)}", markup=False, soft_wrap=True
            )
    answers = holders(settings)
    held = {name: answer for name, answer in answers.items() if isinstance(answer, Holder)}
    for name, answer in answers.items():
        if isinstance(answer, str):
            console.print(f"run lock on {name}: could not be asked: {answer}", markup=False, soft_wrap=True)
    if held:
        console.print(str(LockedError(held)), markup=False, soft_wrap=True)
    elif not run:
        console.print("run lock: nobody holds it")
    return not held
