"""The planner against every state of one to seven managers: no step it lets through can cost the quorum."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from components.quorum import Step, first_danger, majority, steps

#: What one machine can be: voting and wanted (up, down, wiped), voting and leaving (up, down),
#: wanted and new, wanted and known as a worker, or none of it.
KINDS = ("stays", "stays down", "wiped", "leaves", "leaves down", "joins", "promoted")
Case = tuple[dict[str, bool], list[str], set[str], list[str]]


def cases() -> Iterator[Case]:
    """Machines are alike, so how many there are of each kind is all that counts; a quorum to start with."""
    for counts in product(range(8), repeat=len(KINDS)):
        if not 0 < sum(counts) <= 9 or sum(counts[:5]) > 7 or sum(counts[:3]) + sum(counts[5:]) > 7:
            continue
        names = {
            kind: [f"{kind}-{n}" for n in range(count)] for kind, count in zip(KINDS, counts, strict=True)
        }
        voters = {name: kind in ("stays", "leaves") for kind in KINDS[:5] for name in names[kind]}
        if sum(voters.values()) >= majority(len(voters)):
            wanted = [
                n for kind in ("stays", "stays down", "wiped", "joins", "promoted") for n in names[kind]
            ]
            yield voters, wanted, {*voters, *names["promoted"]}, names["wiped"]


def worst(voters: dict[str, bool], planned: tuple[Step, ...]) -> bool:
    """Whether the quorum holds at every moment, with each newcomer dead in its first one."""
    now = dict(voters)
    for step in planned:
        if step.change == "admit":
            if len(now) > 1 and sum(now.values()) < majority(len(now) + 1):
                return False
            now[step.name] = True
        else:
            del now[step.name]
        if not now or sum(now.values()) < majority(len(now)):
            return False
    return True


def test_no_plan_that_is_let_through_costs_the_quorum_and_none_is_refused_without_need() -> None:
    counted = refused = 0
    for voters, wanted, known, wiped in cases():
        planned = steps(voters, wanted, known, wiped)
        holds = worst(voters, planned)
        assert (first_danger(voters, planned) is None) == holds, (voters, wanted, wiped, planned)
        counted += 1
        refused += not holds
    assert counted > 2000
    assert 0 < refused < counted
    print(f"{counted} states, {refused} refused")


def test_a_plan_ends_with_exactly_the_wanted_managers() -> None:
    for voters, wanted, known, wiped in cases():
        now = set(voters)
        for step in steps(voters, wanted, known, wiped):
            assert (step.name in now) == (step.change == "dismiss")
            now ^= {step.name}
        assert now == set(wanted)


def test_what_is_let_through_holds_in_any_order_of_removals() -> None:
    for voters, wanted, known, wiped in cases():
        planned = steps(voters, wanted, known, wiped)
        last = next((i for i in range(len(planned)) if planned[i].name not in wanted), len(planned))
        if first_danger(voters, planned) is None:
            assert worst(voters, (*planned[:last], *reversed(planned[last:])))


def test_removals_are_judged_in_the_worst_order() -> None:
    voters = {"a": True, "b": True, "c": True, "d": False, "e": False}
    assert first_danger(voters, steps(voters, ["a", "b"], voters)) == (Step("dismiss", "c"), 4, 2)


def test_nothing_to_do_is_no_step() -> None:
    voters = {"a": True, "b": True, "c": False}
    assert steps(voters, ["a", "b", "c"], voters) == ()


def test_a_wiped_manager_is_dismissed_before_it_is_admitted_again() -> None:
    voters = {"a": True, "b": True, "c": False}
    planned = steps(voters, ["a", "b", "c"], voters, ["c"])
    assert planned == (Step("dismiss", "c"), Step("admit", "c"))
    assert first_danger(voters, planned) is None


def test_the_last_manager_is_never_dismissed() -> None:
    assert first_danger({"a": True}, (Step("dismiss", "a"),)) == (Step("dismiss", "a"), 0, 0)
