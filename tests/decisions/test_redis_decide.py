"""Redis: what a member does next, over every combination of what it can see: decide.sh."""

from __future__ import annotations

import itertools
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

DECIDE = (Path(__file__).parents[2] / "configs/services/redis/server/decide.sh").read_text()
MAJORITY = "majority() { (($1 * 2 > 3)); }\nFIRST=redis-1 SENTINEL_COUNT=3\n"
ME, OTHER, THIRD = "redis-1", "redis-2", "redis-3"
LOOK_MS = 900


@dataclass(frozen=True)
class Seen:
    """The inputs of decide.sh, by their names there in lower case; ME is redis-1 unless told."""

    me: str = ME
    role: str = "standby"
    link: str = "down"
    has_data: str = "yes"
    complete: str = "yes"
    answered: int = 3
    master: str = ""
    agreed: int = 0
    epoch: int = 5
    own_epoch: int = 4
    stable: str = "yes"
    primaries: str = ""
    all_empty: str = ""
    force_promote: str = ""
    ordered_ms: int = -1
    named_ms: int = -1
    unpromotable_ms: int = -1
    led_ms: int = 60000
    replaced_ms: int = -1
    preferred_ms: int = -1
    in_sync_ms: int = -1
    writes_held_ms: int = -1
    guarded_ms: int = -1

    def shell(self, before: Seen | None = None) -> str:
        """Assignments, of what differs from the case before."""
        return " ".join(
            f"{f.name.upper()}='{getattr(self, f.name)}'"
            for f in fields(self)
            if before is None or getattr(self, f.name) != getattr(before, f.name)
        )


