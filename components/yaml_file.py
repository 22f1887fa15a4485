"""A YAML file that holds one mapping, read so that whatever is wrong with it becomes a fault."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from components.errors import Fault

MERGE = "tag:yaml.org,2002:merge"
INTEGER = "tag:yaml.org,2002:int"


def read_mapping(path: Path, place: str, faults: list[Fault]) -> dict[Any, Any] | None:
    """The file's mapping, or None with what is wrong appended to `faults`.

    place: how faults name the file; a line number is added where it is known. A key that is written
    twice is a fault: PyYAML would take the last one without a word.
    """
    text = read_text(path, place, faults)
    if text is None:
        return None
    try:
        loader = yaml.SafeLoader(text)
        node: yaml.Node | None = loader.get_single_node()
        faults.extend(_repeated(node, place))
        faults.extend(_octal(node, place))
        value = loader.construct_document(node) if node else None  # type: ignore[no-untyped-call]
    except yaml.YAMLError as error:
        faults.append(_not_yaml(error, text, place))
        return None
    except RecursionError:
        faults.append(Fault(place, "is nested too deeply", "flatten it"))
        return None
    except Exception:  # PyYAML's constructors let int(), datetime() and others raise what they like
        faults.append(Fault(place, "holds a number, date or tag that can't be read", "put it in quotes"))
        return None
    return _mapping(value, place, faults)


def read_text(path: Path, place: str, faults: list[Fault]) -> str | None:
    """The file's text, or None with the reason appended to `faults`."""
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        faults.append(Fault(place, f"is not UTF-8 (byte {error.start + 1})", "save it as UTF-8"))
    except OSError as error:
        fault = f"can't be read ({error.strerror})"
        faults.append(Fault(place, fault, "correct the path or its permissions"))
    except ValueError:
        faults.append(Fault(place, "can't be the path of a file", "correct the path"))
    return None


def _mapping(value: Any, place: str, faults: list[Fault]) -> dict[Any, Any] | None:
    if isinstance(value, dict):
        return value
    if value is None:
        faults.append(Fault(place, "is empty", "write its settings; docs/architecture.md names them"))
    else:
        fault = Fault(
            place, "is not a mapping", "write key: value pairs; docs/architecture.md names the keys"
        )
        faults.append(fault)
    return None


def _nodes(root: yaml.Node | None) -> Iterator[yaml.Node]:
    """The tree as written, before merges (`<<`); what an alias repeats comes once."""
    seen: set[int] = set()
    todo = [root] if root else []
    while todo:
        node = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if isinstance(node, yaml.MappingNode):
            todo += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            todo += node.value


def _repeated(root: yaml.Node | None, place: str) -> Iterator[Fault]:
    """Keys written twice in one mapping."""
    for node in _nodes(root):
        if isinstance(node, yaml.MappingNode):
            yield from _repeated_in(node, place)


def _octal(root: yaml.Node | None, place: str) -> Iterator[Fault]:
    """Numbers such as 01024, which YAML 1.1 takes for 532. https://yaml.org/type/int.html"""
    for node in _nodes(root):
        if node.tag == INTEGER and re.fullmatch(r"[-+]?0[0-9_]+", str(node.value)):
            fault = "holds a number that begins with 0, which makes it octal"
            remedy = "write it without leading zeros, or in quotes if it is text"
            yield Fault(f"{place}:{node.start_mark.line + 1}", fault, remedy)


def _repeated_in(node: yaml.MappingNode, place: str) -> Iterator[Fault]:
    lines: dict[tuple[str, str], int] = {}
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode) and key.tag != MERGE:
            line, same = key.start_mark.line + 1, (key.tag, key.value)
            if same in lines:
                fault = f"the key {key.value} is already given in line {lines[same]}"
                yield Fault(f"{place}:{line}", fault, "keep one of the two")
            lines.setdefault(same, line)


def _not_yaml(error: yaml.YAMLError, text: str, place: str) -> Fault:
    """What the parser says, without what it quotes: that may be part of a secret."""
    mark = getattr(error, "problem_mark", None)
    where = f"{place}:{mark.line + 1}" if mark else place
    lines = text.splitlines()
    if mark and mark.line < len(lines) and re.match(r" *\t", lines[mark.line]):
        return Fault(where, "is indented with a tab", "indent with blanks")
    problem = getattr(error, "problem", None) or "a character that YAML forbids"
    quoted = re.sub(r"\s*'[^']{2,}.*", " …", problem)
    return Fault(where, f"is not YAML ({quoted})", "correct the line, or the one before")
