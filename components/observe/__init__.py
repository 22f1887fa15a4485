"""Facts of the nodes: one read-only script, all nodes side by side; what could not be read is unknown.

What asks over SSH is imported from its own module, so that who only judges facts has no SSH to import.
"""

from components.observe.facts import Facts, NodeFacts, Overlay, Probe, Route, SwarmMember, Unreachable
from components.observe.parsing import parse_facts

__all__ = [
    "Facts",
    "NodeFacts",
    "Overlay",
    "Probe",
    "Route",
    "SwarmMember",
    "Unreachable",
    "parse_facts",
]