def actions(cases: list[Seen], text: str = DECIDE) -> list[str]:
    """The action of each case, decided by one bash that can start no program and has no network."""
    pairs = zip(cases, [None, *cases], strict=False)
    lines = "\n".join(f'{case.shell(before)}; decide; echo "$ACTION"' for case, before in pairs)
    done = subprocess.run(
        ["bash", "-u"],
        input=f"PATH=/nowhere\n{MAJORITY}{text}\n{lines}\n",
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def standbys() -> Iterator[Seen]:
    """All that a member in standby can see; times only where their condition holds."""
    for has_data, answered, master, stable, primaries, order, me in itertools.product(
        ("yes", ""),
        (0, 1, 2, 3),
        ("", ME, OTHER),
        ("yes", ""),
        ("", OTHER, THIRD, f"{OTHER} {THIRD}"),
        (None, -1, 0, 11999, 12000),
        (ME, OTHER),
    ):
        if me in primaries.split() or (not answered and master):
            continue
        base = {"me": me, "has_data": has_data, "answered": answered, "master": master, "stable": stable}
        base |= {"primaries": primaries, "force_promote": "" if order is None else "yes"}
        base |= {"ordered_ms": -1 if order is None else order}
        named = master == me and answered >= 2
        for all_empty in ("", "yes") if not has_data and not primaries else ("",):
            for named_ms in (0, 899, 900, 14999, 15000) if named and stable else (-1,):
                for unpromotable_ms in (-1, 0, 14999, 15000) if named and not stable else (-1,):
                    times = {"named_ms": named_ms, "unpromotable_ms": unpromotable_ms}
                    yield Seen(**base, **times, all_empty=all_empty)  # type: ignore[arg-type]


def primaries() -> Iterator[Seen]:
    """All that a member that leads can see."""
    for master, agreed, answered, stable, epoch, others, replaced_ms, led_ms in itertools.product(
        ("", ME, OTHER),
        (0, 1, 2, 3),
        (2, 3),
        ("yes", ""),
        (4, 5),
        ("", OTHER, THIRD),
        (-1, 0, 15000),
        (0, 2999, 3000),
    ):
        replaced = master == OTHER and OTHER in others and agreed >= 2
        if (replaced_ms >= 0) != replaced or bool(master) != bool(agreed) or agreed > answered:
            continue
        if led_ms != 3000 and not replaced:
            continue
        told = {"master": master, "agreed": agreed, "answered": answered, "stable": stable, "epoch": epoch}
        told |= {"primaries": others, "replaced_ms": replaced_ms, "led_ms": led_ms}
        for preferred_ms, complete, held_ms, guarded_ms in itertools.product(
            (-1, 11999, 12000), ("yes", ""), (-1, 0, 12000), (-1, 0, 12000)
        ):
            yield Seen(
                role="primary",
                preferred_ms=preferred_ms,
                complete=complete,
                writes_held_ms=held_ms,
                guarded_ms=guarded_ms,
                **told,  # type: ignore[arg-type]
            )


PRIMARY_ONLY = ("yield", "hand_back", "allow_writes", "hold_writes", "resume_writes")
Rule = Callable[[Seen, str], bool]
#: By name: what must hold of every case and its action.
RULES: dict[str, Rule] = {
    "only a member in standby leads, follows, takes an order or asks for a failover": lambda seen, done: (
        seen.role == "standby" or not re.match(r"lead|follow|take_order|request_failover|wait", done)
    ),
    "only a primary yields, hands back or allows writes": lambda seen, done: (
        seen.role == "primary" or done.split()[0] not in PRIMARY_ONLY
    ),
    "while another leads, only one leads whom a majority names and no Sentinel sees down": lambda seen,
    done: (not leads(done) or not seen.primaries or (seen.master == seen.me and seen.stable == "yes")),
    "who leads was ordered, is named by a majority, or starts first": lambda seen, done: (
        not leads(done) or seen.ordered_ms >= 12000 or (seen.answered >= 2 and seen.master in (seen.me, ""))
    ),
    "an empty volume leads only at a first start of all, or by order": lambda seen, done: (
        not leads(done)
        or seen.has_data == "yes"
        or seen.ordered_ms >= 12000
        or (seen.all_empty == "yes" and seen.me == ME and not seen.master)
    ),
    "nobody leads with writes while a Sentinel sees it down or replaces it": lambda seen, done: (
        not done.startswith("lead ") or bool(seen.stable) or seen.ordered_ms >= 12000 or not seen.master
    ),
    "one look is not enough to lead": lambda seen, done: (
        not done.startswith("lead named") or seen.named_ms >= LOOK_MS
    ),
    "with a Sentinel away a member waits before it leads": lambda seen, done: (
        not done.startswith("lead named") or seen.answered == 3 or seen.named_ms >= 15000
    ),
    "without writes a member leads only when no other could be promoted for long": lambda seen, done: (
        done != "lead_without_writes"
        or (seen.unpromotable_ms >= 15000 and seen.has_data == "yes" and not seen.stable)
    ),
    "a named member leads without writes when no other can be promoted for long": lambda seen, done: (
        done == "lead_without_writes"
        or bool(seen.stable or seen.primaries or seen.force_promote or not seen.has_data)
        or seen.unpromotable_ms < 15000
    ),
    "an order leads only after every Sentinel can know the priority": lambda seen, done: (
        "operator" not in done or not done.startswith("lead") or seen.ordered_ms >= 12000
    ),
    "a member follows only one that leads, whom a majority names where there is one": lambda seen, done: (
        not done.startswith("follow ")
        or (
            done.split()[1] in seen.primaries.split()
            and (done.split()[1] == seen.master or seen.answered < 2 or not seen.master)
        )
    ),
    "a member follows nobody by chance of two": lambda seen, done: (
        not done.startswith("follow ")
        or seen.primaries in (OTHER, THIRD, ME)
        or done.split()[1] == seen.master
    ),
    "a failover is asked for only when a stable majority names an empty member": lambda seen, done: (
        done != "request_failover"
        or (not seen.has_data and seen.master == seen.me and seen.answered >= 2 and bool(seen.stable))
    ),
    "a primary yields exactly to another that a majority names and that leads": lambda seen, done: (
        not done.startswith("yield ")
        or (seen.agreed >= 2 and done == f"yield {seen.master}" and seen.master in seen.primaries.split())
    ),
    "a primary doesn't yield to an old view": lambda seen, done: (
        not done.startswith("yield ")
        or (seen.epoch > seen.own_epoch and seen.led_ms >= 3000)
        or seen.replaced_ms >= 15000
    ),
    "a primary that was replaced yields at once, before anything else": lambda seen, done: (
        seen.role != "primary"
        or not (seen.replaced_ms >= 0 and seen.epoch > seen.own_epoch and seen.led_ms >= 3000)
        or done.startswith("yield ")
    ),
    "who stood still takes writes only when all Sentinels say that it leads, or after long": lambda seen,
    done: (
        done != "resume_writes"
        or seen.guarded_ms >= 12000
        or (seen.master == seen.me and seen.stable == "yes" and seen.answered == 3)
    ),
    "who stood still does nothing else before": lambda seen, done: (
        seen.guarded_ms < 0 or done.split()[0] in ("yield", "hold_writes", "resume_writes")
    ),
    "writes are held back for as long as Sentinel may replace the member": lambda seen, done: (
        done != "allow_writes" or seen.writes_held_ms >= 12000
    ),
    "a primary hands back only a complete set, when every Sentinel can know the preference": lambda seen,
    done: (done != "hand_back" or (seen.complete == "yes" and seen.preferred_ms >= 12000)),
}


def leads(action: str) -> bool:
    return action.startswith("lead")


CASES = [*standbys(), *primaries(), *(Seen(role="replica", link=link) for link in ("up", "down", "sync"))]


def broken(text: str) -> set[str]:
    """The rules that a decide.sh of this text breaks."""
    done = list(zip(CASES, actions(CASES, text), strict=True))
    return {name for name, rule in RULES.items() if not all(rule(*each) for each in done)}


def test_every_rule_holds_in_every_case() -> None:
    assert len(CASES) > 4000
    assert broken(DECIDE) == set()


def test_every_action_is_reached() -> None:
    words = {action.split()[0] for action in actions(CASES)}
    named = re.findall(r"ACTION=\"?(\w+)", DECIDE)
    assert words == set(named)


MUTATIONS = [
    ("-n $FORCE_PROMOTE && -z $PRIMARIES", "-n $FORCE_PROMOTE"),
    ('elif majority "$ANSWERED" && [[ -n $MASTER ]]', "elif [[ -n $MASTER ]]"),
    ("-n $PRIMARIES && $PRIMARIES != *' '*", "-n $PRIMARIES"),
    (
        'majority "$ANSWERED" && [[ $ME == "$FIRST" && -n $ALL_EMPTY ]]',
        '[[ $ME == "$FIRST" && -n $ALL_EMPTY ]]',
    ),
    ('$ME == "$FIRST" && -n $ALL_EMPTY', "-n $ALL_EMPTY"),
    ('$ME == "$FIRST" && -n $ALL_EMPTY', '$ME == "$FIRST"'),
    ("ORDERED_MS < KNOWN_AFTER_MS", "ORDERED_MS < 0"),
    ('if [[ " $PRIMARIES " == *" $MASTER "* ]]; then', "if true; then"),
    ("elif [[ -z $HAS_DATA ]]; then", "elif false; then"),
    ("[[ -z $STABLE ]] || ACTION=request_failover", "ACTION=request_failover"),
    ("elif [[ -z $STABLE ]]; then", "elif false; then"),
    ("NAMED_MS < TWO_LOOKS_MS", "NAMED_MS < 0"),
    ("ANSWERED == SENTINEL_COUNT || NAMED_MS >= PATIENCE_MS", "1"),
    ("((UNPROMOTABLE_MS < PATIENCE_MS)) || ", ""),
    ("[[ -n $PRIMARIES ]] || ((UNPROMOTABLE_MS", "((UNPROMOTABLE_MS"),
    ('if majority "$AGREED" && ', "if "),
    ('$MASTER != "$ME" && " $PRIMARIES " == *" $MASTER "* ]] &&', '$MASTER != "$ME" ]] &&'),
    ("EPOCH > OWN_EPOCH || REPLACED_MS", "1 || REPLACED_MS"),
    ("EPOCH > OWN_EPOCH || REPLACED_MS", "0 || REPLACED_MS"),
    ("LED_MS >= TOLD_ALL_MS && EPOCH", "EPOCH"),
    ("elif ((GUARDED_MS >= 0)); then", "elif false; then"),
    ('$MASTER == "$ME" && -n $STABLE ]] && ((ANSWERED', "1 ]] && ((ANSWERED"),
    ("&& ((ANSWERED == SENTINEL_COUNT)) || ((GUARDED_MS", "|| ((GUARDED_MS"),
    ("GUARDED_MS >= KNOWN_AFTER_MS", "GUARDED_MS >= 0"),
    ("((WRITES_HELD_MS >= KNOWN_AFTER_MS", "((WRITES_HELD_MS >= 0"),
    (
        "elif [[ -n $COMPLETE ]] && ((PREFERRED_MS >= KNOWN_AFTER_MS))",
        "elif ((PREFERRED_MS >= KNOWN_AFTER_MS))",
    ),
    ("PREFERRED_MS >= KNOWN_AFTER_MS", "PREFERRED_MS >= 0"),
]


@pytest.mark.parametrize(("rule", "without"), MUTATIONS, ids=[f"{n}" for n in range(len(MUTATIONS))])
def test_a_rule_that_is_taken_away_is_missed(rule: str, without: str) -> None:
    assert DECIDE.count(rule) == 1
    assert broken(DECIDE.replace(rule, without))


def priority(present: int, after_s: int = 60, **seen: object) -> int:
    case = Seen(**seen)  # type: ignore[arg-type]
    text = f"{MAJORITY}{DECIDE}\n{case.shell()}; decide_priority {present} {after_s}; echo $PRIORITY"
    return int(subprocess.run(["bash", "-u"], input=text, capture_output=True, text=True, check=True).stdout)


def test_a_member_can_be_promoted_only_after_it_had_a_link_to_a_master() -> None:
    assert priority(0, role="standby") == 0
    assert priority(0, role="replica", link="down") == 0
    assert priority(100, role="replica", link="sync") == 0
    assert priority(0, role="replica", link="up") == 100
    assert priority(100, role="replica", link="down") == 100
    assert priority(0, role="primary") == 100


def test_the_first_member_is_preferred_after_a_while_in_sync_and_not_for_ever() -> None:
    for in_sync_ms, wanted in (
        (-1, 100),
        (59999, 100),
        (60000, 50),
        (119999, 50),
        (120000, 100),
        (180000, 50),
    ):
        assert priority(100, role="replica", link="up", in_sync_ms=in_sync_ms) == wanted
    assert priority(50, role="replica", link="down") == 100
    assert priority(100, 0, role="replica", link="up", in_sync_ms=60000) == 100
    assert priority(100, me=OTHER, role="replica", link="up", in_sync_ms=60000) == 100


def beat(action: str = "none", after_s: int = 60, **seen: object) -> str:
    case = Seen(**seen)  # type: ignore[arg-type]
    text = f"{MAJORITY}{DECIDE}\n{case.shell()}; ACTION='{action}'; decide_beat {after_s}; echo $BEAT_S"
    return subprocess.run(
        ["bash", "-u"], input=text, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_looks_are_rare_only_while_nothing_is_under_way() -> None:
    assert beat(role="replica", link="up", me=OTHER) == "5"
    assert beat(role="replica", link="up") == "1", "the first member waits to lead"
    assert beat(role="replica", link="up", after_s=0) == "5"
    assert beat(role="replica", link="down", me=OTHER) == "1"
    assert beat(role="standby") == "1"
    assert beat(role="primary", master=ME) == "5"
    assert beat(role="primary", master=OTHER) == "1"
    assert beat(role="primary", master=ME, stable="") == "1"
    assert beat(role="primary", master=ME, complete="") == "1"
    assert beat(role="primary", master=ME, writes_held_ms=5) == "1"
    assert beat(role="primary", me=OTHER, master=OTHER) == "1", "the first member is to lead"
    assert beat(role="primary", me=OTHER, master=OTHER, after_s=0) == "5"
