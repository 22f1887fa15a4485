"""Which node each member of a stateful service lives on. Pure.

A member's volume lies on one node, so it is pinned there, and no two members share one. In the order of
declaration each takes the first node of the stack file that qualifies and isn't taken; an earlier member
moves over only where a later one would have none. A node added at the end of the list moves nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def homes(fitting: Mapping[str, Sequence[str]], chosen: Mapping[str, str]) -> dict[str, str]:
    """Member to node, from the nodes that qualify for each; `chosen` are the operator's own and stand.

    A member for which no node is left is not in the result.
    """
    found = {member: node for member, node in chosen.items() if node in fitting.get(member, ())}
    for member in fitting:
        if member not in chosen:
            _settle(member, fitting, found, frozenset(chosen), set())
    return found


def _settle(
    member: str,
    fitting: Mapping[str, Sequence[str]],
    found: dict[str, str],
    fixed: frozenset[str],
    tried: set[str],
) -> bool:
    """Give `member` a free node, else one whose holder can move over (augmenting path); False if none."""
    free = next((node for node in fitting[member] if node not in found.values()), None)
    if free:
        found[member] = free
        return True
    for node in (node for node in fitting[member] if node not in tried):
        tried.add(node)
        holder = next(other for other, home in found.items() if home == node)
        if holder not in fixed and _settle(holder, fitting, found, fixed, tried):
            found[member] = node
            return True
    return False
