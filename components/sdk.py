"""What Pulumi's SDK does for every resource, costs a preview seconds, and nobody reads here."""

from __future__ import annotations

import os
from typing import Any

import pulumi.log

#: Set, the SDK's debug lines reach `pulumi --debug` as ever.
DEBUG = "PLATFORM_BETA_DEBUG"


def drop_debug_lines() -> None:
    """Leave out the SDK's debug lines.

    It sends six for each resource, whether `--debug` is given or not, and waits for an answer to each:
    https://github.com/pulumi/pulumi/blob/v3.259.0/sdk/python/lib/pulumi/log.py
    """
    if not os.environ.get(DEBUG):
        pulumi.log.debug = _nothing


def _nothing(*_: Any, **__: Any) -> None:
    """A debug line that is not sent."""
