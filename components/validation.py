"""From pydantic's errors to faults that an operator can act on."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from components.errors import Fault

Model = TypeVar("Model", bound=BaseModel)


class Frozen(BaseModel):
    """Base of every declared value: immutable, no unknown keys, never prints what it refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


NOT_TEXT = ("is not text", "write text, in quotes if it looks like a number, a date or yes/no")
NOT_NUMBER = ("is not a number", "write a number, without quotes and unit")
NOT_WHOLE = ("is not a whole number", "write a whole number, without quotes and unit")
NOT_BOOL = ("is neither true nor false", "write true or false")
NOT_LIST = ("is not a list", "write [a, b], or one line beginning with - for each entry")
NOT_MAPPING = ("is not a mapping", "write key: value pairs")
NOT_ADDRESS = ("is not an IPv4 address", "write it like 192.0.2.11")
NOT_NETWORK = ("is not an IPv4 network", "write it like 10.20.0.0/20, all bits after the prefix zero")
#: Fault and remedy by pydantic's type of error; {} is filled from the error's context.
#: https://docs.pydantic.dev/2.12/errors/validation_errors/
SENTENCES: Mapping[str, tuple[str, str]] = {
    "missing": ("is missing", "add it"),
    "string_type": NOT_TEXT,
    "string_unicode": ("is not valid Unicode", "write it anew"),
    "int_type": NOT_WHOLE,
    "int_parsing": NOT_WHOLE,
    "int_parsing_size": ("is too large a number", "write a smaller one"),
    "int_from_float": NOT_WHOLE,
    "float_type": NOT_NUMBER,
    "float_parsing": NOT_NUMBER,
    "finite_number": ("is not a finite number", "write a number, without quotes and unit"),
    "bool_type": NOT_BOOL,
    "bool_parsing": NOT_BOOL,
    "tuple_type": NOT_LIST,
    "dict_type": NOT_MAPPING,
    "model_type": NOT_MAPPING,
    "invalid_key": ("has a key that is not text", "write the key in quotes"),
    "path_type": ("is not a path", "write a path, in quotes if it looks like a number"),
    "ip_v4_address": NOT_ADDRESS,
    "ip_v4_network": NOT_NETWORK,
    "literal_error": ("is none of {expected}", "use one of them"),
    "greater_than_equal": ("is less than {ge}", "write at least {ge}"),
    "less_than_equal": ("is more than {le}", "write at most {le}"),
    "too_short": ("is empty", "write at least {min_length}"),
    "string_too_long": ("is longer than {max_length} characters", "shorten it"),
    "recursion_loop": ("contains itself", "write it out without an alias"),
    "refused": ("{fault}", "{remedy}"),
}


def place(prefix: str, location: Iterable[int | str]) -> str:
    """A path as a person writes it: `nodes[2].address`."""
    text = prefix
    for part in location:
        if part != "[key]":
            text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def suggestion(word: object, known: Iterable[str], otherwise: str) -> str:
    """A remedy that names the nearest word that exists, if one is near."""
    near = difflib.get_close_matches(str(word)[:80], list(known), n=1)
    return f"did you mean {near[0]}? If not, {otherwise}" if near else otherwise


def faults_of(error: ValidationError, prefix: str, model: type[BaseModel]) -> list[Fault]:
    """Every error of one validation of `model`, without the input that was refused."""
    return [
        Fault(place(prefix, item["loc"]) or "configuration", *_words(item, model))
        for item in error.errors(include_url=False, include_input=False)
    ]


def validate(model: type[Model], raw: Any, prefix: str, faults: list[Fault]) -> Model | None:
    """`raw` as `model`, or None with what is wrong appended to `faults`."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        faults.extend(faults_of(error, prefix, model))
    return None


def _words(item: Any, model: type[BaseModel]) -> tuple[str, str]:
    if item["type"] == "extra_forbidden":
        *parents, key = item["loc"]
        remedy = suggestion(key, _keys(model, parents), "remove it")
        return "is not a setting that exists", remedy
    if item["type"] not in SENTENCES:
        message = item["msg"]
        return message[:1].lower() + message[1:], "correct the value"
    fault, remedy = SENTENCES[item["type"]]
    context = dict(item.get("ctx", {}))
    if "expected" in context:
        context["expected"] = context["expected"].replace("'", "")
    return fault.format_map(context), remedy.format_map(context)


def _keys(model: type[BaseModel], location: Iterable[int | str]) -> list[str]:
    """The keys that exist where an unknown one was found."""
    kind: Any = model
    for part in location:
        kind = _inside(kind, part)
    found = _model(kind)
    return list(found.model_fields) if found else []


def _inside(kind: Any, part: int | str) -> Any:
    model = _model(kind)
    if model:
        field = model.model_fields.get(str(part))
        return field.annotation if field else None
    for option in _options(kind):
        if get_origin(option) in (tuple, dict):
            return get_args(option)[0 if get_origin(option) is tuple else 1]
    return None


def _model(kind: Any) -> type[BaseModel] | None:
    for option in _options(kind):
        if isinstance(option, type) and issubclass(option, BaseModel):
            return option
    return None


def _options(kind: Any) -> list[Any]:
    """`X` of `Annotated[X, …]`, both of `X | None`."""
    if get_origin(kind) is Annotated:
        return _options(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        return [option for part in get_args(kind) for option in _options(part)]
    return [kind]
