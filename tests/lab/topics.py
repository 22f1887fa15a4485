"""The topics of tests/lab in the order in which they run, and which cases only a drill runs.

A topic is a module: `redis` is data/test_redis.py. First comes what harms nothing. Of the data tier, what
moves leaders comes last: a preferred member takes a minute to lead again, and others would wait for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent
#: Run before the lab has its data tier (LAB_WITHOUT): nodes come and go, all is destroyed and made again.
WITHOUT_DATA = (
    *("converged", "nodes", "edge", "outputs", "secret_leaks", "preview_is_read_only", "rolling_update"),
    *("preflight", "docker_socket", "adoption", "drift", "node_lifecycle", "destroy", "interruption"),
)
WITH_DATA = (
    *(
        "cost",
        "conformance",
        "mysql",
        "redis",
        "mongodb",
        "mysql_temporary_space",
        "backup_bucket",
        "sample_api",
    ),
    *("silent_clients", "failover"),
    "official_plugins",
)
ORDER = (*WITHOUT_DATA, *WITH_DATA)


def topic(path: Path) -> str:
    """The topic of a test's file."""
    return path.stem.removeprefix("test_")


def files() -> dict[str, Path]:
    """Return every topic that there is, in its order, with its file."""
    found = {topic(path): path for path in FOLDER.rglob("test_*.py")}
    return dict(sorted(found.items(), key=lambda item: rank(item[0])))


def rank(name: str) -> int:
    """The topic's place in the order; one that is not in it comes last."""
    return ORDER.index(name) if name in ORDER else len(ORDER)


def cases(names: Iterable[str], *, tested: Collection[str]) -> list[Any]:
    """Parameters of a test: `make test` runs the tested ones, `make drill` all.

    Raises ValueError for a tested name that is none.
    """
    all_names = list(names)
    if unknown := set(tested) - set(all_names):
        raise ValueError(f"no case {', '.join(sorted(unknown))}")
    return [
        pytest.param(name, id=name, marks=() if name in tested else pytest.mark.drill) for name in all_names
    ]
