"""docs/drills.md: what drills measured, a table for each topic."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tests.drill.record import Case, Figure, Measurement

HEAD = """# Drills
What `make drill` measured; it writes this file. `took` is a whole case, its preparation included.
*Calibration* is the time of a fixed loop on one core (lab/calibration.py), to compare machines by.
After a fault, a store's seconds are the longest time without an accepted write; *lost* are acknowledged
writes that were not there in the end.
"""
COLUMNS = ("case", "result", "took", "figures", "date", "commit", "calibration")
HEADING, ROW = re.compile(r"^## (.+)$"), re.compile(r"^\| `([^`]+)` \|")
#: The rows of a topic by the case's name.
Tables = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Origin:
    """Where the figures come from: the commit, and the seconds that the fixed loop took."""

    commit: str
    calibration_s: float


def render(tables: Mapping[str, Mapping[str, str]], topics: Iterable[str]) -> str:
    """Return the file, its tables in the order of the topics."""
    parts = [HEAD]
    for topic in topics:
        if rows := tables.get(topic):
            head = [f"| {' | '.join(COLUMNS)} |", f"|{'---|' * len(COLUMNS)}"]
            parts.append("\n".join([f"## {topic}", *head, *rows.values()]) + "\n")
    return "\n".join(parts)


def tables_of(cases: Iterable[Case], origin: Origin) -> Tables:
    """Return the rows of the cases."""
    tables: Tables = {}
    for case in cases:
        tables.setdefault(topic_of(case.id), {})[name_of(case.id)] = row(case, origin)
    return tables


def parse(text: str) -> Tables:
    """Return the rows of a file that `render` wrote."""
    tables: Tables = {}
    topic = ""
    for line in text.splitlines():
        if heading := HEADING.match(line):
            topic = heading[1]
        elif found := ROW.match(line):
            tables.setdefault(topic, {})[found[1]] = line
    return tables


def merged(old: Tables, new: Tables) -> Tables:
    """Return the old rows, those of cases that ran again replaced."""
    return {topic: {**old.get(topic, {}), **new.get(topic, {})} for topic in {**old, **new}}


def row(case: Case, origin: Origin) -> str:
    figures = "; ".join(map(told, case.measured)).replace("|", "\\|")
    cells = (
        f"`{name_of(case.id)}`",
        case.outcome,
        f"{case.seconds:.0f} s",
        figures,
        case.date,
        origin.commit,
        f"{origin.calibration_s:.2f} s",
    )
    return f"| {' | '.join(cells)} |"


def told(measurement: Measurement) -> str:
    """`a name: recovered 4.2 s, lost 0`."""
    return f"{measurement.name}: " + ", ".join(figure(*item) for item in measurement.figures.items())


def figure(key: str, value: Figure) -> str:
    """A figure with the unit that its key ends with."""
    name, _, unit = key.rpartition("_")
    text = f"{value:.1f}" if isinstance(value, float) else str(value)
    if unit in ("s", "ms") and name:
        return f"{name.replace('_', ' ')} {text} {unit}"
    return f"{key.replace('_', ' ')} {text}"


def topic_of(case: str) -> str:
    """`redis` of tests/lab/data/test_redis.py::…"""
    return case.partition("::")[0].rpartition("/")[2].removeprefix("test_").removesuffix(".py")


def name_of(case: str) -> str:
    """The test's name in words, with its parameters; never a `|` or a backtick, which a table can't hold."""
    name = case.partition("::")[2].removeprefix("test_")
    words, bracket, parameters = name.partition("[")
    return f"{words.replace('_', ' ')}{bracket}{parameters}".replace("|", "/").replace("`", "'")
