"""What commands cost beside the floor, and whether that is within the targets. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from tests.bench.cost import Run

FLOOR = "floor: an empty program"
PREVIEW, MAKE_PREVIEW, MAKE_UP, STATUS = "pulumi preview", "make preview", "make up", "make status"
#: Most that a command may cost, wall and CPU alike, as a multiple of the floor on the same plugins.
RATIOS: Mapping[tuple[str, str], float] = {
    ("offline", PREVIEW): 3,
    ("offline", MAKE_PREVIEW): 4,
    ("offline", MAKE_UP): 5,
    ("official", PREVIEW): 5,
}
#: Most that `make status` may take; seconds of wall time.
STATUS_S = 1.0
COLUMNS = ("plugins", "command", "wall s", "x floor", "CPU s", "x floor", "target", "")


@dataclass(frozen=True)
class Series:
    """All runs of one command on one kind of plugins."""

    kind: str
    name: str
    runs: Sequence[Run]

    @property
    def walls_s(self) -> list[float]:
        return [run.wall_s for run in self.runs]

    @property
    def cpus_s(self) -> list[float]:
        return [run.cpu_s for run in self.runs]


def rows(series: Sequence[Series]) -> list[Sequence[str]]:
    """A row for every series, below the headings; the floor of every kind is among them."""
    floors = {each.kind: each for each in series if each.name == FLOOR}
    return [COLUMNS, *(row(each, floors[each.kind]) for each in series)]


def row(series: Series, floor: Series) -> tuple[str, ...]:
    wall, cpu = ratio(series.walls_s, floor.walls_s), ratio(series.cpus_s, floor.cpus_s)
    target, met = against_target(series, max(wall, cpu))
    walls, cpus = spread(series.walls_s), spread(series.cpus_s)
    return series.kind, series.name, walls, f"{wall:.1f}", cpus, f"{cpu:.1f}", target, met


def ratio(values: Sequence[float], floor: Sequence[float]) -> float:
    """Of the medians."""
    return median(values) / median(floor)


def against_target(series: Series, worst: float) -> tuple[str, str]:
    """The target in words and whether it is met; nothing where there is none. `worst`: the larger ratio."""
    if series.name == STATUS:
        return f"{STATUS_S:g} s", verdict(median(series.walls_s) <= STATUS_S)
    limit = RATIOS.get((series.kind, series.name))
    return (f"{limit:g} x", verdict(worst <= limit)) if limit else ("", "")


def verdict(met: bool) -> str:
    return "met" if met else "MISSED"


def spread(values: Sequence[float]) -> str:
    """`1.21 (1.15 to 1.40)`: the median, the fastest and the slowest."""
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"
