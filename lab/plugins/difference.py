"""Which properties differ, by path: Pulumi's own rule for providers that have none."""

import re
from typing import Any

from lab.plugins.values import Props

_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*")


def detailed_diff(olds: Props, news: Props) -> dict[str, str]:
    """Return `add`, `delete` or `update` by property path, such as `triggers[0]` or `environment.PATH`.

    Lists and maps are compared item by item, but a secret as a whole: no path tells what is inside.
    Rule: https://github.com/pulumi/pulumi/blob/v3.259.0/sdk/go/common/resource/properties_diff.go
    """
    found: dict[str, str] = {}
    _compare_maps("", olds, news, found)
    return found


def _compare(path: str, old: Any, new: Any, found: dict[str, str]) -> None:
    if isinstance(old, dict) and isinstance(new, dict):
        _compare_maps(path, old, new, found)
    elif isinstance(old, list) and isinstance(new, list):
        _compare_maps(path, dict(enumerate(old)), dict(enumerate(new)), found)
    elif old != new or isinstance(old, bool) != isinstance(new, bool):  # in Python, True == 1
        found[path] = "update"


def _compare_maps(path: str, olds: dict[Any, Any], news: dict[Any, Any], found: dict[str, str]) -> None:
    for key in olds.keys() | news.keys():
        inner = _join(path, key)
        if key not in olds:
            found[inner] = "add"
        elif key not in news:
            found[inner] = "delete"
        else:
            _compare(inner, olds[key], news[key], found)


def _join(path: str, key: str | int) -> str:
    if isinstance(key, int):
        return f"{path}[{key}]"
    if _IDENTIFIER.fullmatch(key):
        return f"{path}.{key}" if path else key
    return f'{path}["{key}"]'
