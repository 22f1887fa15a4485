"""Property maps of Pulumi's protocol as plain Python values.

A property map is a dict of None, bool, int or float, str, list, dict, `Secret` and `UNKNOWN`. As in Pulumi, a
secret never equals the same value in the open.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf.struct_pb2 import Struct, Value

Props = dict[str, Any]

# Marks of the wire format: https://github.com/pulumi/pulumi/blob/v3.259.0/sdk/go/common/resource/plugin/rpc.go
_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"
_UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_UNKNOWNS: Final = frozenset(
    {
        _UNKNOWN,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # bool
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # list
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # map
    }
)


class Unknown:
    """A value that is known only when what it depends on has been made; there is one, `UNKNOWN`."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()


@dataclass(frozen=True)
class Secret:
    """A value that the engine encrypts in its state and never shows; neither does `repr`."""

    value: Any = field(repr=False)


def plain(value: Any) -> Any:
    """Return the value with every secret, at any depth, opened."""
    match value:
        case Secret():
            return plain(value.value)
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case list():
            return [plain(item) for item in value]
    return value


def contains_unknown(value: Any) -> bool:
    """Tell whether the value, or anything inside it, is unknown."""
    match value:
        case Secret():
            return contains_unknown(value.value)
        case dict():
            return any(map(contains_unknown, value.values()))
        case list():
            return any(map(contains_unknown, value))
    return value is UNKNOWN


def from_struct(struct: Struct) -> Props:
    """Read a property map off the wire; properties that are null are left out, as in Pulumi's own SDK."""
    return {
        key: _read(value) for key, value in struct.fields.items() if value.WhichOneof("kind") != "null_value"
    }


def _read(value: Value) -> Any:
    match value.WhichOneof("kind"):
        case "string_value":
            return UNKNOWN if value.string_value in _UNKNOWNS else value.string_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [_read(item) for item in value.list_value.values]
        case "struct_value":
            fields = value.struct_value.fields
            if fields[_SIGNATURE].string_value == _SECRET if _SIGNATURE in fields else False:
                return Secret(_read(fields["value"]))
            return from_struct(value.struct_value)
    return None


def to_struct(props: Props) -> Struct:
    """Write a property map for the wire; properties that are None are left out."""
    struct = Struct()
    _write_into(struct, props)
    return struct


def _write_into(struct: Struct, props: Props) -> None:
    for key, item in props.items():
        if item is not None:
            _write(struct.fields[key], item)


def _write(target: Value, value: Any) -> None:
    match value:
        case None:
            target.null_value = 0
        case Unknown():
            target.string_value = _UNKNOWN
        case bool():
            target.bool_value = value
        case int() | float():
            target.number_value = value
        case str():
            target.string_value = value
        case Secret():
            _write_into(target.struct_value, {_SIGNATURE: _SECRET, "value": value.value})
        case dict():
            target.struct_value.SetInParent()
            _write_into(target.struct_value, value)
        case list() | tuple():
            target.list_value.SetInParent()
            for item in value:
                _write(target.list_value.values.add(), item)
        case _:
            raise TypeError(f"a property can't be a {type(value).__name__}")
