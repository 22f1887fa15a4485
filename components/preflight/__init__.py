"""Whether the machines are fit for what is declared, and what of that could not be seen. Pure."""

from components.preflight.rules import preflight
from components.preflight.unseen import unseen

__all__ = ["preflight", "unseen"]
