"""Where a property is, and two ways to spell it: Pulumi's, and that of the bridge in the official plugin."""

from __future__ import annotations

from collections.abc import Mapping

from lab.plugins.docker.fields import Value

#: Names of properties, keys of maps and places in lists (from 0), outermost first.
Steps = tuple[str | int, ...]


def pulumi_path(steps: Steps) -> str:
    """As changes are shown: `taskSpec.containerSpec.env.KEY`, `labels[0]`, `options["a.b"]`."""
    return "".join(_pulumi_step(step) for step in steps).removeprefix(".")


def bridge_path(steps: Steps) -> str:
    """As the official plugin compares: a key with dot, quote or bracket as `options.["a.b"]`, others bare.

    Rule: visitPropertyValue in
    https://github.com/pulumi/pulumi-terraform-bridge/blob/v3.136.0/pkg/tfbridge/diff.go
    """
    return "".join(_bridge_step(step) for step in steps).removeprefix(".")


def exists(value: Value, steps: Steps) -> bool:
    """Whether `steps` lead to something in `value`."""
    for step in steps:
        is_key = isinstance(step, str) and isinstance(value, Mapping) and step in value
        is_place = isinstance(step, int) and isinstance(value, list) and step < len(value)
        if not (is_key or is_place):
            return False
        value = value[step]
    return True


def _pulumi_step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if step.isidentifier():
        return f".{step}"
    escaped = step.replace("\\", "\\\\").replace('"', '\\"')
    return f'["{escaped}"]'


def _bridge_step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if any(each in step for each in '."[]'):
        escaped = step.replace('"', '\\"')
        return f'.["{escaped}"]'
    return f".{step}"
