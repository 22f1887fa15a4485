"""Environment variables of the house's services: what a script calculates with has a type."""

from __future__ import annotations

import re
import subprocess

import pytest

from components.checks import environment_faults
from components.declaration import load_declarations
from components.errors import Fault
from components.reading import SERVICES
from components.topology import draft
from components.variable import Variable, value_fault
from tests.unit.examples import settings

FAULTS: list[Fault] = []
DECLARED = load_declarations(SERVICES, FAULTS)
VARIABLES = [(service, name) for service in DECLARED for name in service.environment]
#: Names that end with a unit, or with what is counted or timed.
COUNTED = re.compile(r".*(_S|_MS|_AT|_KEEP|_DAYS|_MIB|_GIB|_BYTES|_PORT)|PORT|QUORUM")
VALUE = re.compile(r"[0-9:.]+|true|false")


@pytest.mark.parametrize(("service", "name"), VARIABLES, ids=lambda each: getattr(each, "name", each))
def test_what_reads_like_a_number_a_time_or_a_truth_value_has_a_type(service: object, name: str) -> None:
    (declared,) = (each for each in DECLARED if each is service)
    if COUNTED.fullmatch(name) or VALUE.fullmatch(declared.environment[name]):
        assert name in declared.environment_schema


def test_defaults_are_sound_where_the_stack_file_need_not_say_them() -> None:
    assert FAULTS == []
    everything = draft(settings(services={name.name: {"enabled": True} for name in DECLARED}), DECLARED)
    found = [
        fault.place for service in everything.services for fault in environment_faults(everything, service)
    ]
    assert found == [
        "services.backup-bucket.environment.BUCKET_ENDPOINT",
        "services.backup-bucket.environment.BUCKET_NAME",
    ]


def test_every_typed_variable_is_read_by_a_file_of_the_service() -> None:
    """One that nothing reads would be checked for nobody."""
    for service in DECLARED:
        files = [service.folder / config.file for config in service.configs]
        text = "".join(path.read_text() for path in files)
        for name in service.environment_schema:
            assert re.search(rf"\b{name}\b", text) or service.name == "platform-api", (service.name, name)


@pytest.mark.parametrize(
    ("every_s", "at", "sound"),
    [
        ("", "01:30", True),
        ("3600", "", True),
        ("3600", "24:00", True),
        ("", "24:00", False),
        ("", "1h", False),
        ("", "08", False),
        ("", "", False),
        ("01024", "01:30", False),
        ("0", "01:30", False),
    ],
)
def test_the_scripts_too_refuse_a_schedule_without_turns(every_s: str, at: str, sound: bool) -> None:
    text = (SERVICES.parent / "lib/backup/run-schedule.sh").read_text()
    (function,) = re.findall(r"(?ms)^sound_schedule\(\) \{\n.*?^\}$", text)
    given = {"BACKUP_EVERY_S": every_s, "BACKUP_AT": at}
    assert (subprocess.run(["bash", "-c", f"{function}\nsound_schedule"], env=given).returncode == 0) is sound


@pytest.mark.parametrize("value", ["00:00", "09:59", "19:00", "23:59"])
def test_times_of_the_day(value: str) -> None:
    assert value_fault(Variable(type="time"), value) is None


@pytest.mark.parametrize("value", ["0", "7", "1000000000"])
def test_numbers(value: str) -> None:
    assert value_fault(Variable(type="integer"), value) is None


def test_no_refused_value_is_shown() -> None:
    for variable in (Variable(type="integer"), Variable(type="time"), Variable(type="identifier")):
        assert "hunter2;" not in " ".join(value_fault(variable, "hunter2;") or ("hunter2;",))
