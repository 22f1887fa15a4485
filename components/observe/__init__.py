"""Facts of the nodes: one read-only script, all nodes side by side; what could not be read is unknown."""

from components.observe.facts import NodeFacts, Unreachable, parse_facts
from components.observe.over_ssh import connect, observe, run_script, shell

__all__ = ["NodeFacts", "Unreachable", "connect", "observe", "parse_facts", "run_script", "shell"]
