"""What the lab reads of the checkout's declarations: services, overrides for a lab, nodes' labels."""

from pathlib import Path
from typing import Any

import yaml

from components.declaration import place_of, service_name
from components.errors import Fault
from components.settings import ServiceOverride
from components.validation import validate
from components.yaml_file import read_mapping
from lab.model import NODES
from lab.shell import LabError

CHECKOUT = Path(__file__).parent.parent
SERVICES = CHECKOUT / "configs" / "services"
NAMES = tuple(node.name for node in NODES)


def declared_services(folder: Path = SERVICES) -> dict[str, dict[str, Any]]:
    """Return every service.yaml below the folder as it lies, by the service's name."""
    return {
        service_name(file.parent): yaml.safe_load(file.read_text()) or {}
        for file in sorted(folder.glob("*/*/service.yaml"))
    }


def lab_overrides(folder: Path = SERVICES) -> dict[str, dict[str, Any]]:
    """Return what every lab.yaml below the folder has otherwise than service.yaml, by the service's name.

    Raises LabError with every fault.
    """
    return {name: raw for name, (raw, _) in _lab_files(folder).items() if raw}


def node_labels(folder: Path = SERVICES) -> dict[str, dict[str, str]]:
    """Return the labels of every node of the lab, as the services' lab.yaml place them.

    Raises LabError with every fault.
    """
    placed: dict[str, dict[str, str]] = {node.name: {} for node in NODES}
    for _, labels in _lab_files(folder).values():
        for label, nodes in labels.items():
            for name in nodes:
                placed[name][label] = "true"
    return placed


def _lab_files(folder: Path) -> dict[str, tuple[dict[str, Any], dict[str, list[str]]]]:
    faults: list[Fault] = []
    found = {}
    for file in sorted(folder.glob("*/*/lab.yaml")):
        name = service_name(file.parent)
        place = f"{place_of(name)}/lab.yaml"
        raw = read_mapping(file, place, faults)
        if raw is None:
            continue
        labels = raw.pop("labels", {})
        faults += [
            Fault(
                f"{place} labels.{label}", f"{name} is no node of the lab", f"write one of {', '.join(NAMES)}"
            )
            for label, nodes in labels.items()
            for name in nodes
            if name not in NAMES
        ]
        if validate(ServiceOverride, raw, place, faults):
            found[name] = (raw, labels)
    if faults:
        raise LabError("\n".join(map(str, faults)))
    return found
