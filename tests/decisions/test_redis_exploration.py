"""Redis loses no confirmed write by what its members decide: decide.sh, explored with all that goes wrong.

Three members and three Sentinels, one of each on a node. Time is an order of events. A look and the
action that follows are two events, so a view may be old. What the order of events can't say is assumed:
- No failover begins between a member's decision to lead and its lead; what was decided before a
  promotion is done before it. A member that is cut off may act at any time later.
- After a wait of 12 or 15 s no failover is under way, Sentinels that reach each other agree, and decided
  actions are done. While a member is guarded, no reachable Sentinel stays silent for all of that time.
- No failover and no end or begin of a cut falls into the seconds from a failover's begin until Sentinels
  agree. The last test shows what is lost otherwise.
- An operator orders while nobody is cut off.
Sentinel promotes the best that it reaches. If only dead members had a write, its loss isn't a fault of
decide.sh.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.decisions.explore import Explored, explore

SOURCE = (Path(__file__).parents[2] / "configs/services/redis/server/decide.sh").read_text()
ALL = range(3)
#: Roles; 0, 1 and 2: a replica of that one. HELD: leads without writes.
STANDBY, PRIMARY, HELD, DOWN = 3, 4, 5, 6
NOBODY, EMPTY, LONG_MS, BESIDE = -1, -1, 60000, ", beside one that leads"
Ints = tuple[int, int, int]
#: From what is visible and a member: the Sentinels that it hears, its action, whether it is named.
Ask = Callable[["State", int], list[tuple[str, str, int]]]
Event = tuple[str, "State"]


class State(NamedTuple):
    """By member: role, number of confirmed writes, promotable, named at the last look, the decided action.

    By Sentinel: the epoch and the master that it names. failover: the Sentinel that runs it, the old master,
    the promoted member. late: the named master that Sentinels see down, as it has been in standby for long.
    order: the member, and 1 (the marker is there) or 2 (taken). Then what may still happen.
    """

    role: Ints = (PRIMARY, 0, 0)
    data: Ints = (0, 0, 0)
    promotable: Ints = (1, 1, 1)
    named: Ints = (0, 0, 0)
    will: tuple[str, str, str] = ("", "", "")
    epoch: Ints = (1, 1, 1)
    master: Ints = (0, 0, 0)
    failover: Ints | None = None
    late: int = NOBODY
    order: tuple[int, int] = (NOBODY, 0)
    confirmed: int = 0
    cut: int = NOBODY
    frozen: int = NOBODY
    guarded: Ints = (0, 0, 0)
    crashes: int = 0
    losses: int = 0
    cuts: int = 0
    freezes: int = 0
    orders: int = 0
    failovers: int = 2
    writes: int = 1
    sudden: bool = False  # a cut may end between a promotion and the word of it

    def by(self, place: int, **values: object) -> State:
        """With these values of one member or Sentinel."""
        old = {name: getattr(self, name) for name in values}
        return self._replace(**{n: (*o[:place], values[n], *o[place + 1 :]) for n, o in old.items()})  # type: ignore[arg-type]

    def reach(self, one: int, other: int) -> bool:
        return one == other or self.cut not in (one, other)

    def answers(self, one: int, other: int) -> bool:
        return self.role[other] != DOWN and self.frozen != other and self.reach(one, other)

    def leads(self, member: int) -> bool:
        return self.role[member] in (PRIMARY, HELD)

    def confirms(self, member: int) -> list[int]:
        """The replicas that confirm what this member writes."""
        if self.role[member] != PRIMARY or member == self.frozen or self.guarded[member]:
            return []
        return [each for each in ALL if self.role[each] == member and self.answers(member, each)]

    def hasty(self) -> bool:
        """A member that isn't cut off is about to do something."""
        return any(self.will[each] and self.cut != each for each in ALL)

    def calm(self) -> bool:
        """No failover is under way, and what Sentinels can tell each other is told."""
        return not self.failover and len({self.epoch[each] for each in ALL if each != self.cut}) == 1


def faults(state: State) -> str:
    writers = [member for member in ALL if state.confirms(member)]
    if len(writers) > 1:
        return "two confirm writes"
    lost = any(state.data[member] < state.confirmed for member in writers)
    return "one leads without what was confirmed" if lost else ""


