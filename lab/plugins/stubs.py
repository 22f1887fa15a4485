"""Pulumi's generated gRPC code without the Pulumi SDK around it.

`pulumi/__init__.py` imports the whole SDK (0.3 s of CPU, over a second on a busy machine), of which a plugin
needs only `pulumi.runtime.proto`. So empty packages stand in for the two parents while that is imported; they
are removed again, and a later `import pulumi` in the same process gets the real one.
"""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING

_PARENTS = ("pulumi", "pulumi.runtime")


@contextmanager
def _empty_parents() -> Iterator[None]:
    for name in _PARENTS:
        spec = importlib.util.find_spec(name)
        if spec is None:
            raise ModuleNotFoundError(f"{name}: not installed; run `make toolchain`", name=name)
        sys.modules[name] = ModuleType(name)
        sys.modules[name].__path__ = list(spec.submodule_search_locations or ())
    try:
        yield
    finally:
        for name in _PARENTS:
            del sys.modules[name]


if TYPE_CHECKING or "pulumi" in sys.modules:
    from pulumi.runtime.proto import (
        engine_pb2,
        engine_pb2_grpc,
        plugin_pb2,
        provider_pb2,
        provider_pb2_grpc,
        status_pb2,
    )
else:
    with _empty_parents():
        from pulumi.runtime.proto import (
            engine_pb2,
            engine_pb2_grpc,
            plugin_pb2,
            provider_pb2,
            provider_pb2_grpc,
            status_pb2,
        )

__all__ = [
    "engine_pb2",
    "engine_pb2_grpc",
    "plugin_pb2",
    "provider_pb2",
    "provider_pb2_grpc",
    "status_pb2",
]
