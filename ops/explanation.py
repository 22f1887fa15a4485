"""Why a run ended before the program could say what is wrong: Pulumi refreshes before it runs the program."""

from __future__ import annotations

from pathlib import Path

from components.errors import ConfigurationError
from components.observation import RefusedError, judged
from components.observe.over_ssh import observe
from components.reading import Reading, read
from components.stack import from_file


def why_no_manager(root: Path, stack: str, failure: str) -> str:
    """The faults of the stack file or else of the machines; `failure` of the socket where there are none."""
    try:
        return _of_the_machines(read(from_file(root / f"Pulumi.{stack}.yaml"))) or failure
    except ConfigurationError as error:
        return str(error)


def _of_the_machines(reading: Reading) -> str:
    faults = list(judged(reading.plan, observe(reading.plan.settings), acts=True))
    return str(RefusedError(faults)) if faults else ""