def events(state: State, ask: Ask) -> Iterator[Event]:
    seen = visible(state)
    for member in ALL:
        yield from goes_wrong(state, member)
        if state.role[member] != DOWN and member != state.frozen:
            yield from replicates(state, member)
            yield from looks(state, member, seen, ask)
            if state.will[member]:
                yield (
                    f"{member}: {state.will[member]}",
                    act(state.by(member, will=""), member, state.will[member]),
                )
    yield from networks(state)
    for sentinel in ALL:
        yield from sentinels(state, sentinel)
    if state.failover:
        yield from fails_over(state, *state.failover)


def goes_wrong(state: State, me: int) -> Iterator[Event]:
    if state.role[me] == DOWN:
        yield f"{me} starts", state.by(me, role=STANDBY)
        if state.losses and state.data[me] != EMPTY:
            lost = state.by(me, data=EMPTY)._replace(losses=state.losses - 1)
            yield f"{me} loses its disk", lost._replace(confirmed=min(state.confirmed, max(0, *lost.data)))
        return
    if state.crashes and me != state.frozen:
        free: dict[str, object] = {"late": NOBODY if state.late == me else state.late}
        free |= {"order": (NOBODY, 0) if state.order == (me, 2) else state.order}
        down = state.by(me, role=DOWN, promotable=0, named=0, will="", guarded=0)
        yield f"{me} crashes", down._replace(crashes=state.crashes - 1, **free)  # type: ignore[arg-type]
    if state.freezes and state.role[me] == PRIMARY:
        yield f"{me} freezes", state.by(me, guarded=1)._replace(frozen=me, freezes=state.freezes - 1)
    if state.orders and state.role[me] == STANDBY and state.cut == NOBODY:
        yield f"an operator orders {me}", state._replace(order=(me, 1), orders=state.orders - 1)


def networks(state: State) -> Iterator[Event]:
    if state.frozen != NOBODY:
        yield f"{state.frozen} goes on", state._replace(frozen=NOBODY)
    if not state.calm() and not state.sudden:
        return
    if state.cut != NOBODY:
        yield "the cut ends", state._replace(cut=NOBODY)
    elif state.cuts and state.order[0] == NOBODY:
        for each in ALL:
            yield f"{each} is cut off", state._replace(cut=each, cuts=state.cuts - 1)


def replicates(state: State, me: int) -> Iterator[Event]:
    leader = state.role[me]
    if leader in ALL and state.leads(leader) and state.answers(me, leader):
        synced = state.by(me, data=state.data[leader], promotable=1)
        if synced != state:
            yield f"{me} gets what {leader} has", synced
    if state.writes:
        for replica in state.confirms(me):
            count = state.confirmed + 1
            written = state._replace(confirmed=count, writes=state.writes - 1)
            yield f"{me} and {replica} confirm a write", written.by(me, data=count).by(replica, data=count)


def looks(state: State, me: int, seen: State, ask: Ask) -> Iterator[Event]:
    if state.role[me] in ALL:
        return  # a replica decides nothing
    for how, action, named in ask(seen, me):
        will = "" if action.split()[0] in ("none", "wait", "hold_writes") else action
        if state.guarded[me] and action.split()[0] not in ("hold_writes", "resume_writes", "yield"):
            will = "resume_writes"  # the pause ends by itself
        if "operator" in will and any(state.leads(each) and state.answers(me, each) for each in ALL):
            will += BESIDE
        if (will, named) != (state.will[me], state.named[me]):
            yield f"{me} hears Sentinels {how} and decides: {action}", state.by(me, will=will, named=named)


def visible(state: State) -> State:
    """The same state without what nobody can see."""
    data = tuple(min(each, 0) for each in state.data)
    hasty = "yes" if state.hasty() else ""
    return State(*state[:1], data, *state[2:4], (hasty, "", ""), *state[5:10], 0, *state[11:14])  # type: ignore[arg-type]


def views(state: State, me: int) -> Iterator[tuple[str, str, int]]:
    """All that a member can see now: the answer of one Sentinel may be missing, and times short or long."""
    reached = [each for each in ALL if state.reach(me, each)]
    for heard in (reached, *([each for each in reached if each != missing] for missing in reached)):
        for seen, named in view(state, me, heard):
            yield f"{heard}", seen, int(named and state.role[me] == STANDBY)


