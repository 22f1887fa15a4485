"""The images that the services declare: what runs in an environment is what was read and pinned."""

from __future__ import annotations

import re

import pytest

from components.checks.images import BUILT_HERE, image_faults
from components.declaration import load_declarations
from components.settings import parse_settings
from components.stack import from_file
from components.topology import draft
from lab.catalog import Image, load_images
from lab.declared import SERVICES, declared_services

ROOT = SERVICES.parents[1]
DECLARED = {name: str(each["image"]) for name, each in declared_services(SERVICES).items()}
PINNED = re.compile(r"[a-z0-9./_-]+:v?[0-9]+\.[0-9]+\.[0-9]+@sha256:[0-9a-f]{64}")
#: No stored public source has the digest: docs/decisions/0026-nacos.md
UNPINNED = {"nacos/nacos-server:v3.1.0"}
REPLACED = [image for image in load_images() if image.file.official]
OFFICIAL = {service: image.file.official for image in REPLACED for service in image.services}


def series(tag: str) -> str:
    return ".".join(tag.split(".")[:2])


@pytest.mark.parametrize("service", sorted(DECLARED))
def test_a_public_image_is_declared_by_tag_and_digest(service: str) -> None:
    """The tag tells a person which version it is, the digest is what every node gets."""
    if not DECLARED[service].startswith(BUILT_HERE) and DECLARED[service] not in UNPINNED:
        assert PINNED.fullmatch(DECLARED[service])


@pytest.mark.parametrize("service", sorted(OFFICIAL))
def test_the_lab_knows_the_official_image_as_the_service_declares_it(service: str) -> None:
    assert OFFICIAL[service] == DECLARED[service]


@pytest.mark.parametrize("image", REPLACED, ids=lambda each: each.name)
def test_what_the_lab_makes_instead_is_of_the_same_series(image: Image) -> None:
    official = str(image.file.official).partition("@")[0].rpartition(":")[2]
    if image.name != "mongodb":  # no package has 8.0: docs/decisions/0012-mongodb.md
        assert series(image.file.tag) == series(official)


def test_the_production_stack_file_names_every_image_that_no_public_registry_has() -> None:
    beta = parse_settings(from_file(ROOT / "Pulumi.beta.yaml").settings)
    assert list(image_faults(draft(beta, load_declarations(SERVICES, [])))) == []
    named = {
        name: beta.services[name].image for name, image in DECLARED.items() if image.startswith(BUILT_HERE)
    }
    assert all(image and not image.startswith(BUILT_HERE) for image in named.values()), named


def test_the_lab_names_every_image_that_is_built_here() -> None:
    built = {service for image in load_images() for service in image.services}
    assert {name for name, image in DECLARED.items() if image.startswith(BUILT_HERE)} <= built
