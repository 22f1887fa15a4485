"""Recorded cases of facts.sh: `tests/facts/<case>.txt` as it was printed, `.json` what it means."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from components.observe import NodeFacts, parse_facts

CASES = sorted((Path(__file__).parents[1] / "facts").glob("*.txt"))
MANAGER = """\
hostname node-1
kernel 6.18.44
engine 20.10.24+dfsg1
swarm_state active
swarm_node_id abc
swarm_manager true
swarm_cluster_id xyz
"""


def plain(value: Any) -> Any:
    """A fact as the cases write it."""
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        if value and hasattr(value[0], "interface"):
            return [f"{route.network} {route.interface}" for route in value]
        return " | ".join(map(member, value)) if value and hasattr(value[0], "id") else list(value)
    if isinstance(value, dict) and value and isinstance(next(iter(value)), tuple):
        return {
            f"{host}:{port}": f"{probe.state} {probe.latency_ms}" for (host, port), probe in value.items()
        }
    return value


def member(row: Any) -> str:
    labels = [f"{key}={value}" for key, value in sorted(row.labels.items())]
    words = [row.name, row.role, row.availability, row.state, row.address, str(row.reachability), *labels]
    return " ".join(words)


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_a_recorded_case_means_what_is_written_beside_it(case: Path) -> None:
    facts = parse_facts(case.read_text())
    expected = json.loads(case.with_suffix(".json").read_text())
    assert {key: plain(getattr(facts, key)) for key in expected} == expected


def test_there_are_cases_of_all_the_systems_of_the_manual() -> None:
    assert {case.stem.partition("-")[0] for case in CASES} == {"centos", "debian", "rhel", "rocky", "ubuntu"}


def test_a_manager_that_answers_manages() -> None:
    facts = parse_facts(MANAGER)
    assert facts.manages
    assert (facts.engine, facts.engine_version) == ("running", "20.10.24+dfsg1")


def test_a_manager_without_leader_does_not_manage() -> None:
    assert not parse_facts(MANAGER.replace("swarm_cluster_id xyz", "swarm_cluster_id ")).manages


def test_what_was_not_said_is_unknown_and_not_absent() -> None:
    empty = parse_facts("")
    fields = {name: getattr(empty, name) for name in NodeFacts.__dataclass_fields__}
    assert {name: value for name, value in fields.items() if value not in (None, {})} == {
        "engine": "unknown",
        "firewall_detail": "",
    }


def test_the_clocks_differ_by_the_middle_of_both_round_trips() -> None:
    facts = parse_facts("clock 1000.0\nclock 1001.0\n", asked_s=998.25)
    assert facts.clock_skew_s == 2.25
    assert parse_facts("clock 1000.0\n", asked_s=998.0).clock_skew_s is None, (
        "the script didn't reach its end"
    )


def test_a_port_is_judged_by_its_best_try() -> None:
    tries = ["peer a 7946 silent", "peer a 7946 open 31", "peer a 7946 open 2", "peer a 7946 refused 9"]
    for order in (tries, tries[::-1]):
        probe = parse_facts("\n".join(order)).peers[("a", 7946)]
        assert (probe.state, probe.latency_ms) == ("open", 2)


def test_a_manager_is_known_by_the_address_it_has_among_managers() -> None:
    row = '{"id":"i","name":"n","role":"manager","availability":"active","state":"ready","address":"0.0.0.0",'
    row += '"labels":null,"reachability":"leader","manager_address":"192.0.2.11:2377"}'
    (seen,) = parse_facts(f"members\nmembers {row}\n").members or ()
    assert (seen.address, seen.labels, seen.reachability) == ("192.0.2.11", {}, "leader")


def test_no_text_however_broken_raises() -> None:
    chance = random.Random(5)
    lines = [line for case in CASES for line in case.read_text().splitlines()]
    keys = sorted({line.partition(" ")[0] for line in lines})
    nonsense = [
        "",
        " ",
        "nan",
        "inf",
        "-1",
        "1e999",
        "null",
        "[" * 5000,
        "{}",
        '{"labels":3}',
        "\x00",
        "٣",
        "9" * 5000,
    ]
    nonsense += [
        "a b c d e f",
        "a 99999999 open x",
        "dev",
        "local",
        "/ dev",
        "1.2.3.4/99 dev eth0",
        "true",
        "\ud800",
    ]
    for _ in range(2000):
        picked = chance.choices(lines, k=chance.randrange(12))
        broken = [f"{chance.choice(keys)} {chance.choice(nonsense)}" for _ in range(chance.randrange(12))]
        cut = [line[: chance.randrange(len(line) + 1)] for line in picked]
        text = chance.choice(["\n", "\r\n", "\x85"]).join(
            chance.sample([*cut, *broken], len(cut) + len(broken))
        )
        assert isinstance(parse_facts(text, asked_s=chance.choice([None, 0.0, float("nan")])), NodeFacts)