def view(state: State, me: int, heard: list[int]) -> Iterator[tuple[str, bool]]:
    """Assignments of what decide.sh takes, and whether the member is named without anybody seeing it down."""
    knowing = [each for each in heard if state.master[each] != NOBODY]
    epoch = max((state.epoch[each] for each in knowing), default=-1)
    master = next((state.master[each] for each in knowing if state.epoch[each] == epoch), NOBODY)
    own = max((state.epoch[each] for each in ALL if state.master[each] == me), default=epoch)
    stable = not any(
        sees_down(state, each) or (state.failover and state.failover[0] == each) for each in knowing
    )
    others = [each for each in ALL if each != me and state.answers(me, each)]
    leading = [each for each in others if state.leads(each)]
    empty = state.role[me] == STANDBY and len(others) == 2
    empty = empty and all(state.data[each] == EMPTY and state.role[each] == STANDBY for each in (me, *others))
    named = master == me and len(heard) > 1
    reached = sum(state.reach(me, each) for each in ALL)
    hopeless = named and not stable and bool(others) and not any(state.promotable[each] for each in others)
    agreed = sum(state.master[each] == master for each in knowing)
    seen = (
        f"ME=m{me} ROLE={'primary' if state.leads(me) else 'standby'} ANSWERED={len(heard)} AGREED={agreed}"
    )
    seen += f" MASTER={'' if master == NOBODY else f'm{master}'} EPOCH={epoch} OWN_EPOCH={own}"
    seen += f" PRIMARIES='{' '.join(f'm{each}' for each in leading)}' STABLE={'yes' if stable else ''}"
    seen += f" ALL_EMPTY={'yes' if empty else ''} HAS_DATA={'yes' if state.data[me] != EMPTY else ''}"
    ordered = state.order[1] if state.order[0] == me else 0
    seen += f" FORCE_PROMOTE={'yes' if ordered else ''}"
    for long in (0, LONG_MS) if state.calm() and not state.will[0] else (0,):
        times = {"NAMED": (named and stable, max(long, 900) if state.named[me] else 0)}
        times |= {"ORDERED": (ordered == 2, long), "UNPROMOTABLE": (hopeless, long), "LED": (True, LONG_MS)}
        times |= {
            "REPLACED": (agreed > 1 and master in leading, long),
            "WRITES_HELD": (state.role[me] == HELD, long),
        }
        times |= {"GUARDED": (bool(state.guarded[me]), long if len(heard) == reached else 0)}
        yield (
            seen + "".join(f" {n}_MS={ms if holds else -1}" for n, (holds, ms) in times.items()),
            named and stable,
        )


def act(state: State, me: int, action: str) -> State:
    done, _, why = action.partition(" ")
    if done in ("follow", "yield"):
        state = state.by(me, role=int(why[1]), named=0)
        if done == "yield":
            state = state.by(me, guarded=0)
        return state._replace(order=(NOBODY, 0) if state.order[0] == me else state.order)
    if done in ("lead", "lead_without_writes") and state.role[me] == STANDBY:
        has = max(0, state.data[me])
        if "operator" in why and not why.endswith(BESIDE):
            has = max(has, state.confirmed)  # what is lost by that is the operator's decision
        role = PRIMARY if done == "lead" else HELD
        late = NOBODY if state.late == me else state.late
        order = (NOBODY, 0) if state.order[0] == me else state.order
        return state.by(me, role=role, data=has, promotable=1, named=0)._replace(late=late, order=order)
    if done == "allow_writes":
        return state.by(me, role=PRIMARY)
    if done == "take_order":
        return state.by(me, promotable=1)._replace(order=(me, 2))
    if done == "resume_writes":
        return state.by(me, guarded=0)
    if done == "request_failover" and not state.failover and state.failovers:
        asked = [each for each in ALL if state.reach(me, each) and state.master[each] == me]
        return begin(state, asked[0]) if asked else state
    return state


def sees_down(state: State, sentinel: int) -> bool:
    master = state.master[sentinel]
    return master == state.late or not state.answers(sentinel, master)


def begin(state: State, sentinel: int) -> State:
    old = state.master[sentinel]
    return state._replace(failover=(sentinel, old, NOBODY), failovers=state.failovers - 1)


