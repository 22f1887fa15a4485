"""Which properties a program's `ignore_changes` covers: as the official plugin decides, however odd.

A path counts only when it is spelled exactly as the official plugin's bridge spells a property that the old
state or the new inputs have (`paths.bridge_path`): `options["a.b"]`, `taskSpec[0].placement` and `labels[*]`
cover nothing. A place in a list or set has to be in the old state. A path covers what lies below it.
(Before a plugin is asked, Pulumi's engine sets inputs at ignored paths back, by its own rules.)
Rules: computeIgnoreChanges in
https://github.com/pulumi/pulumi-terraform-bridge/blob/v3.136.0/pkg/tfbridge/diff.go
and processIgnoreChanges in
https://github.com/pulumi/pulumi-terraform-bridge/blob/v3.136.0/pkg/tfshim/sdk-v2/instance_diff.go
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence

from lab.plugins.docker.fields import Value, Values
from lab.plugins.docker.paths import Steps, bridge_path, exists


def ignored_steps(paths: Sequence[str], old: Values, new: Values) -> list[Steps]:
    """The properties that `paths` cover, apart from what lies below them."""
    wanted = set(paths)
    found = {steps for values in (old, new) for steps in _visited(values, ()) if bridge_path(steps) in wanted}
    return sorted((steps for steps in found if _place_exists(steps, old)), key=_flat)


def is_ignored(steps: Steps, ignored: Sequence[Steps]) -> bool:
    """Whether one of `ignored` is, or covers, this property.

    As in Terraform's flat names, a map's key `a` covers a key `a.b` beside it.
    """
    return any(_flat(steps) == _flat(each) or _flat(steps).startswith(f"{_flat(each)}.") for each in ignored)


def with_ignored(after: Values, before: Values, ignored: Sequence[Steps]) -> dict[str, Value]:
    """`after` with what is ignored as it is in `before`, where both have the block, map or list around it."""
    result = copy.deepcopy(dict(after))
    for steps in ignored:
        *around, last = steps
        if not (exists(result, tuple(around)) and exists(before, tuple(around))):
            continue
        target, source = _at(result, around), _at(before, around)
        if exists(source, (last,)) and (isinstance(last, str) or last < len(target)):
            target[last] = copy.deepcopy(source[last])
        elif isinstance(last, str):
            target.pop(last, None)
    return result


def _visited(value: Value, steps: Steps) -> Iterator[Steps]:
    if steps:
        yield steps
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _visited(inner, (*steps, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _visited(inner, (*steps, index))


def _place_exists(steps: Steps, old: Values) -> bool:
    places = [number for number, step in enumerate(steps) if isinstance(step, int)]
    return not places or exists(old, steps[: places[-1] + 1])


def _at(value: Value, steps: Sequence[str | int]) -> Value:
    for step in steps:
        value = value[step]
    return value


def _flat(steps: Steps) -> str:
    return ".".join(map(str, steps))
