"""From raw values to a checked plan with every file rendered; the one place that reads the checkout."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import jinja2

from components.contents import render
from components.declaration import load_declarations
from components.errors import ConfigurationError, Fault
from components.settings import Ssh, parse_settings
from components.stack import RawStack
from components.topology import Plan, plan

SERVICES = Path(__file__).parent.parent / "configs" / "services"


@dataclass(frozen=True)
class Reading:
    """The plan, and the text of every config file by unit and file name."""

    plan: Plan
    texts: Mapping[tuple[str, str], str]


def read(raw: RawStack, services: Path = SERVICES) -> Reading:
    """Settings, declarations and files, checked. Raises ConfigurationError with every fault."""
    settings = parse_settings(raw.settings)
    faults = list(_ssh_faults(settings.ssh))
    declared = load_declarations(services, faults)
    checked = plan(settings, declared, raw.secrets, faults)
    return Reading(checked, _rendered(checked))


def _ssh_faults(ssh: Ssh) -> Iterator[Fault]:
    if ssh.private_key_file is None:
        if not os.environ.get("SSH_AUTH_SOCK"):
            yield Fault(
                "ssh", "names no private_key_file, and no SSH agent runs", "give one, or start ssh-agent"
            )
    elif not os.access(ssh.private_key_file.expanduser(), os.R_OK):
        yield Fault("ssh.private_key_file", f"{ssh.private_key_file} can't be read", "correct the path")


def _rendered(checked: Plan) -> dict[tuple[str, str], str]:
    texts: dict[tuple[str, str], str] = {}
    faults: list[Fault] = []
    for service in checked.services:
        for unit in checked.units(service):
            for config in service.configs:
                try:
                    texts[unit.name, config.file] = render(checked, unit, config)
                except (jinja2.TemplateError, UnicodeDecodeError) as error:
                    where = f"services/{service.name}/{config.file}"
                    faults.append(Fault(where, f"can't be rendered ({error})", "correct the template"))
    if faults:
        raise ConfigurationError(faults)
    return texts