def sentinels(state: State, me: int) -> Iterator[Event]:
    master = state.master[me]
    if master == NOBODY:
        found = [each for each in ALL if state.leads(each) and state.answers(me, each)]
        if len(found) == 1:
            yield f"Sentinel {me} finds {found[0]}", state.by(me, epoch=1, master=found[0])
        return
    for other in ALL:
        if state.reach(me, other) and state.epoch[other] < state.epoch[me]:
            yield f"Sentinel {me} tells {other}", state.by(other, epoch=state.epoch[me], master=master)
    if state.role[master] == STANDBY and state.answers(me, master) and state.late == NOBODY:
        yield f"Sentinels see {master} in standby for long", state._replace(late=master)
    voters = [each for each in ALL if state.reach(me, each) and state.master[each] == master]
    leading_soon = state.will[master].startswith("lead ") and state.cut != master
    agreed = sum(sees_down(state, each) for each in voters) > 1 and sees_down(state, me)
    if agreed and state.calm() and state.failovers and not leading_soon:
        yield f"Sentinel {me} begins to replace {master}", begin(state, me)
    newest = state.epoch[me] == max(state.epoch[each] for each in ALL if state.reach(me, each))
    if newest and not state.failover and state.leads(master) and state.answers(me, master):
        for each in ALL:
            if each != master and state.answers(me, each) and state.role[each] != master:
                yield f"Sentinel {me} makes {each} follow {master}", act(state, each, f"follow m{master}")


def fails_over(state: State, sentinel: int, old: int, promoted: int) -> Iterator[Event]:
    if promoted == NOBODY:
        yield "the failover is given up", state._replace(failover=None)
        able = [e for e in ALL if e != old and state.promotable[e] and state.answers(sentinel, e)]
        best = max((state.data[each] for each in able), default=0)
        for each in able if not state.hasty() else ():
            if state.data[each] == best and not state.leads(each):
                new = state.by(each, role=PRIMARY, data=max(best, state.confirmed), named=0, will="")
                new = new.by(sentinel, epoch=max(state.epoch) + 1, master=each)
                yield f"Sentinel {sentinel} promotes {each}", new._replace(failover=(sentinel, old, each))
        return
    told = state
    for each in ALL:
        if each not in (old, promoted) and state.answers(sentinel, each):
            told = act(told, each, f"follow m{promoted}")
    yield f"Sentinel {sentinel} tells the others of {promoted}", told._replace(failover=None)


LOOP = """
PATH=/nowhere FIRST=m0 SENTINEL_COUNT=3 COMPLETE= PREFERRED_MS=-1
majority() { (($1 * 2 > 3)); }
while IFS= read -r line; do eval "$line" && decide && echo "$ACTION"; done
"""


