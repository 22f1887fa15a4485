"""`python -m lab …`: five machines on this one."""

import sys
from typing import Annotated

import typer
from rich.markup import escape

from lab import cost, others, status
from lab import folder as folders
from lab.catalog import load_images
from lab.declared import declared_services
from lab.engine import ensure_engine
from lab.images import images_only
from lab.model import NODES, Lab, lab_id
from lab.nodes import wait_ready
from lab.progress import console, say
from lab.release import check_registry, chosen, make_and_push, releases, stack_lines
from lab.remove import remove_objects
from lab.shell import LabError, docker
from lab.up import up

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)
FOLDER = folders.OWN
NodeName = Annotated[str, typer.Argument(help="node-1 … node-5")]


@app.command("up")
def up_command() -> None:
    """Bring the lab up; what is there already stays."""
    with folders.locked(FOLDER):
        lab = up(FOLDER)
    console.print(status.status_table(lab), status.footer(lab))


@app.command()
def down(images: Annotated[bool, typer.Option(help="The images that this lab made, too.")] = False) -> None:
    """Remove this checkout's lab: containers, networks, volumes, .lab and Pulumi.lab.yaml."""
    ensure_engine()
    if waiting := others.remembered(FOLDER):
        say(f"stopped by this lab and not started again: {', '.join(waiting)}; starting them")
        others.start_others(FOLDER)
    with folders.locked(FOLDER):
        for line in remove_objects(lab_id(FOLDER.checkout), images=images) or ["nothing to remove"]:
            say(line)
        folders.remove(FOLDER)


@app.command("status")
def status_command() -> None:
    """Show nodes, registry and disk."""
    lab = _lab()
    console.print(status.status_table(lab), status.footer(lab))


@app.command("cost")
def cost_command(
    seconds: Annotated[float, typer.Option(help="How long to watch.")] = 60,
    as_json: Annotated[bool, typer.Option("--json", help="For other programs.")] = False,
) -> None:
    """Show CPU, memory and started processes of the lab; meant for one that nobody uses."""
    seen = cost.measure(_lab(), seconds)
    if as_json:
        print(seen.json())
    else:
        console.print(cost.cost_table(seen), cost.footer(seen))


@app.command()
def images() -> None:
    """Make the images and put the services' into the registry of the running lab."""
    with folders.locked(FOLDER):
        for service, reference in sorted(images_only(FOLDER, _lab()).items()):
            console.print(f"{service}  {reference}")


@app.command()
def release(
    push: Annotated[str, typer.Argument(help="Registry and path: registry.example.com/platform")] = "",
    only: Annotated[list[str] | None, typer.Option(help="An image or service; all for none.")] = None,
) -> None:
    """Build our own images for real environments, on the official ones, and push them."""
    check_registry(push)
    wanted = chosen(releases(load_images(), declared_services()), only or ())
    ensure_engine()
    pushed = make_and_push(wanted, push)
    print("\n".join(["", "pushed:", *sorted(set(pushed.values()))]))
    print(f"\nput into the stack file (Pulumi.<stack>.yaml):\n\n{stack_lines(pushed)}")


@app.command("stop-others")
def stop_others() -> None:
    """Stop running labs of other checkouts."""
    names = others.stop_others(FOLDER)
    say(f"stopped another lab's {', '.join(names)}" if names else "no other lab is running")


@app.command("start-others")
def start_others() -> None:
    """Start again what stop-others stopped."""
    names = others.start_others(FOLDER)
    say(f"started {', '.join(names)}" if names else "nothing to start")


@app.command("stop-node")
def stop_node(
    name: NodeName, kill: Annotated[bool, typer.Option(help="Like a power failure.")] = False
) -> None:
    """Stop one node."""
    lab = _lab()
    docker("kill" if kill else "stop", *([] if kill else ["--time", "30"]), _container(lab, name))
    say(f"{name}: {'killed' if kill else 'stopped'}")


@app.command("start-node")
def start_node(name: NodeName) -> None:
    """Start one node and wait until it answers."""
    lab = _lab()
    docker("start", _container(lab, name))
    wait_ready(lab, next(node for node in NODES if node.name == name), FOLDER)
    say(f"{name}: up")


@app.command("restart-node")
def restart_node(
    name: NodeName, kill: Annotated[bool, typer.Option(help="Like a power failure.")] = False
) -> None:
    """Stop one node, start it, and wait until it answers."""
    stop_node(name, kill)
    start_node(name)


def _lab() -> Lab:
    ensure_engine()
    lab = folders.load(FOLDER)
    if lab is None:
        raise LabError(f"{FOLDER.path}: this checkout has no lab; make lab-up")
    return lab


def _container(lab: Lab, name: str) -> str:
    node = next((node for node in NODES if node.name == name), None)
    if node is None:
        raise LabError(f"{name}: no node of the lab; one of {', '.join(node.name for node in NODES)}")
    return lab.container(node)


def main() -> None:
    """Run the command line; a fault is a message and exit code 1."""
    try:
        app()
    except LabError as fault:
        console.print(f"[red]fault[/red]  {escape(str(fault))}")
        sys.exit(1)


if __name__ == "__main__":
    main()
