"""Running commands of the host, with faults that a person can act on."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class LabError(Exception):
    """A fault for the person at the terminal: where, what, remedy. Printed without a traceback."""


def run(
    argv: Sequence[str],
    *,
    stdin: bytes | None = None,
    timeout_s: float = 600,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
    cwd: Path | None = None,
) -> str:
    """Run a command and return its stdout; with `log` also what it writes to stderr, kept in that file.

    Without stdin there is no input. Raises LabError with the last lines of what the command said.
    """
    try:
        done = subprocess.run(
            list(argv),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if log else subprocess.PIPE,
            timeout=timeout_s,
            env=None if env is None else dict(env),
            cwd=cwd,
            check=False,
        )
    except FileNotFoundError as missing:
        raise LabError(
            f"{argv[0]}: not found on this machine; install it (lab/packages.sh does)"
        ) from missing
    except subprocess.TimeoutExpired as late:
        raise LabError(f"{_name(argv)}: no answer within {timeout_s:g} s") from late
    output = done.stdout.decode(errors="replace")
    if log:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(output)
    if done.returncode != 0:
        said = output if log else (done.stderr or done.stdout).decode(errors="replace")
        tail = "\n".join(said.strip().splitlines()[-12:])
        where = f"; all of it: {log}" if log else ""
        raise LabError(f"{_name(argv)}: exit code {done.returncode}{where}\n{tail}")
    return output


def docker(
    *arguments: str, stdin: bytes | None = None, timeout_s: float = 120, log: Path | None = None
) -> str:
    """Run the docker client and return its stdout. Raises LabError."""
    return run(["docker", *arguments], stdin=stdin, timeout_s=timeout_s, log=log, env=local_engine())


def local_engine() -> dict[str, str]:
    """Return the environment with which docker means this machine's engine, wherever a shell points it."""
    return {key: value for key, value in os.environ.items() if not key.startswith("DOCKER_")}


def exists(kind: str, name: str) -> bool:
    """Tell whether the engine knows the object; kind is container, network, volume or image.

    Raises LabError when the engine can't be asked: unknown is not absent.
    """
    try:
        docker(kind, "inspect", name)
    except LabError as fault:
        if "no such" in str(fault).lower() or "not found" in str(fault).lower():
            return False
        raise
    return True


def _name(argv: Sequence[str]) -> str:
    return " ".join(argv[:3])
