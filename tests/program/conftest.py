"""Pulumi notes the stack trace of every resource, which is a third of these tests' time and asked by none."""

from __future__ import annotations

import pulumi.runtime.resource
import pytest
from pulumi.runtime.proto import source_pb2


@pytest.fixture(autouse=True)
def _no_stack_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi.runtime.resource, "_get_stack_trace", source_pb2.StackTrace)
