"""No script names a version of the Docker API: each engine refuses some, and the next one refuses more."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: What is never a script: lists of modules, which have versions of their own.
NO_SCRIPTS = {"go.mod", "go.sum", "package.json", "package-lock.json"}
DOCUMENTATION = re.compile(r"https://docs\.docker\.com/\S+")
#: `/v1.41/`, `v1.41`, and the variable by which the client is told one.
NAMED = re.compile(r"\bv1\.[0-9]{2}(?![0-9.])|\bDOCKER_API_VERSION\b")


def named_versions(text: str) -> list[str]:
    """What a text names, its references to documentation apart."""
    return NAMED.findall(DOCUMENTATION.sub("", text))


def scripts() -> list[Path]:
    found = (
        path for folder in ("components", "ops", "configs", "lab") for path in (ROOT / folder).rglob("*")
    )
    return [
        path for path in found if path.is_file() and path.name not in NO_SCRIPTS and path.suffix != ".pyc"
    ]


def test_no_script_names_a_version() -> None:
    texts = {path: path.read_text(errors="replace") for path in scripts()}
    assert len(texts) > 200
    assert {
        str(path.relative_to(ROOT)): found for path, text in texts.items() if (found := named_versions(text))
    } == {}


@pytest.mark.parametrize(
    "text",
    [
        "curl --unix-socket /var/run/docker.sock http://docker/v1.41/swarm/join",
        "get('/v1.52/info')",
        "DOCKER_API_VERSION=1.44 docker info",
        "API = 'v1.44'",
    ],
)
def test_a_named_version_is_found(text: str) -> None:
    assert named_versions(text)


@pytest.mark.parametrize(
    "text",
    [
        "# https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Service",
        "ssl_protocols TLSv1.2 TLSv1.3;",
        "DOCKER_MIN_API_VERSION=1.44",
        "github.com/prometheus/client_golang v1.23.2",
        "http://docker/v$version/swarm/join",
    ],
)
def test_what_names_none_is_no_find(text: str) -> None:
    assert named_versions(text) == []