@contextmanager
def asking(source: str) -> Iterator[Ask]:
    """One bash that has read decide.sh and is asked once about each thing that can be seen."""
    told: dict[str, str] = {}
    known: dict[tuple[State, int], list[tuple[str, str, int]]] = {}
    loop = ["bash", "-uc", f"{source}\n{LOOP}"]
    with subprocess.Popen(loop, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as bash:
        assert bash.stdin
        assert bash.stdout
        to_bash, from_bash = bash.stdin, bash.stdout

        def tell(seen: str) -> str:
            if seen not in told:
                print(seen, file=to_bash)
                told[seen] = from_bash.readline().strip()
                assert told[seen], f"no answer to {seen}"
            return told[seen]

        def ask(state: State, me: int) -> list[tuple[str, str, int]]:
            if (state, me) not in known:
                found = [(how, tell(seen), named) for how, seen, named in views(state, me)]
                known[state, me] = list({each[1:]: each for each in reversed(found)}.values())
            return known[state, me]

        yield ask
        to_bash.close()


RUNNING = State(failovers=1)
BLANK = State(
    role=(STANDBY,) * 3,
    data=(EMPTY,) * 3,
    promotable=(0,) * 3,
    epoch=(0,) * 3,
    master=(NOBODY,) * 3,
    failovers=1,
)
#: One replica has all that was confirmed, the other has not.
COLD = State(role=(DOWN,) * 3, data=(1, 1, 0), promotable=(0,) * 3, confirmed=1, failovers=1)
SCOPES = {
    "first start, crash": BLANK._replace(crashes=1),
    "first start, cut": BLANK._replace(cuts=1),
    "cold start, cut": COLD._replace(cuts=1),
    "cold start, order": COLD._replace(orders=1),
    "order beside a leader": RUNNING._replace(crashes=2, orders=1, cuts=1, failovers=0),
    "blank Sentinels": BLANK._replace(role=(DOWN,) * 3, data=(0, 1, 1), confirmed=1),
    "failovers": RUNNING._replace(crashes=1, failovers=2, writes=2),
    "crashes, lost disk": RUNNING._replace(crashes=2, losses=1),
    "cut, crash": RUNNING._replace(cuts=1, crashes=1, writes=2),
    "freeze, crash": RUNNING._replace(freezes=1, crashes=1),
    "freeze, cut": RUNNING._replace(freezes=1, cuts=1),
}


def explored(start: State, source: str = SOURCE) -> Explored:
    with asking(source) as ask:
        return explore(start, lambda state: events(state, ask), faults, limit=100_000)


@pytest.mark.parametrize("scope", SCOPES)
def test_nothing_confirmed_is_lost(scope: str) -> None:
    found = explored(SCOPES[scope])
    print(f"{scope}: {found.states} states")
    assert (found.fault, found.way) == ("", ())


NAMED_HELD = 'elif ((WRITES_HELD_MS >= KNOWN_AFTER_MS)) && [[ $MASTER == "$ME" ]]; then'
#: What is changed in decide.sh, into what, and where the exploration finds it.
MUTATIONS = [
    ("-n $FORCE_PROMOTE && -z $PRIMARIES", "-n $FORCE_PROMOTE", "order beside a leader"),
    ("ORDERED_MS < KNOWN_AFTER_MS", "ORDERED_MS < 0", "cold start, order"),
    ('$ME == "$FIRST" && -n $ALL_EMPTY', "-n $ALL_EMPTY", "first start, cut"),
    ('$ME == "$FIRST" && -n $ALL_EMPTY', '$ME == "$FIRST"', "blank Sentinels"),
    ('ACTION="follow $PRIMARIES"', 'ACTION="lead at once"', "cut, crash"),
    ('ACTION="follow $MASTER"', 'ACTION="lead at once"', "cut, crash"),
    ("elif [[ -z $HAS_DATA ]]; then", "elif false; then", "crashes, lost disk"),
    ("ANSWERED == SENTINEL_COUNT || NAMED_MS >= PATIENCE_MS", "1", "failovers"),
    ("elif ((GUARDED_MS >= 0)); then", "elif false; then", "freeze, cut"),
    ('$MASTER == "$ME" && -n $STABLE ]] && ((ANSWERED', "1 ]] && ((ANSWERED", "freeze, cut"),
    ("&& ((ANSWERED == SENTINEL_COUNT)) || ((GUARDED_MS", "|| ((GUARDED_MS", "freeze, cut"),
    ("GUARDED_MS >= KNOWN_AFTER_MS", "GUARDED_MS >= 0", "freeze, cut"),
    ('[[ -z $MASTER || $MASTER == "$ME" ]]; then', "true; then", "freeze, crash"),
    ("WRITES_HELD_MS >= KNOWN_AFTER_MS", "WRITES_HELD_MS >= 0", "cold start, cut"),
    (NAMED_HELD, NAMED_HELD.replace(' && [[ $MASTER == "$ME" ]]', ""), "cold start, cut"),
]


@pytest.mark.parametrize(("rule", "broken", "scope"), MUTATIONS)
def test_a_broken_rule_loses_what_was_confirmed(rule: str, broken: str, scope: str) -> None:
    assert SOURCE.count(rule) == 1
    found = explored(SCOPES[scope], SOURCE.replace(rule, broken))
    assert found.fault
    assert found.way


def test_a_cut_that_ends_within_a_failover_can_lose_a_write() -> None:
    """No rule of today prevents it: a replica that isn't told yet confirms what the old master writes."""
    found = explored(RUNNING._replace(cuts=1, sudden=True))
    assert found.fault
    assert found.way[-2:] == ("0 and 2 confirm a write", "Sentinel 1 tells the others of 1")
