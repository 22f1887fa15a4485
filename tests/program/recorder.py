"""Pulumi's mocks that note every resource, and the program run under them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from components.environment import declare
from components.observation import Observation
from components.reading import Reading

COMMAND = "command:remote:Command"
SERVICE = "docker:index/service:Service"


@dataclass
class Recorder(pulumi.runtime.Mocks):
    """Every resource by its name."""

    resources: dict[str, pulumi.runtime.MockResourceArgs] = field(default_factory=dict)

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.resources[args.name] = args
        outputs = {**args.inputs, "stdout": f"stdout of {args.name}"} if args.typ == COMMAND else args.inputs
        return f"{args.name}-id", outputs

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        raise AssertionError(f"unexpected call {args.token}")

    def inputs(self, kind: str) -> dict[str, Any]:
        """Inputs of every resource of a kind by name."""
        return {name: args.inputs for name, args in self.resources.items() if args.typ == kind}


def new_recorder() -> Recorder:
    """Mocks in the place of an engine."""
    recorder = Recorder()
    asyncio.set_event_loop(asyncio.new_event_loop())  # Pulumi takes the thread's, which asyncio.run ends
    pulumi.runtime.set_mocks(recorder)
    return recorder


def run_program(reading: Reading, observed: Observation, secrets: Mapping[str, str]) -> None:
    """Declare the environment, and wait for every resource."""

    @pulumi.runtime.test  # type: ignore[misc]
    def program() -> pulumi.Output[dict[str, Any]]:
        return pulumi.Output.all(**declare(reading, observed, secrets))

    program()
