"""Kinds of environment variables that scripts read as something else than text. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from components.validation import Frozen

Bound = Annotated[int, Field(ge=0, le=1_000_000_000)]
#: Pattern, fault and remedy of every type but integer.
TYPES: Mapping[str, tuple[str, str, str]] = {
    "time": (
        r"([01][0-9]|2[0-3]):[0-5][0-9]",
        "is not a time of the day",
        'write HH:MM in quotes, from "00:00" to "23:59"',
    ),
    "boolean": (r"true|false", "is neither true nor false", 'write "true" or "false", in quotes'),
    "url": (r"https?://[^\s/?#@]+(/[^\s?#]*)?", "is not a URL", "write it as https://host[:port]"),
    "identifier": (
        r"[A-Za-z_][A-Za-z0-9_]{0,31}",
        "is not an identifier",
        "use up to 32 letters, digits and _, no digit first",
    ),
    "string": (r"(?s).+", "is empty", "give it a value"),
}
NOT_WHOLE = ("is not a whole number", 'write digits alone, in quotes, such as "60"')
#: Where a shell calculates, 01024 is 532, and 08 ends the script.
OCTAL = ("begins with 0, which makes it octal in a shell", "write it without leading zeros")


class Variable(Frozen):
    """What the value of one variable may be; type and bounds as JSON Schema names them.

    minimum, maximum: of an integer. optional: an empty value is sound, too. A unit is part of the name.
    """

    type: Literal["integer", "time", "boolean", "url", "identifier", "string"]
    minimum: Bound = 0
    maximum: Bound = 1_000_000_000
    optional: bool = False


def value_fault(variable: Variable, value: str) -> tuple[str, str] | None:
    """Fault and remedy of a value, which neither shows; None for a sound one."""
    if not value:
        return None if variable.optional else ("is empty", "give it a value")
    if variable.type == "integer":
        return _number_fault(variable, value)
    pattern, fault, remedy = TYPES[variable.type]
    return None if re.fullmatch(pattern, value) else (fault, remedy)


def _number_fault(variable: Variable, value: str) -> tuple[str, str] | None:
    if not re.fullmatch(r"[0-9]+", value):
        return NOT_WHOLE
    if value != "0" and value.startswith("0"):
        return OCTAL
    if len(value) > len(str(variable.maximum)) or int(value) > variable.maximum:
        return f"is more than {variable.maximum}", f"write at most {variable.maximum}"
    if int(value) < variable.minimum:
        return f"is less than {variable.minimum}", f"write at least {variable.minimum}"
    return None
