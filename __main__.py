"""The Beta environment of the platform: read and plan, observe, declare, export."""

from __future__ import annotations

import pulumi

from components.environment import declare
from components.errors import ConfigurationError
from components.observe import observe
from components.reading import read
from components.stack import from_engine


def main() -> None:
    """Raises pulumi.RunError, whose text Pulumi shows without a traceback, for a faulty configuration."""
    try:
        raw = from_engine()
        reading = read(raw)
    except ConfigurationError as error:
        raise pulumi.RunError(str(error)) from None
    facts = observe(reading.plan.settings)
    for name, value in declare(reading, facts, raw.secrets).items():
        pulumi.export(name, value)


main()
