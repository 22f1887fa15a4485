"""What the lab reads of the checkout's declarations: services, overrides for a lab, nodes' labels."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from components.errors import Fault
from components.settings import ServiceOverride
from components.validation import validate
from components.yaml_file import read_mapping
from lab.model import NODES
from lab.shell import LabError

CHECKOUT = Path(__file__).parent.parent
SERVICES = CHECKOUT / "configs" / "services"
BETA = CHECKOUT / "Pulumi.beta.yaml"


def declared_services(folder: Path = SERVICES) -> dict[str, dict[str, Any]]:
    """Return every service.yaml below the folder as it lies, by the service's name."""
    return {
        file.parent.name: yaml.safe_load(file.read_text()) or {} for file in folder.glob("*/service.yaml")
    }


def lab_overrides(folder: Path = SERVICES) -> dict[str, dict[str, Any]]:
    """Return what every lab.yaml below the folder has otherwise than service.yaml, by the service's name.

    Raises LabError with every fault.
    """
    faults: list[Fault] = []
    found: dict[str, dict[str, Any]] = {}
    for file in sorted(folder.glob("*/lab.yaml")):
        place = f"services/{file.parent.name}/lab.yaml"
        raw = read_mapping(file, place, faults)
        if raw is not None and validate(ServiceOverride, raw, place, faults):
            found[file.parent.name] = raw
    if faults:
        raise LabError("\n".join(map(str, faults)))
    return found


def node_labels(stack_file: Path = BETA) -> dict[str, dict[str, str]]:
    """Return the labels of every node of the lab: those of the node of its name in Pulumi.beta.yaml.

    Raises LabError for a node that is not there.
    """
    faults: list[Fault] = []
    raw = read_mapping(stack_file, stack_file.name, faults)
    if raw is None or faults:
        raise LabError("\n".join(map(str, faults)))
    nodes: Iterable[dict[str, Any]] = (raw.get("config") or {}).get("platform-beta:nodes") or ()
    labels = {node.get("name"): dict(node.get("labels") or {}) for node in nodes}
    if missing := [node.name for node in NODES if node.name not in labels]:
        raise LabError(
            f"{stack_file.name}: no node {', '.join(missing)}, whose labels the lab takes; "
            "add it, or put your own environment into a stack file of another name"
        )
    return {node.name: labels[node.name] for node in NODES}
