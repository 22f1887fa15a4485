"""Why a run ended before the program could say what is wrong: Pulumi refreshes before it runs the program."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from components.errors import ConfigurationError
from components.observation import RefusedError, facts_of_this_run, judged
from components.reading import Reading, read
from components.stack import from_file


def why_no_manager(root: Path, stack: str, failure: str, environment: Mapping[str, str]) -> str:
    """The faults of the stack file or else of the machines; `failure` of the socket where there are none.

    environment: of the run, with the facts that were gathered for it. Each login that a node denies brings
    its sshd nearer to shutting this machine out (PerSourcePenalties: man sshd_config).
    """
    try:
        return _of_the_machines(read(from_file(root / f"Pulumi.{stack}.yaml")), environment) or failure
    except ConfigurationError as error:
        return str(error)


def _of_the_machines(reading: Reading, environment: Mapping[str, str]) -> str:
    facts = facts_of_this_run(reading.plan.settings, environment)
    faults = list(judged(reading.plan, facts, acts=True))
    return str(RefusedError(faults)) if faults else ""
