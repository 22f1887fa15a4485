"""What a MySQL member does next (mysql/server/decide.sh), in every combination of what it sees."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations, product
from pathlib import Path

import pytest

FILE = Path(__file__).resolve().parents[2] / "configs" / "services" / "mysql" / "server" / "decide.sh"
MEMBERS = ("a", "b", "c")
HEAD = "declare -A STATES QUORATE LISTS_ME HOLDS GROUP STAYS AWAY_FOR_S; MEMBER_NAMES=(a b c)\n"
#: What a member says: its state, `+` when its group has a quorum, `*` when that group still has the asker.
SEEN = ("OFFLINE", "ONLINE", "ONLINE+", "ONLINE+*", "RECOVERING+", "ERROR", "UNREACHABLE")
#: Transactions as bits: 1 and 2 have diverged, 3 has those of both.
SETS = (*product((0, 1, 2), repeat=3), *permutations((1, 2, 3)))
FEW_SETS = tuple(product((0, 1), repeat=3))


@dataclass(frozen=True)
class Offline:
    """A turn of an OFFLINE member, and what it decided."""

    me: str
    seen: dict[str, str]
    sets: dict[str, int]
    forced: str
    given_up: str
    proposed: str
    action: str = ""

    def holds(self, one: str, other: str) -> bool:
        return self.sets[one] | self.sets[other] == self.sets[one]


LOOPS = """
set -f
for seen in {seen}; do for sets in {sets}; do
  IFS=, read -r s1 s2 s3 <<<"$seen"; IFS=, read -r t1 t2 t3 <<<"$sets"
  s=("$s1" "$s2" "$s3"); t=("$t1" "$t2" "$t3")
  for i in 0 1 2; do
    m=${{MEMBER_NAMES[i]}}; STATES[$m]=${{s[i]%%+*}} QUORATE[$m]=0 LISTS_ME[$m]=0
    [[ ${{s[i]}} != *+* ]] || QUORATE[$m]=1
    [[ ${{s[i]}} != *"*" ]] || LISTS_ME[$m]=1
    for j in 0 1 2; do HOLDS["$m ${{MEMBER_NAMES[j]}}"]=$(((t[i] | t[j]) == t[i])); done
  done
  for ME in a b c; do
    STATE=${{STATES[$ME]}}
    [[ $STATE == OFFLINE ]] || continue
    for word in : yes: yes:b yes:b,c; do for PROPOSED in '' a b c; do
      FORCED=${{word%%:*}} GIVEN_UP=${{word#*:}}; GIVEN_UP=${{GIVEN_UP//,/ }}
      decide
      printf '%s|%s|%s|%s|%s|%s|%s\\n' "$ME" "$seen" "$sets" "$FORCED" "$GIVEN_UP" "$PROPOSED" "$ACTION"
    done; done
  done
done; done
"""


def run(text: str, script: str) -> list[str]:
    command = ["bash", "-uc", HEAD + text + script]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def offline_turns(text: str, sets: tuple[tuple[int, ...], ...]) -> Iterator[Offline]:
    seen = " ".join(",".join(each) for each in product(SEEN, repeat=3) if "OFFLINE" in each)
    kinds = " ".join(",".join(map(str, each)) for each in sets)
    for line in run(text, LOOPS.format(seen=seen, sets=kinds)):
        me, states, has, forced, given_up, proposed, action = line.split("|")
        yield Offline(
            me,
            dict(zip(MEMBERS, states.split(","), strict=True)),
            dict(zip(MEMBERS, map(int, has.split(",")), strict=True)),
            forced,
            given_up,
            proposed,
            action,
        )


def broken_rule(turn: Offline) -> str:
    """The rule that this decision breaks, or nothing."""
    word, _, argument = turn.action.partition(" ")
    groups = [m for m in MEMBERS if m != turn.me and turn.seen[m].startswith("ONLINE+")]
    if groups and word not in ("join", "wait"):
        return "joins where there is a group with a quorum, and only there"
    if word == "join" and (argument not in groups or turn.seen[argument] != "ONLINE+"):
        return "joins a group with a quorum that has expelled it"
    if word == "wait" and groups and turn.seen[groups[0]] == "ONLINE+":
        return "joins a group at once"
    if word == "bootstrap":
        if set(turn.seen.values()) != {"OFFLINE"}:
            return "bootstraps only where every member was asked and is OFFLINE"
        if not all(turn.holds(turn.me, other) for other in MEMBERS):
            return "bootstraps only with every transaction of every member"
        if turn.proposed != turn.me:
            return "bootstraps only what it proposed in the turn before"
        if any(all(turn.holds(one, m) for m in MEMBERS) for one in MEMBERS[: MEMBERS.index(turn.me)]):
            return "of two that have everything only the first bootstraps"
    if word == "force_bootstrap":
        if not turn.forced:
            return "forces only when an operator said so"
        for other in set(MEMBERS) - {turn.me} - set(turn.given_up.split()):
            if turn.seen[other] == "UNREACHABLE" or not turn.holds(turn.me, other):
                return "forces only what loses nothing, or what the operator named"
    if turn.forced and word in ("bootstrap", "propose"):
        return "an operator's word goes before an election"
    return ""


def broken_rules(turns: list[Offline]) -> set[str]:
    return set(map(broken_rule, turns)) - {""}


def test_no_rule_is_broken_by_a_member_without_a_group() -> None:
    turns = list(offline_turns(FILE.read_text(), SETS))
    assert not broken_rules(turns)
    assert {turn.action.split()[0] for turn in turns} == {
        "join",
        "bootstrap",
        "propose",
        "wait",
        "force_bootstrap",
        "refuse_force",
    }
    assert len(turns) > 50_000


@pytest.mark.parametrize(
    ("rule", "replacement", "found"),
    [
        ("${STATES[$member]} == ONLINE && ${QUORATE[$member]} == 1", "${STATES[$member]} == ONLINE", "joins"),
        ('[[ ${STATES[$member]} == OFFLINE ]] || missing+=', "true || missing+=", "member was asked"),
        ('[[ ${LISTS_ME[$member]} == 0 ]] ||', "true ||", "has expelled it"),
        ('&& holds_all "$member"', "&& true", "every transaction"),
        (" && $PROPOSED == \"$ME\"", "", "the turn before"),
        ('if [[ -z $best ]] && holds_all', 'if holds_all', "only the first"),
        ("if [[ -n $FORCED ]]; then", "if true; then", "an operator said so"),
        ("${STATES[$member]} != UNREACHABLE && ", "", "loses nothing"),
        ('&& ${HOLDS["$ME $member"]:-0} == 1 ]] && continue', "]] && continue", "loses nothing"),
    ],
)  # fmt: skip
def test_each_rule_that_is_taken_away_is_missed(rule: str, replacement: str, found: str) -> None:
    text = FILE.read_text()
    assert text.count(rule) == 1
    turns = list(offline_turns(text.replace(rule, replacement), FEW_SETS))
    assert [each for each in broken_rules(turns) if found in each]


SETTLED = """
for STATE in ONLINE UNKNOWN RECOVERING ERROR; do for QUORUM in 0 1; do for READ_ONLY in 0 1; do
for CLOSED in 0 1; do for HAS_DATABASE in 0 1; do for WHOLE_FOR_S in 0 60; do
for FAILBACK_AFTER_S in 0 60; do for ME in a b; do
  decide; decide_role
  echo "$STATE $QUORUM $READ_ONLY $CLOSED $HAS_DATABASE $WHOLE_FOR_S $FAILBACK_AFTER_S $ME|$ROLE|$ACTION"
done; done; done; done; done; done; done; done
"""


def test_what_a_member_of_a_group_does_and_what_it_is() -> None:
    lines = run(FILE.read_text(), SETTLED)
    assert len(lines) == 4 * 2**7
    for line in lines:
        seen, role, action = line.split("|")
        state, *numbers, me = seen.split()
        quorum, read_only, closed, has_database, whole_s, failback_s = map(int, numbers)
        serves = state == "ONLINE" and bool(quorum)
        assert role == ("NONE" if not serves else "SECONDARY" if read_only else "PRIMARY")
        assert (action == "open") == (serves and bool(closed))
        writes = role == "PRIMARY" and not closed
        assert (action == "create_database") == (writes and not has_database)
        due = bool(failback_s) and whole_s >= failback_s and me != "a"
        assert (action == "hand_over a") == (writes and bool(has_database) and due)
        assert (action == "stop_replication") == (state == "ERROR")


LEAVING = """
for ME in a b c; do for one in {others}; do for two in {others}; do
  STATE=ONLINE; others=(); given=("$one" "$two")
  for m in a b c; do [[ $m == "$ME" ]] || others+=("$m"); done
  for i in 0 1; do
    m=${{others[i]}}
    IFS=, read -r GROUP["$m"] STAYS["$m"] AWAY_FOR_S["$m"] <<<"${{given[i]}}"
  done
  ready_to_stop
  echo "$ME|${{others[0]}},$one|${{others[1]}},$two|$READY"
done; done; done
"""
OTHERS = ("ONLINE,1,0", "ONLINE,0,0", "RECOVERING,0,0", "UNREACHABLE,0,0", "GONE,0,5", "GONE,0,60")


def must_wait(me: str, other: str, state: str, stays: bool, away_s: int) -> bool:
    if state == "ONLINE":
        return not stays and other < me
    return state != "GONE" or away_s < 60


def test_a_member_leaves_only_when_nobody_is_on_the_way_back() -> None:
    lines = run(FILE.read_text(), LEAVING.format(others=" ".join(OTHERS)))
    assert len(lines) == 3 * len(OTHERS) ** 2
    for line in lines:
        me, *others, ready = line.split("|")
        each = [other.split(",") for other in others]
        somebody_stays = any(state == "ONLINE" and stays == "1" for _, state, stays, _ in each)
        waits = somebody_stays and any(
            must_wait(me, name, state, stays == "1", int(away_s)) for name, state, stays, away_s in each
        )
        assert (ready == "yes") != waits, line


def test_of_members_that_are_stopped_together_one_after_the_other_leaves() -> None:
    """While a third one stays. Where all three are stopped nobody waits: the environment goes."""
    lines = run(FILE.read_text(), LEAVING.format(others="ONLINE,1,0 ONLINE,0,0"))
    ready = {line.rpartition("|")[0]: line.endswith("yes") for line in lines}
    assert (ready["a|b,ONLINE,0,0|c,ONLINE,1,0"], ready["b|a,ONLINE,0,0|c,ONLINE,1,0"]) == (True, False)
    together = {"a": ("b", "c"), "b": ("a", "c"), "c": ("a", "b")}
    assert all(ready[f"{me}|{one},ONLINE,0,0|{two},ONLINE,0,0"] for me, (one, two) in together.items())
