"""From pydantic's errors to faults that an operator can act on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from components.errors import Fault

Model = TypeVar("Model", bound=BaseModel)


class Frozen(BaseModel):
    """Base of every declared value: immutable, no unknown keys, never prints what it refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


REMEDIES = {
    "missing": "add it",
    "extra_forbidden": "remove it or correct its spelling",
    "literal_error": "use one of the values named",
}


def place(prefix: str, location: Iterable[int | str]) -> str:
    """A path as a person writes it: `nodes[2].address`."""
    text = prefix
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def faults_of(error: ValidationError, prefix: str) -> list[Fault]:
    """Every error of one validation, without the input that was refused."""
    return [
        Fault(
            place(prefix, item["loc"]),
            _sentence(item["msg"]),
            REMEDIES.get(item["type"], "correct the value"),
        )
        for item in error.errors(include_url=False, include_context=False, include_input=False)
    ]


def validate(model: type[Model], raw: Any, prefix: str, faults: list[Fault]) -> Model | None:
    """`raw` as `model`, or None with what is wrong appended to `faults`."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        faults.extend(faults_of(error, prefix))
        return None


def _sentence(message: str) -> str:
    message = message.removeprefix("Value error, ")
    if message == "Field required":
        return "is missing"
    if message == "Extra inputs are not permitted":
        return "is not a setting that exists"
    return message[:1].lower() + message[1:]
