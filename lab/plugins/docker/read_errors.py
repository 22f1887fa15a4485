"""What it means that a network, secret or config could not be read: an error, or that it is gone.

The official plugin takes any error for "gone" once its first ping was answered, and drops the object from the
state (docs/decisions/0003). So does this one with PLATFORM_BETA_READ_ERRORS=gone, for tests.
"""

from __future__ import annotations

from collections.abc import Mapping

from lab.plugins.resource import PluginError

VARIABLE = "PLATFORM_BETA_READ_ERRORS"
_GONE, _ERROR = "gone", "error"


class ReadErrors:
    """The rule of one provider; `answered` once its engine answered anything."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._rule = environment.get(VARIABLE) or _ERROR
        self.answered = False

    def check(self) -> None:
        """Raises PluginError for a rule that is none."""
        if self._rule not in (_GONE, _ERROR):
            raise PluginError(f"{VARIABLE}: neither {_GONE} nor {_ERROR}; leave it out")

    def mean_gone(self) -> bool:
        """Whether an object that could not be read counts as gone."""
        return self._rule == _GONE and self.answered
