"""From raw values to a checked plan with every file rendered; the one place that reads the checkout."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from components.checks import service_faults
from components.checks.edge_certificate import own_certificate_warnings
from components.checks.files import size_fault
from components.checks.secrets import readable, secret_faults
from components.contents import config_name, render
from components.declaration import ConfigFile, load_declarations, service_folders, service_name
from components.errors import ConfigurationError, Fault
from components.secret_recipes import load_recipes
from components.settings import Settings, Ssh, parse_settings
from components.stack import RawStack
from components.topology import Plan, Unit, draft, plan

CONFIGS = Path(__file__).parent.parent / "configs"
SERVICES = CONFIGS / "services"
RECIPES = CONFIGS / "secrets.yaml"


@dataclass(frozen=True)
class Reading:
    """The plan, the text of every config file by unit and file name, and what will need a person soon."""

    plan: Plan
    texts: Mapping[tuple[str, str], str]
    warnings: tuple[str, ...] = ()

    @cached_property
    def configs(self) -> dict[str, str]:
        """The text of every Swarm config by its name: one for each content, however many units mount it."""
        return {
            self.config_name(unit, config): self.texts[unit.name, config.file]
            for service in self.plan.services
            for unit in self.plan.units(service)
            for config in service.configs
        }

    def config_name(self, unit: Unit, config: ConfigFile) -> str:
        """The name of the Swarm config that a unit mounts as one of its files."""
        return config_name(unit.service.name, config.file, self.texts[unit.name, config.file])


def read(raw: RawStack, services: Path = SERVICES, recipes: Path = RECIPES) -> Reading:
    """Settings, declarations, secrets and files, checked. Raises ConfigurationError with every fault."""
    faults = list(raw.faults)
    settings = _settings(raw, faults)
    unread: list[Fault] = []
    declared = load_declarations(services, unread)
    unmade: list[Fault] = []
    made = load_recipes(recipes, services, declared, unmade)
    faults += [*unread, *unmade]
    if settings is None:
        faults += [fault for service in declared for fault in service_faults(service)]
        raise ConfigurationError(faults)
    sketch = draft(settings, declared)
    # What names a service or a recipe that couldn't be read would be reported as naming nothing.
    texts = {} if unread else rendered(sketch, faults)
    now = datetime.now(UTC)
    if not unmade:
        faults += secret_faults(made, sketch, raw.secrets, now)
    known = frozenset(service_name(folder) for folder in service_folders(services))
    set_secrets = raw.secrets if raw.secrets_readable else None
    checked = plan(settings, declared, set_secrets, faults, known)
    warnings = own_certificate_warnings(made, readable(raw.secrets), now)
    return Reading(checked, texts, tuple(warnings))


def _settings(raw: RawStack, faults: list[Fault]) -> Settings | None:
    try:
        settings = parse_settings(raw.settings)
    except ConfigurationError as error:
        faults += error.faults
        return None
    faults += _ssh_faults(settings.ssh)
    return settings


def _ssh_faults(ssh: Ssh) -> Iterator[Fault]:
    place = "ssh.private_key_file"
    if ssh.private_key_file is None:
        if not os.environ.get("SSH_AUTH_SOCK"):
            fault = "names no private_key_file, and no SSH agent runs"
            yield Fault("ssh", fault, "give one, or start ssh-agent")
        return
    try:
        path = ssh.private_key_file.expanduser()
        readable = path.is_file() and os.access(path, os.R_OK)
    except (OSError, RuntimeError, ValueError):
        readable = False
    if not readable:
        yield Fault(place, f"{ssh.private_key_file} can't be read", "correct the path, or its permissions")


def rendered(sketch: Plan, faults: list[Fault]) -> dict[tuple[str, str], str]:
    """The text of every config file; what can't be rendered is appended to `faults`."""
    texts: dict[tuple[str, str], str] = {}
    for service in sketch.services:
        for unit in sketch.units(service):
            for config in service.configs:
                place = f"{service.place}/{config.file}"
                try:
                    text = texts[unit.name, config.file] = render(sketch, unit, config)
                    faults += size_fault(place, len(text.encode()))
                except FileNotFoundError:
                    continue  # said by checks.files
                except UnicodeError:
                    faults.append(Fault(place, "is not UTF-8", "save it as UTF-8"))
                except OSError as error:
                    faults.append(
                        Fault(place, f"can't be read ({error.strerror})", "correct its permissions")
                    )
                except Exception as error:  # a template is a program: it can raise anything
                    fault = f"can't be rendered ({_reason(error)})"
                    faults.append(Fault(place, fault, "correct the template"))
    return texts


def _reason(error: Exception) -> str:
    """With the line of the template, which Jinja puts into the error or into its traceback."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == "<template>"]
    line = getattr(error, "lineno", None) or (lines[-1] if lines else None)
    reason = str(error) or type(error).__name__
    return f"line {line}: {reason}" if line else reason
