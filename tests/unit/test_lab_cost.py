"""What two looks at the lab say of its cost."""

from __future__ import annotations

import pytest

from lab.cost import ENGINES, cost, parse_usage

BEFORE = "node 1000000000 32700\ntask redis-1 100000000 1048576\ntask api 0 2097152\ntask api 5 2097152\n"
AFTER = (
    "node 4000000000 132\ntask redis-1 1100000000 3145728\ntask api 500000005 2097152\ntask api 0 0\n"
    "task new 7 0\n"
)


def test_rates_are_per_second_by_service_and_the_rest_is_the_engines() -> None:
    seen = cost({"node-1": parse_usage(BEFORE)}, {"node-1": parse_usage(AFTER)}, 10, 0.5, 32768)
    assert seen.cpu == pytest.approx({"redis-1": 0.1, "api": 0.05, "new": 0.0, ENGINES: 0.15})
    assert seen.memory_mib == {"redis-1": 3, "api": 2, "new": 0}
    assert seen.processes_per_s == 20  # process ids begin again
    assert (seen.cores, seen.loops_per_s) == pytest.approx((0.3, 0.6))


def test_half_an_answer_is_no_answer() -> None:
    with pytest.raises(ValueError, match="not enough values"):
        parse_usage("task redis-1 1 2\n")
