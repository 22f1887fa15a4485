"""docs/benchmarks.md: a section for each label, between two comments; what is around them a person writes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from lab.calibration import calibration_s
from tests.drill import record
from tests.drill.__main__ import commit_name
from tests.drill.report import Origin

FILE = record.ROOT / "docs" / "benchmarks.md"


def origin() -> Origin:
    """This commit on this machine, as it is now; takes a second."""
    return Origin(commit_name(FILE), calibration_s())


def heading(where: Origin, *others: str) -> str:
    """`2026-11-27, commit abc1234, calibration 0.27 s, …`"""
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    return ", ".join([today, f"commit {where.commit}", f"calibration {where.calibration_s:.2f} s", *others])


def table(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table that is also readable as text; the first row holds the headings."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |"
        for row in rows
    ]
    rule = "|".join("-" * (width + 2) for width in widths)
    return "\n".join([lines[0], f"|{rule}|", *lines[1:]])


def replaced(text: str, label: str, section: str) -> str:
    """The text with the label's section in place of the one that it had, or at the end."""
    begin, end = f"<!-- {label} -->", f"<!-- end of {label} -->"
    before, found, rest = text.partition(begin)
    if not found:
        return f"{text.rstrip()}\n\n{begin}\n{section.strip()}\n{end}\n"
    _, closed, after = rest.partition(end)
    if not closed:
        raise ValueError(f"{FILE.name}: {begin} has no {end}")
    return f"{before}{begin}\n{section.strip()}\n{end}{after}"


def write(label: str, section: str) -> None:
    """Replace the label's section of docs/benchmarks.md."""
    FILE.write_text(replaced(FILE.read_text(), label, section))
    print(f"== written: {FILE.relative_to(record.ROOT)}, {label}", flush=True)
