"""What `make bench-preview` makes of what it measured, without a lab: ratios, parts, tables, sections."""

from __future__ import annotations

import pytest

from tests.bench.comparison import FLOOR, MAKE_PREVIEW, PREVIEW, STATUS, Series, rows
from tests.bench.cost import Run, StoppedError
from tests.bench.document import replaced, table
from tests.bench.parts import Event, parse, parts
from tests.bench.preview import checked, part_rows, unchanged

#: `pulumi preview --json` of v3.259.0 on a program of one component and one resource, its metadata shortened,
#: each line with the seconds at which it arrived.
RECORDED = [
    (0.920, b'{"sequence":0,"timestamp":1795811035,"preludeEvent":{"config":{}}}\n'),
    (1.141, b'{"sequence":1,"timestamp":1795811035,"resourcePreEvent":{"metadata":{"op":"refresh"}}}\n'),
    (1.144, b'{"sequence":2,"timestamp":1795811035,"resOutputsEvent":{"metadata":{"op":"refresh"}}}\n'),
    (1.144, b'{"sequence":5,"timestamp":1795811035,"resourcePreEvent":{"metadata":{"op":"refresh"}}}\n'),
    (1.450, b'{"sequence":8,"timestamp":1795811036,"resOutputsEvent":{"metadata":{"op":"refresh"}}}\n'),
    (
        1.718,
        b'{"sequence":13,"timestamp":1795811036,"diagnosticEvent":{"prefix":"debug: ","message":"registering '
        b'resource: ty=pulumi:pulumi:Stack, name=floor-floor, custom=False, remote=False\\n"}}\n',
    ),
    (2.725, b'{"sequence":14,"timestamp":1795811037,"diagnosticEvent":{"message":"a warning\\n"}}\n'),
    (2.747, b'{"sequence":28,"timestamp":1795811037,"resourcePreEvent":{"metadata":{"op":"same"}}}\n'),
    (2.970, b'{"sequence":47,"timestamp":1795811037,"resourcePreEvent":{"metadata":{"op":"same"}}}\n'),
    (2.975, b'{"sequence":54,"timestamp":1795811037,"resOutputsEvent":{"metadata":{"op":"same"}}}\n'),
    (3.053, b'{"sequence":56,"timestamp":1795811037,"summaryEvent":{"resourceChanges":{"same":5}}}\n'),
    (3.384, b'{"sequence":57,"timestamp":1795811037,"cancelEvent":{}}\n'),
]
SUMMARY = "Previewing update (lab):\n    platform-web\n\nResources:\n    {}\n\nDuration: 3s\n"


def series(kind: str, name: str, *costs: tuple[float, float]) -> Series:
    return Series(kind, name, [Run(0, "", wall_s, cpu_s) for wall_s, cpu_s in costs])


def test_the_parts_of_a_preview_are_told_by_its_events() -> None:
    found = parts(parse([(0.1, b"not an event\n"), *RECORDED]), ended_s=3.396)
    assert {name: round(seconds, 3) for name, seconds in found.items()} == {
        "start": 1.141,
        "refresh": 0.309,
        "Python starts": 0.268,
        "program until its first resource": 1.029,
        "resources": 0.228,
        "end": 0.421,
    }
    assert part_rows({"offline": found})[1] == ("start", "1.14")


def test_events_that_do_not_tell_the_parts_stop_the_bench() -> None:
    events = [event for event in parse(RECORDED) if not event.message]
    with pytest.raises(StoppedError, match="no event tells when the program began"):
        parts(events, ended_s=3.4)
    with pytest.raises(StoppedError, match="the refresh"):
        parts([Event(0.1, {"preludeEvent": {}})], ended_s=3.4)


def test_a_command_is_compared_with_the_floor_on_the_same_plugins() -> None:
    found = rows(
        [
            series("offline", FLOOR, (1.0, 1.0), (9.0, 1.5), (1.2, 0.9)),
            series("offline", PREVIEW, (3.0, 3.1), (3.6, 2.9), (9.9, 3.0)),
            series("offline", MAKE_PREVIEW, (3.0, 4.5)),
            series("offline", STATUS, (1.1, 0.1)),
            series("official", FLOOR, (2.0, 1.0)),
            series("official", PREVIEW, (10.0, 4.0)),
        ]
    )
    assert found[1:] == [
        ("offline", FLOOR, "1.20 (1.00 to 9.00)", "1.0", "1.00 (0.90 to 1.50)", "1.0", "", ""),
        ("offline", PREVIEW, "3.60 (3.00 to 9.90)", "3.0", "3.00 (2.90 to 3.10)", "3.0", "3 x", "met"),
        (
            "offline",
            MAKE_PREVIEW,
            "3.00 (3.00 to 3.00)",
            "2.5",
            "4.50 (4.50 to 4.50)",
            "4.5",
            "4 x",
            "MISSED",
        ),
        ("offline", STATUS, "1.10 (1.10 to 1.10)", "0.9", "0.10 (0.10 to 0.10)", "0.1", "1 s", "MISSED"),
        ("official", FLOOR, "2.00 (2.00 to 2.00)", "1.0", "1.00 (1.00 to 1.00)", "1.0", "", ""),
        ("official", PREVIEW, "10.00 (10.00 to 10.00)", "5.0", "4.00 (4.00 to 4.00)", "4.0", "5 x", "met"),
    ]


@pytest.mark.parametrize(
    ("summary", "count"),
    [
        ("91 unchanged", 91),
        ("~ 1 to update\n    90 unchanged", None),
        ("+ 91 created", None),
        ("+ 1 to create", None),
    ],
)
def test_a_run_that_changes_something_is_told_from_one_that_does_not(summary: str, count: int | None) -> None:
    assert unchanged(SUMMARY.format("1 unchanged") + SUMMARY.format(summary)) == count


def test_a_run_that_fails_or_changes_something_stops_the_bench_with_its_last_lines() -> None:
    assert checked("make status", Run(0, "all is well", 1, 1), quiet=False) == 0
    with pytest.raises(StoppedError, match="make status: exit code 2\nno leader"):
        checked("make status", Run(2, "no leader", 1, 1), quiet=False)
    with pytest.raises(StoppedError, match=r"make up: something changes\n(.*\n)*    ~ 1 updated"):
        checked("make up", Run(0, SUMMARY.format("~ 1 updated\n    90 unchanged"), 1, 1), quiet=True)


def test_a_section_is_replaced_between_its_comments_and_a_new_one_goes_to_the_end() -> None:
    text = "# Head\n<!-- a -->\nold\n<!-- end of a -->\n\n<!-- a b -->\n<!-- end of a b -->\ntail\n"
    once = replaced(text, "a", "new\n")
    assert once == text.replace("old", "new")
    assert replaced(once, "a", "new") == once
    assert replaced(text, "c", "more").endswith("tail\n\n<!-- c -->\nmore\n<!-- end of c -->\n")
    with pytest.raises(ValueError, match="has no <!-- end of a -->"):
        replaced("<!-- a -->\n", "a", "new")


def test_tables_are_readable_as_text() -> None:
    assert table([("a", "longer"), ("value", "b")]) == "\n".join(
        ["| a     | longer |", "|-------|--------|", "| value | b      |"]
    )
