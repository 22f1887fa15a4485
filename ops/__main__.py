"""`python -m ops …`: daily work on an environment, thin over the program's own models."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from components.errors import ConfigurationError
from components.lock.holder import NoLockError
from components.reading import read
from components.settings import Settings, parse_settings
from components.ssh.docker_socket import SocketError
from components.stack import from_file
from components.topology import Plan
from ops import backup as backup_module
from ops import secrets as secrets_module
from ops import status as status_module
from ops import unlocking
from ops.backend import BackendError
from ops.forget import NodeAliveError
from ops.managers import NoManagerError
from ops.run import NoLeaderError, Runner

ROOT = Path(__file__).resolve().parent.parent
app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False, help=__doc__)
FAULTS = (
    ConfigurationError,
    NoLockError,
    BackendError,
    NodeAliveError,
    NoManagerError,
    NoLeaderError,
    SocketError,
    secrets_module.SecretsError,
    backup_module.BackupError,
)
Stack = Annotated[str, typer.Option(help="Name of the stack.", envvar="STACK")]
Data = Annotated[str, typer.Argument(help="A service that has a `<name>-backup` beside it.")]
Id = Annotated[str, typer.Option("--backup", help="ID of the backup, see `backups`.")]
# A table in a log file must not be squeezed into 80 columns.
console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)


@app.command()
def status(stack: Stack = "lab") -> None:
    """Show nodes and services, and the URLs to open; exit 1 when something isn't whole."""
    environment = read_plan(stack)
    show(environment, status_module.read_status(environment))


def show(environment: Plan, seen: status_module.Status) -> None:
    """Print it; exit 1 when something isn't whole."""
    if not status_module.show(seen, environment.edge_urls, console, environment.off):
        raise typer.Exit(1)


@app.command()
def secrets(stack: Stack = "lab") -> None:
    """Create the secrets that are missing and renew certificates that end soon; prints names only."""
    if faults := from_file(stack_file(stack)).faults:
        raise ConfigurationError(faults)
    for line in secrets_module.ensure(ROOT, stack, read_settings(stack)):
        console.print(line, markup=False, soft_wrap=True)


@app.command()
def validate(stack: Stack = "lab") -> None:
    """Check the stack file and every declaration, without asking a node."""
    environment = read_plan(stack)
    console.print(
        f"{stack}: {len(environment.settings.nodes)} nodes, {len(environment.services)} services, no fault"
    )


EXTRA = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command(context_settings=EXTRA)
def up(
    context: typer.Context,
    stack: Stack = "lab",
    make_secrets: Annotated[bool, typer.Option("--make-secrets", help="First what `secrets` does.")] = False,
) -> None:
    """Make the environment what is declared, whatever an earlier run left behind; then show its status."""
    if make_secrets:
        secrets(stack)
    code = runner(stack).up(context.args)
    if code:
        raise typer.Exit(code)
    environment = read_plan(stack)
    show(environment, status_module.settled(environment, progress))


@app.command(context_settings=EXTRA)
def preview(context: typer.Context, stack: Stack = "lab") -> None:
    """Say what `up` would change; changes nothing. More arguments go to `pulumi preview`."""
    raise typer.Exit(runner(stack).preview(context.args))


@app.command(context_settings=EXTRA)
def destroy(context: typer.Context, stack: Stack = "lab") -> None:
    """Take services, network, secrets and swarm down; data volumes stay."""
    raise typer.Exit(runner(stack).destroy(context.args))


@app.command()
def unlock(
    stack: Stack = "lab",
    run: Annotated[str, typer.Option(help="The id of the run that holds the lock.")] = "",
) -> None:
    """Say who holds the run lock; with --run, end that run's sessions and so its lock."""
    if not unlocking.unlock(read_settings(stack), run, console):
        raise typer.Exit(1)


@app.command()
def backup(data: Data, stack: Stack = "lab") -> None:
    """Make a backup now and prove it by a restore into a scratch server; prints its ID."""
    console.print(backup_module.run(read_plan(stack), data, "make-backup", ["manual"], progress).strip())


@app.command()
def backups(
    data: Data,
    bucket: Annotated[bool, typer.Option("--bucket", help="Those in the bucket instead.")] = False,
    stack: Stack = "lab",
) -> None:
    """List the backups that there are, and whether each was proven."""
    ask = backup_module.run_bucket if bucket else backup_module.run
    text = ask(read_plan(stack), data, "list-backups", [], progress)
    console.print(backup_module.table(backup_module.parse(text, progress)))


@app.command()
def fetch(data: Data, backup: Id, stack: Stack = "lab") -> None:
    """Put a backup from the bucket back where `restore` finds it, checked against its manifest."""
    console.print(
        backup_module.run_bucket(read_plan(stack), data, "fetch-backup", [backup], progress).strip()
    )


@app.command()
def restore(
    data: Data,
    backup: Id,
    until: Annotated[str, typer.Option(help="Moment to restore to, UTC: 2026-11-25T01:30:00Z.")] = "",
    only: Annotated[list[str] | None, typer.Option(help="Name of what to put back; without it all.")] = None,
    overwrite: Annotated[list[str] | None, typer.Option(help="Name of what may be overwritten.")] = None,
    stack: Stack = "lab",
) -> None:
    """Put a backup back; refuses to overwrite data whose name isn't given."""
    arguments = ["--backup", backup, *(["--until", until] if until else [])]
    arguments += [item for name in only or [] for item in ("--only", name)]
    arguments += [item for name in overwrite or [] for item in ("--overwrite", name)]
    console.print(backup_module.run(read_plan(stack), data, "restore", arguments, progress).strip())


def progress(line: str) -> None:
    """One line of what a script says while it works."""
    Console(stderr=True, highlight=False).print(line, markup=False, soft_wrap=True)


def stack_file(stack: str) -> Path:
    """Where a stack's settings lie."""
    return ROOT / f"Pulumi.{stack}.yaml"


def read_plan(stack: str) -> Plan:
    """The plan of a stack from its file. Raises ConfigurationError with every fault."""
    return read(from_file(stack_file(stack))).plan


def read_settings(stack: str) -> Settings:
    """The settings of a stack from its file. Raises ConfigurationError."""
    return parse_settings(from_file(stack_file(stack)).settings)


def runner(stack: str) -> Runner:
    """A stack to run, its whole declaration checked first. Raises ConfigurationError."""
    return Runner(ROOT, stack, read(from_file(stack_file(stack))), console)


def main() -> None:
    """Run a command; what is wrong is one message and exit code 1."""
    try:
        app()
    except FAULTS as error:
        Console(stderr=True, highlight=False).print(str(error), style="red", markup=False, soft_wrap=True)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
