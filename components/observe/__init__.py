"""Facts of the nodes: one read-only script, all nodes side by side; what could not be read is unknown."""

from components.observe.facts import NodeFacts, Unreachable, parse_facts
from components.observe.over_ssh import observe, run_script

__all__ = ["NodeFacts", "Unreachable", "observe", "parse_facts", "run_script"]
