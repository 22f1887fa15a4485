"""Which values are secret: what the schema says, and what was secret where it came from."""

from __future__ import annotations

from collections.abc import Mapping

from lab.plugins.docker.fields import Field, Value, Values
from lab.plugins.values import Secret, plain


def sealed(fields: Mapping[str, Field], values: Values, source: Values) -> dict[str, Value]:
    """The values, secret where the schema or the same property of `source` is; nothing else is changed."""
    return {name: _sealed(fields.get(name), value, source.get(name)) for name, value in values.items()}


def _sealed(field: Field | None, value: Value, source: Value) -> Value:
    if (field and field.secret) or isinstance(source, Secret):
        return value if isinstance(value, Secret) else Secret(value)
    if isinstance(value, dict):
        inner = (field.fields if field else None) or {}
        return sealed(inner, value, source if isinstance(source, dict) else {})
    if isinstance(value, list) and isinstance(source, list) and source != plain(source):
        return Secret(value)
    return value
