"""No two MySQL groups lead, none without what was acknowledged: decide.sh and group.sh's locks, explored.

MySQL itself keeps a group with a quorum. What is ours is how a group begins, so that is what is explored.
Decisions are those of decide.sh; group.sh's locks and second look are modelled here, one lock at a time.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations, product
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.decisions.explore import Explored, explore, put

FILE = Path(__file__).resolve().parents[2] / "configs/services/mysql/server/decide.sh"
MEMBERS = (0, 1, 2)
NAMES = "abc"
NOBODY = -1
OFFLINE, ALONE, QUORATE, LISTS_ME, UNREACHABLE = range(5)
#: What a member is about to do. BOOTSTRAP, FORCE: plus the locks it has asked for; SURE: has looked again.
IDLE, PROPOSED, BOOTSTRAP, SURE, FORCE, SURE_FORCE = 0, 1, 2, 6, 7, 11
Key = tuple[int, tuple[int, ...], tuple[int, ...], int]

ASK = """
declare -A STATES QUORATE LISTS_ME HOLDS; MEMBER_NAMES=(a b c)
STATE_OF=(OFFLINE ONLINE ONLINE ONLINE UNREACHABLE)
mapfile -t lines
for line in "${lines[@]}"; do
  read -r ME s[0] s[1] s[2] PROPOSED FORCED GIVEN_UP holds <<<"$line"
  PROPOSED=${PROPOSED#-} FORCED=${FORCED#-} GIVEN_UP=${GIVEN_UP//,/ } i=0
  for m in a b c; do
    STATES[$m]=${STATE_OF[s[i]]} QUORATE[$m]=$((s[i] == 2 || s[i] == 3)) LISTS_ME[$m]=$((s[i++] == 3))
    for n in a b c; do HOLDS["$m $n"]=${holds:0:1} holds=${holds:1}; done
  done
  join_or_bootstrap
  echo "$ACTION"
done
"""


class Rules(NamedTuple):
    """What group.sh does: takes locks, looks again under them, still has them; the same for an order, which
    spares silent members only if it names them; an order is forgotten once its member was in a group."""

    locks: bool = True
    looks_again: bool = True
    has_locks: bool = True
    force_locks: bool = True
    spares_named: bool = True
    forgets: bool = True


class State(NamedTuple):
    """By member: server, transactions (bits), group (0: OFFLINE), plan, who has its lock, operator's order.

    view: by group, the bits of its members. order: those named, and whether no group has come since. owed:
    what was acknowledged and not given up. Then what may still go wrong.
    """

    runs: tuple[int, ...] = (1, 1, 1)
    has: tuple[int, ...] = (0, 0, 0)
    group: tuple[int, ...] = (1, 1, 1)
    view: tuple[int, ...] = (7,)
    plan: tuple[int, ...] = (IDLE,) * 3
    lock: tuple[int, ...] = (NOBODY,) * 3
    order: tuple[tuple[int, int] | None, ...] = (None,) * 3
    cut: int = NOBODY
    owed: int = 0
    fault: str = ""
    outages: int = 1
    crashes: int = 0
    losses: int = 0
    cuts: int = 0
    writes: int = 0
    orders: int = 0


def holds_of(has: tuple[int, ...], seen: tuple[int, ...]) -> tuple[int, ...]:
    """Who has all of whom; nothing is known of a member that does not answer."""
    known = [state != UNREACHABLE for state in seen]
    return tuple(int(known[m] and known[n] and has[m] | has[n] == has[m]) for m in MEMBERS for n in MEMBERS)


#: 0: nothing; 1: this member was proposed; 8 and more: an order that names these bits.
WORDS = (0, 1, *range(8, 16))


@lru_cache
def inputs() -> tuple[Key, ...]:
    found: dict[Key, None] = {}
    for seen, has in product(product(range(5), repeat=3), product(range(8), repeat=3)):
        for me, word in product(MEMBERS, WORDS):
            if seen[me] == OFFLINE and not (word & 8 and word >> me & 1):
                found[me, seen, holds_of(has, seen), word] = None
    return tuple(found)


@lru_cache
def table(text: str, operator: bool) -> dict[Key, str]:
    """decide.sh's action for everything that a member can see."""
    keys = [key for key in inputs() if operator or key[3] < 8]
    lines = []
    for me, seen, holds, word in keys:
        named = ",".join(NAMES[m] for m in MEMBERS if word >> m & 1) if word & 8 else ""
        forced = "yes" if word & 8 else "-"
        proposed = NAMES[me] if word == 1 else "-"
        fields = NAMES[me], *seen, proposed, forced, named or ",", "".join(map(str, holds))
        lines.append(" ".join(map(str, fields)))
    done = subprocess.run(
        ["bash", "-uc", text + ASK], input="\n".join(lines), capture_output=True, text=True, check=True
    )
    return dict(zip(keys, done.stdout.splitlines(), strict=True))


def reach(state: State, one: int, other: int) -> bool:
    return one == other or state.cut not in (one, other)


def answers(state: State, me: int, other: int) -> bool:
    return bool(state.runs[other]) and reach(state, me, other)


def together(state: State, me: int) -> list[int]:
    """The members of this member's group that it reaches; empty without a quorum."""
    group = state.group[me]
    view = state.view[group - 1] if group else 0
    there = [m for m in MEMBERS if view >> m & 1 and state.group[m] == group and answers(state, me, m)]
    return there if view >> me & 1 and 2 * len(there) > view.bit_count() else []


def bits(members: list[int]) -> int:
    return sum(1 << m for m in members)


def known(state: State, members: int = 7) -> int:
    """The transactions on the disks of these."""
    found = 0
    for m in MEMBERS:
        found |= state.has[m] if members >> m & 1 else 0
    return found


def look(state: State, me: int) -> tuple[int, ...]:
    def answer(other: int) -> int:
        if not answers(state, me, other):
            return UNREACHABLE
        if not state.group[other]:
            return OFFLINE
        if not together(state, other):
            return ALONE
        return LISTS_ME if state.view[state.group[other] - 1] >> me & 1 else QUORATE

    return tuple(map(answer, MEMBERS))


def tidy(state: State) -> State:
    """The same state whatever the number of a group; a group without members is gone."""
    old = list(dict.fromkeys(group for group in state.group if group))
    group = tuple(old.index(each) + 1 if each else 0 for each in state.group)
    return state._replace(group=group, view=tuple(state.view[each - 1] for each in old))


def release(state: State, me: int, plan: int = IDLE) -> State:
    lock = tuple(NOBODY if holder == me else holder for holder in state.lock)
    return state._replace(lock=lock, plan=put(state.plan, me, plan))


def down(state: State, me: int) -> State:
    """Locks end with either side."""
    state = release(state, me)
    state = state._replace(lock=put(state.lock, me, NOBODY))
    return tidy(state._replace(runs=put(state.runs, me, 0), group=put(state.group, me, 0)))


def start_group(state: State, me: int, rules: Rules) -> State:
    order = state.order[me]
    forced = state.plan[me] >= FORCE
    given = 0
    if order and forced and order[1]:
        given = known(state, order[0])
    lacks = state.owed & known(state) & ~state.has[me]
    if lacks & ~given:
        state = state._replace(fault="a group lacks what was acknowledged")
    if forced or rules.forgets:
        state = state._replace(order=put(state.order, me, None))
    view, group = (*state.view, 1 << me), put(state.group, me, len(state.view) + 1)
    return tidy(release(state._replace(owed=state.owed & ~lacks, view=view, group=group), me))


def join(state: State, me: int, other: int, rules: Rules) -> State:
    """MySQL refuses one that has what the group lacks."""
    there = together(state, other)
    group = state.group[other]
    order = state.order[me]
    if order:
        state = state._replace(order=put(state.order, me, None if rules.forgets else (order[0], 0)))
    state = release(state, me)
    if not there or state.has[me] & ~state.has[there[0]]:
        return state
    view = put(state.view, group - 1, state.view[group - 1] | 1 << me)
    has = put(state.has, me, state.has[there[0]])
    return tidy(state._replace(has=has, group=put(state.group, me, group), view=view))


def turn(state: State, me: int, asks: dict[Key, str], rules: Rules) -> State:
    """Looks and decides. Also the second look, under the locks."""
    plan, order, seen = state.plan[me], state.order[me], look(state, me)
    word = 8 | order[0] if order else int(plan in (PROPOSED, SURE - 1))
    action, _, argument = asks[me, seen, holds_of(state.has, seen), word].partition(" ")
    if plan >= BOOTSTRAP:
        wanted = "force_bootstrap" if plan >= FORCE else "bootstrap"
        has_locks = all(state.lock[m] == me or spared(state, me, m, rules) for m in MEMBERS)
        sure = action == wanted and (has_locks or not rules.has_locks)
        return state._replace(plan=put(state.plan, me, plan + 1)) if sure else release(state, me)
    if action == "join":
        return join(state, me, NAMES.index(argument), rules)
    if action == "refuse_force":
        state = state._replace(order=put(state.order, me, None))
    begins = BOOTSTRAP if rules.locks else SURE - 1
    next_plan = {
        "propose": PROPOSED if argument == NAMES[me] else IDLE,
        "bootstrap": begins,
        "force_bootstrap": FORCE if rules.force_locks else SURE_FORCE,
    }
    return state._replace(plan=put(state.plan, me, next_plan.get(action, IDLE)))


def spared(state: State, me: int, place: int, rules: Rules) -> bool:
    """An order does without the lock of a silent member that it names."""
    order = state.order[me]
    if state.plan[me] < FORCE or not order or answers(state, me, place):
        return False
    return bool(order[0] >> place & 1) or not rules.spares_named


def take_lock(state: State, me: int, place: int, rules: Rules) -> State:
    """The next lock, or none at all."""
    if not spared(state, me, place, rules):
        if not answers(state, me, place) or state.lock[place] != NOBODY:
            return release(state, me)
        state = state._replace(lock=put(state.lock, place, me))
    return state._replace(plan=put(state.plan, me, state.plan[me] + 1))


def agent(state: State, me: int, asks: dict[Key, str], rules: Rules) -> Iterator[tuple[str, State]]:
    """What an OFFLINE member does next."""
    plan = state.plan[me]
    place = plan - (FORCE if plan >= FORCE else BOOTSTRAP)
    if plan in (SURE, SURE_FORCE):
        yield f"{NAMES[me]} bootstraps", start_group(state, me, rules)
    elif plan >= BOOTSTRAP and place < len(MEMBERS):
        yield f"{NAMES[me]} asks for the lock of {NAMES[place]}", take_lock(state, me, place, rules)
    elif plan >= BOOTSTRAP and not rules.looks_again:
        yield f"{NAMES[me]} does not look again", state._replace(plan=put(state.plan, me, plan + 1))
    else:
        yield f"{NAMES[me]} looks", turn(state, me, asks, rules)


def orders(state: State, me: int) -> Iterator[tuple[str, State]]:
    """force-bootstrap.sh: refused beside a group with a quorum; names those in the way, or more.

    Who is named is OFFLINE, or down: a silent member that is named never comes back, or the operator errs.
    """
    seen = look(state, me)
    others = [m for m in MEMBERS if m != me]
    if QUORATE in seen or LISTS_ME in seen or state.order[me]:
        return
    needed = {m for m in others if seen[m] == UNREACHABLE or state.has[m] & ~state.has[me]}
    for count in range(3):
        for named in combinations(others, count):
            if needed <= set(named) and all(reach(state, me, m) or not state.runs[m] for m in named):
                order = put(state.order, me, (bits(list(named)), 1))
                name = f"force-bootstrap on {NAMES[me]}, gives up {[NAMES[m] for m in named]}"
                yield name, state._replace(order=order, orders=state.orders - 1)


def group_events(state: State, me: int) -> Iterator[tuple[str, State]]:
    there = together(state, me)
    group = state.group[me]
    if not there:
        yield f"{NAMES[me]} gives its group up", tidy(state._replace(group=put(state.group, me, 0)))
    elif there[0] == me:
        if bits(there) != state.view[group - 1]:
            yield "the silent ones are expelled", state._replace(view=put(state.view, group - 1, bits(there)))
        if state.writes:
            new = 1 << state.writes
            has = tuple(each | new if m in there else each for m, each in enumerate(state.has))
            after = state._replace(has=has, owed=state.owed | new, writes=state.writes - 1)
            yield f"{[NAMES[m] for m in there]} acknowledge a write", after


def outage(state: State) -> Iterator[tuple[str, State]]:
    """All end at once; the last write may be on one disk only."""
    after = state._replace(outages=state.outages - 1)
    for me in MEMBERS:
        after = down(after, me)
    yield "all are down", after
    last = 1 << state.writes + 1
    having = [m for m in MEMBERS if state.has[m] & last]
    for me in having if len(having) > 1 else ():
        has = tuple(each if m == me else each & ~last for m, each in enumerate(state.has))
        yield f"all are down, the last write is on {NAMES[me]} only", after._replace(has=has)


def events(state: State, asks: dict[Key, str], rules: Rules) -> Iterator[tuple[str, State]]:
    named = 0
    for order in state.order:
        named |= order[0] if order else 0
    for me in MEMBERS:
        if not state.runs[me]:
            if not named >> me & 1:
                yield f"{NAMES[me]} starts", state._replace(runs=put(state.runs, me, 1))
            if state.losses and (state.has[me] or state.order[me]):
                lost = state._replace(has=put(state.has, me, 0), order=put(state.order, me, None))
                yield f"{NAMES[me]} loses its disk", lost._replace(losses=state.losses - 1)
            continue
        if state.crashes:
            yield f"{NAMES[me]} crashes", down(state, me)._replace(crashes=state.crashes - 1)
        if state.group[me]:
            yield from group_events(state, me)
        else:
            yield from agent(state, me, asks, rules)
            if state.orders:
                yield from orders(state, me)
    if state.outages:
        yield from outage(state)
    if state.cut != NOBODY:
        yield "the cut ends", state._replace(cut=NOBODY)
    elif state.cuts and not named:
        for me in MEMBERS:
            lock = tuple(
                NOBODY if me in (m, holder) and m != holder else holder for m, holder in enumerate(state.lock)
            )
            yield f"{NAMES[me]} is cut off", state._replace(cut=me, lock=lock, cuts=state.cuts - 1)


def broken(state: State) -> str:
    if len({state.group[m] for m in MEMBERS if state.runs[m] and together(state, m)}) > 1:
        return "two groups lead"
    return state.fault


def explored(start: State, text: str, rules: Rules) -> Explored:
    asks = table(text, bool(start.orders))
    return explore(start, lambda state: events(state, asks, rules), broken, 400_000)


TEXT = FILE.read_text()
ALONE_DECIDING = State(writes=1, crashes=2, losses=1, cuts=2)
WITH_OPERATOR = State(writes=1, crashes=1, cuts=1, orders=1)
SMALL = State(writes=1, crashes=1, orders=1)
ASKED = ("[[ ${STATES[$member]} == OFFLINE ]] || missing+=", "[[ ${STATES[$member]} == [OU]* ]] || missing+=")
HELD = ('[[ ${HOLDS["$1 $member"]:-0} == 1', '[[ ${STATES[$member]} == U* || ${HOLDS["$1 $member"]} == 1')
NAMED = ('[[ $member == "$ME" || " $GIVEN_UP " == *" $member "* ]] && continue', "continue")
FORCE_HELD = ('&& ${HOLDS["$ME $member"]:-0} == 1 ]] && continue', "]] && continue")
FORCE_SILENT = ("!= UNREACHABLE && ${HOLDS", "== UNREACHABLE || ${HOLDS")
JOINS = ("${STATES[$member]} == ONLINE && ${QUORATE[$member]} == 1", "x == y")
NO_LOCKS = Rules(locks=False, has_locks=False)
TWO, LACKS = "two groups lead", "a group lacks what was acknowledged"


@pytest.mark.parametrize(("start", "least"), [(ALONE_DECIDING, 20_000), (WITH_OPERATOR, 40_000)])
def test_two_groups_never_lead_and_none_lacks_what_was_acknowledged(start: State, least: int) -> None:
    found = explored(start, TEXT, Rules())
    print(f"{found.states} states")
    assert (found.fault, found.way) == ("", ())
    assert found.states > least


@pytest.mark.parametrize(
    ("mutations", "rules", "start", "fault"),
    [
        # The locks guard these two as well: a silent member's can't be had.
        ((ASKED, HELD), NO_LOCKS, State(writes=1, cuts=1), TWO),
        ((FORCE_SILENT,), Rules(spares_named=False), SMALL, LACKS),
        ((('&& holds_all "$member"', "&& true"),), Rules(), ALONE_DECIDING, LACKS),
        ((('$best == "$ME" && ', ""),), Rules(), SMALL, LACKS),
        ((JOINS,), Rules(), SMALL, TWO),
        ((NAMED,), Rules(), SMALL, LACKS),
        ((FORCE_HELD,), Rules(), SMALL, LACKS),
        ((), NO_LOCKS, SMALL, TWO),
        ((), Rules(looks_again=False), SMALL, TWO),
        ((), Rules(force_locks=False), SMALL, TWO),
        ((), Rules(has_locks=False), SMALL._replace(cuts=1), TWO),
        ((), Rules(forgets=False), SMALL._replace(outages=2), LACKS),
    ],
)
def test_every_rule_is_needed(
    mutations: tuple[tuple[str, str], ...], rules: Rules, start: State, fault: str
) -> None:
    text = TEXT
    for rule, replacement in mutations:
        assert text.count(rule) == 1
        text = text.replace(rule, replacement)
    found = explored(start, text, rules)
    assert found.fault == fault
    assert found.way


GROUP = """
MEMBER_NAMES=(a b c) ME=a DATA=/nowhere GIVEN_UP=c PROPOSED=a
declare -A STATES=([a]=OFFLINE [b]=OFFLINE [c]=$SILENT) LOCKED=([a]=0 [b]=0 [c]=0)
log() { echo "$1"; }; client_end() { echo "end $1"; }; decide() { ACTION=$THEN; }
start_group() { echo "start $1"; }; rm() { echo forget; }
ask() { ROWS=(0); [[ " $TAKEN " != *" $1 "* ]] && echo "lock $1" && ROWS=(1) LOCKED[$1]=1; }
probe_members() { echo look; [[ -z $LOST ]] || LOCKED[$LOST]=0; }
ACTION=$FIRST; act "$ACTION" ''
"""


@pytest.mark.parametrize(
    ("first", "then", "taken", "silent", "lost", "bootstraps"),
    [
        ("bootstrap", "bootstrap", "", "OFFLINE", "", True),
        ("bootstrap", "wait", "", "OFFLINE", "", False),
        ("bootstrap", "force_bootstrap", "", "OFFLINE", "", False),
        ("bootstrap", "bootstrap", "c", "UNREACHABLE", "", False),
        ("bootstrap", "bootstrap", "", "OFFLINE", "b", False),
        ("force_bootstrap", "force_bootstrap", "", "OFFLINE", "c", False),
        ("force_bootstrap", "force_bootstrap", "", "OFFLINE", "", True),
        ("force_bootstrap", "force_bootstrap", "c", "UNREACHABLE", "", True),
        ("force_bootstrap", "force_bootstrap", "c", "OFFLINE", "", False),
        ("force_bootstrap", "force_bootstrap", "b c", "UNREACHABLE", "", False),
        ("force_bootstrap", "join", "", "OFFLINE", "", False),
    ],
)
def test_group_sh_has_the_locks_of_the_model(
    first: str, then: str, taken: str, silent: str, lost: str, bootstraps: bool
) -> None:
    env = os.environ | {"FIRST": first, "THEN": then, "TAKEN": taken, "SILENT": silent, "LOST": lost}
    text = FILE.with_name("group.sh").read_text() + GROUP
    done = subprocess.run(["bash", "-uc", text], env=env, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert ("start ON" in lines, "forget" in lines) == (bootstraps, bootstraps)
    assert lines[-len(NAMES) :] == [f"end {m}" for m in NAMES], "locks end with their sessions"
    if bootstraps:
        locks = [f"lock {m}" for m in NAMES if m not in taken]
        steps = [line for line in lines if line.split()[0] in ("lock", "look", "start")]
        assert steps == [*locks, "look", "start ON"]
