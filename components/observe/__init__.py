"""Facts of the nodes: one read-only script, all nodes side by side; what could not be read is unknown."""

from components.observe.facts import Facts, NodeFacts, Overlay, Probe, Route, SwarmMember, Unreachable
from components.observe.over_ssh import connect, observe, reach, run_script, shell
from components.observe.parsing import parse_facts

__all__ = [
    "Facts",
    "NodeFacts",
    "Overlay",
    "Probe",
    "Route",
    "SwarmMember",
    "Unreachable",
    "connect",
    "observe",
    "parse_facts",
    "reach",
    "run_script",
    "shell",
]
