"""What a run may do to nodes and managers, by what was seen of them. Pure.

`refusals` hold for preview and up; `hindrances` stop only an up, whose reader a preview merely tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import ip_address

from components.errors import Fault
from components.observe import Facts, NodeFacts, SwarmMember, Unreachable
from components.quorum import first_danger, majority, steps
from components.settings import Node, Settings

LOST = "bring it back, or take it out of nodes if it is lost"


def entry_manager(settings: Settings, facts: Facts) -> Node:
    """Where the swarm is asked and told: a manager of it, best one that could list its nodes.

    The first declared manager where none was seen to manage.
    """
    managing = [node for node in settings.managers if _manages(facts, node)]
    listing = [node for node in managing if _seen(facts, node, lambda fact: fact.members is not None)]
    return (listing or managing or settings.managers)[0]


def manager_view(settings: Settings, facts: Facts) -> NodeFacts | None:
    """What the entry manager said of itself and the swarm; None when none was seen to manage."""
    seen = facts.get(entry_manager(settings, facts).name)
    return seen if isinstance(seen, NodeFacts) and seen.manages else None


def swarm_exists(settings: Settings, facts: Facts) -> bool:
    """Whether a declared manager was seen to manage a swarm that has a leader."""
    return any(_manages(facts, node) for node in settings.managers)


def members(settings: Settings, facts: Facts) -> tuple[SwarmMember, ...]:
    """The swarm's nodes as its entry manager lists them; empty when there is none to ask."""
    view = manager_view(settings, facts)
    return view.members or () if view else ()


def former_selves(settings: Settings, facts: Facts, node: Node) -> tuple[str, ...]:
    """Ids that the swarm's list has for a node that was seen to have lost its swarm; nobody has them now."""
    if not lost_its_swarm(facts, node):
        return ()
    return tuple(member.id for member in members(settings, facts) if member.name == node.name)


def leaving(settings: Settings, facts: Facts) -> tuple[str, ...]:
    """Addresses of the swarm's nodes that are declared no more: until they have left, they belong to it."""
    declared = {str(node.address) for node in settings.nodes}
    listed = {member.address for member in members(settings, facts)} - declared
    return tuple(sorted(address for address in listed if _is_address(address)))


def _is_address(text: str) -> bool:
    """0.0.0.0 is what the swarm says of a node whose address it hasn't been told."""
    try:
        return not ip_address(text).is_unspecified
    except ValueError:
        return False


def stopped_managers(settings: Settings, facts: Facts) -> list[str]:
    """Declared managers whose engine was seen not to run."""
    return _managers_seen(settings, facts, lambda fact: fact.engine == "stopped")


def leaderless_managers(settings: Settings, facts: Facts) -> list[str]:
    """Declared managers of a swarm that has no leader, where none of them was seen to manage one that has."""
    if swarm_exists(settings, facts):
        return []
    return _managers_seen(settings, facts, lambda fact: fact.swarm_manager is True)


def refound(settings: Settings, manager: str) -> str:
    """How a swarm whose managers are lost goes on with one; its engine joins its networks at a start only.

    Where the host has several addresses and none is named, the engine stops its swarm before it refuses.
    """
    address = next(node.address for node in settings.managers if node.name == manager)
    command = f"docker swarm init --force-new-cluster --advertise-addr {address} && systemctl restart docker"
    return f"run '{command}' on {manager}"


def is_away(facts: Facts, node: Node) -> bool:
    """Whether the node could not be asked: what it has is left as it is."""
    return isinstance(facts.get(node.name), Unreachable)


def refusals(settings: Settings, facts: Facts) -> Iterator[Fault]:
    """Steps that could cost the managers their quorum, a swarm that has lost it, and a second swarm."""
    if swarm_exists(settings, facts):
        yield from _strangers(settings, facts)
        yield from _dangers(settings, facts)
        return
    leaderless = leaderless_managers(settings, facts)
    stopped = stopped_managers(settings, facts)
    if leaderless and len(leaderless) + len(stopped) < majority(len(settings.managers)):
        asked, answered = len(settings.managers), ", ".join(leaderless)
        yield Fault(
            "swarm",
            f"has no leader; of {asked} managers {answered} answered, {majority(asked)} are needed",
            f"start the other managers; if they are lost for good, {refound(settings, leaderless[0])} "
            "and take them out of nodes",
        )


def hindrances(settings: Settings, facts: Facts) -> Iterator[Fault]:
    """What an up can't do safely while nodes don't answer, and how to go on."""
    exists = swarm_exists(settings, facts)
    known = {member.name for member in members(settings, facts)}
    for node in settings.nodes:
        seen = facts.get(node.name)
        if not isinstance(seen, Unreachable):
            continue
        if not exists and node.role == "manager":
            fault = f"does not answer ({seen.reason}), so whether there is a swarm already can't be told"
            yield Fault(f"nodes/{node.name}", fault, LOST)
        elif node.name not in known:
            fault = f"does not answer ({seen.reason}) and is not in the swarm yet"
            yield Fault(f"nodes/{node.name}", fault, "start it, or take it out of nodes")


def _strangers(settings: Settings, facts: Facts) -> Iterator[Fault]:
    """Nodes of a swarm that the entry manager's doesn't list: it may be the real one, without a leader."""
    entry, ids = entry_manager(settings, facts), {member.id for member in members(settings, facts)}
    for node in settings.nodes if ids else ():
        seen = facts.get(node.name)
        if not isinstance(seen, NodeFacts) or seen.swarm_state != "active":
            continue
        if seen.swarm_node_id and seen.swarm_node_id not in ids:
            fault = f"is in a swarm, and the one that {entry.name} manages does not know it"
            remedy = "run 'docker swarm leave --force' on the one whose swarm is not to stay, then run again"
            yield Fault(f"nodes/{node.name}", fault, remedy)


def _dangers(settings: Settings, facts: Facts) -> Iterator[Fault]:
    listed = members(settings, facts)
    voters = {member.name: member.reachability != "unreachable" for member in listed if member.reachability}
    wanted = [node.name for node in settings.managers]
    wiped = [node.name for node in settings.managers if lost_its_swarm(facts, node) and node.name in voters]
    voters |= dict.fromkeys(wiped, False)
    planned = steps(voters, wanted, {member.name for member in listed}, wiped)
    danger = first_danger(voters, planned)
    if danger is None:
        return
    step, total, up = danger
    down = [name for name, answers in voters.items() if not answers]
    action = "admitting" if step.change == "admit" else "dismissing"
    fault = f"{action} manager {step.name} would leave {total} managers, of whom {up} surely answer"
    if total:
        fault += f" and {majority(total)} are needed"
    remedy = f"first bring back or remove {', '.join(down)}" if down else "change one manager in a run"
    yield Fault("nodes", fault, f"{remedy}, then do this in a run of its own")


def _manages(facts: Facts, node: Node) -> bool:
    return _seen(facts, node, lambda fact: fact.manages)


def lost_its_swarm(facts: Facts, node: Node) -> bool:
    """Whether the node was seen without a swarm, or without an engine."""
    return _seen(facts, node, lambda fact: fact.engine == "absent" or fact.swarm_state == "inactive")


def _managers_seen(settings: Settings, facts: Facts, to_be: Callable[[NodeFacts], bool]) -> list[str]:
    return [node.name for node in settings.managers if _seen(facts, node, to_be)]


def _seen(facts: Facts, node: Node, to_be: Callable[[NodeFacts], bool]) -> bool:
    """Whether the node answered and what it said holds; False for one that is away."""
    fact = facts.get(node.name)
    return isinstance(fact, NodeFacts) and to_be(fact)
