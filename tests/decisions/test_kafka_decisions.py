"""What a Kafka member does at its start, and when it may stop (decide.sh), whatever it sees."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

FILE = Path(__file__).resolve().parents[2] / "configs/services/kafka/server/decide.sh"

START = """
declare -A EPOCHS
MEMBER_NAMES=(a b c)
for FORMATTED in '' yes; do for ORDERED in '' yes; do
for CLUSTER_STATE in new existing typo; do for MEMBER_INDEX in 0 1 2; do
  for one in '' 0 7; do for two in '' 0 7; do
    given=("$one" "$two") EPOCHS=() said=''
    for m in a b c; do
      if [[ $m == "${MEMBER_NAMES[MEMBER_INDEX]}" ]]; then continue; fi
      EPOCHS[$m]=${given[0]} given=("${given[@]:1}")
    done
    decide_start
    echo "$FORMATTED|$ORDERED|$CLUSTER_STATE|$MEMBER_INDEX|$one|$two|$ACTION"
  done; done
done; done; done; done
"""


def run(text: str, script: str) -> list[str]:
    done = subprocess.run(["bash", "-uc", text + script], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def broken_rules(text: str) -> set[str]:
    """The rules that decisions at the start break."""
    return {broken_rule(*line.split("|")) for line in run(text, START)} - {""}


def broken_rule(formatted: str, ordered: str, state: str, index: str, one: str, two: str, action: str) -> str:
    word = action.split()[0]
    if formatted:
        return "" if word == "start" else "a member with data starts"
    if (word == "restore") != bool(ordered):
        return "an operator's order is carried out, and only that"
    if word == "restore":
        return ""
    if word == "start":
        return "a member without data doesn't start before it is formatted"
    if word == "found" and (one, two) != ("0", "0"):
        return "founds only where every other member answered and never saw a quorum"
    if word == "found" and index != "0":
        return "only the first member founds"
    if word == "found" and state != "new":
        return "founds only while the operator allows it"
    if word == "join" and state == "typo":
        return "does nothing by a state that it doesn't know"
    if word == "wait" and state != "typo" and (index != "0" or "7" in (one, two) or state == "existing"):
        return "joins at once what exists"
    if (state, index, one, two) == ("new", "0", "0", "0") and word != "found":
        return "a fresh environment is founded without a person"
    return ""


def test_no_rule_is_broken_at_the_start() -> None:
    lines = run(FILE.read_text(), START)
    assert len(lines) == 2 * 2 * 3 * 3 * 9
    assert {line.rpartition("|")[2].split()[0] for line in lines} == {
        *("start", "restore", "join", "found", "wait")
    }
    assert not broken_rules(FILE.read_text())


@pytest.mark.parametrize(
    ("rule", "replacement", "found"),
    [
        ("if [[ -n $FORMATTED ]]; then ACTION=start", "if false; then ACTION=start", "with data starts"),
        ("if [[ -n $ORDERED ]]", "if true", "an operator's order"),
        ("MEMBER_INDEX > 0", "0", "only the first"),
        ("elif [[ -n $silent ]]", "elif false", "every other member answered"),
        ("elif ((epoch > 0))", "elif false", "every other member answered"),
        (" || $CLUSTER_STATE == existing ]]", " ]]", "operator allows"),
        ("$CLUSTER_STATE != new && ", "$CLUSTER_STATE != new && $CLUSTER_STATE != typo && ", "doesn't know"),
        ("-n $seen || ", "", "joins at once"),
    ],
)
def test_each_rule_that_is_taken_away_is_missed(rule: str, replacement: str, found: str) -> None:
    text = FILE.read_text()
    assert text.count(rule) == 1
    assert [each for each in broken_rules(text.replace(rule, replacement)) if found in each]


STOP = """
for NODE_ID in 1 2; do
  for v1 in {behind}; do for v2 in {behind}; do for v3 in {behind}; do
    VOTERS=''; i=0
    for v in $v1 $v2 $v3; do ((++i)); [[ $v == gone ]] || VOTERS+="$i $v"$'\\n'; done
    for replicas in ,1,2,3, ,2,1, ,1, ,3,2, ,2,3,1,; do for isr in {isr}; do
      PARTITIONS="t-0 $replicas $isr"$'\\n'
      decide_stop
      echo "$NODE_ID|$v1 $v2 $v3|$replicas|$isr|$REASON"
    done; done
  done; done; done
done
"""
BEHIND = ("0", "1999", "9000", "gone")
ISR = (",1,", ",2,", ",1,2,", ",3,2,", ",1,2,3,", ",")


def ids(text: str) -> set[str]:
    return set(text.strip(",").split(",")) - {""}


def test_a_member_stops_only_when_a_majority_and_two_copies_go_on_without_it() -> None:
    lines = run(FILE.read_text(), STOP.format(behind=" ".join(BEHIND), isr=" ".join(ISR)))
    assert len(lines) == 2 * len(BEHIND) ** 3 * 5 * len(ISR)
    for line in lines:
        me, voters, replicas, isr, reason = line.split("|")
        known = {str(i): v for i, v in enumerate(voters.split(), 1) if v != "gone"}
        others = [v for i, v in known.items() if i != me and int(v) <= 2000]
        majority = len(known) < 2 or 2 * len(others) > len(known)
        wanted = min(2, len(ids(replicas) - {me}))
        in_sync = me not in ids(replicas) or len(ids(isr) - {me}) >= wanted
        assert (not reason) == (majority and in_sync), line
        if not majority:
            assert "controllers" in reason
        elif not in_sync:
            assert reason.endswith("in sync of 1 partitions: t-0")


def test_partitions_that_hold_it_back_are_counted_and_the_first_named() -> None:
    script = """
    NODE_ID=2 VOTERS=$'1 0\\n2 5\\n3 9\\n'
    PARTITIONS=$'notes-0 ,1,2,3, ,1,2,\\nnotes-1 ,1,2,3, ,1,2,3,\\nlog-11 ,2,3,1, ,2,\\n'
    PARTITIONS+=$'a-1 ,2,3,1, ,2,\\na-2 ,2,3,1, ,2,\\n'
    decide_stop; echo "$REASON"
    """
    assert run(FILE.read_text(), script) == [
        "too few other replicas in sync of 4 partitions: notes-0 log-11 a-1"
    ]
