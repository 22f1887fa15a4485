from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from lab.build import archived_tags, build_command
from lab.catalog import IMAGES, content_hash, load_images
from lab.shell import LabError


def image(root: Path, name: str, base: str = "scratch", extra: str = "") -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "image.yaml").write_text(f'base: {base}\ntag: "1"\n{extra}')
    (folder / "Dockerfile").write_text("FROM scratch\n")
    return folder


def references(root: Path) -> dict[str, str]:
    return {found.name: found.reference for found in load_images(root)}


def test_an_unchanged_folder_keeps_its_name(tmp_path: Path) -> None:
    image(tmp_path, "web")
    assert references(tmp_path) == references(tmp_path)


@pytest.mark.parametrize("change", ["content", "mode", "new file", "renamed file"])
def test_every_change_of_a_folder_is_another_image(tmp_path: Path, change: str) -> None:
    folder = image(tmp_path, "web")
    before = content_hash(folder, "scratch")
    file = folder / "Dockerfile"
    match change:
        case "content":
            file.write_text("FROM scratch\n# other\n")
        case "mode":
            file.chmod(0o755)
        case "new file":
            (folder / "site").write_text("")
        case _:
            file.rename(folder / "Dockerfile.old")
    assert content_hash(folder, "scratch") != before


def test_a_changed_base_changes_what_stands_on_it_and_nothing_else(tmp_path: Path) -> None:
    base = image(tmp_path, "base-x")
    image(tmp_path, "web", base="base-x")
    image(tmp_path, "api")
    before = references(tmp_path)
    (base / "Dockerfile").write_text("FROM scratch\n# newer\n")
    after = references(tmp_path)
    assert {name for name in before if before[name] != after[name]} == {"base-x", "web"}


def test_a_base_comes_before_what_stands_on_it(tmp_path: Path) -> None:
    image(tmp_path, "a-web", base="z-base")
    image(tmp_path, "z-base")
    assert [found.name for found in load_images(tmp_path)] == ["z-base", "a-web"]


@pytest.mark.parametrize("base", ["nowhere", "web"])
def test_a_base_that_is_missing_or_itself_is_a_fault_that_names_the_folder(tmp_path: Path, base: str) -> None:
    image(tmp_path, "web", base=base)
    with pytest.raises(LabError, match=r"web/image\.yaml"):
        load_images(tmp_path)


def test_an_unknown_key_is_a_fault_that_names_the_file(tmp_path: Path) -> None:
    image(tmp_path, "web", extra="offical: nginx:1\n")
    with pytest.raises(LabError, match=r"web/image\.yaml"):
        load_images(tmp_path)


def test_only_services_images_are_for_the_registry() -> None:
    services = {service for found in load_images(IMAGES) for service in found.services}
    assert {"nginx", "platform-api", "platform-web"} <= services
    assert not services & {"node", "registry", "base-sid", "base-bookworm"}


def test_what_is_built_carries_the_labs_label_and_its_base() -> None:
    command = build_command("platform-beta/web:1", "platform-beta/base:2", "platform-beta.lab=cafe")
    assert command[command.index("--label") + 1] == "platform-beta.lab=cafe"
    assert command[command.index("--build-arg") + 1] == "BASE=platform-beta/base:2"


def test_the_images_in_an_archive_are_known_without_loading_it(tmp_path: Path) -> None:
    archive = tmp_path / "images.tar.gz"
    manifest = json.dumps([{"RepoTags": ["nginx:1"]}, {"RepoTags": None}]).encode()
    with tarfile.open(archive, "w:gz") as tar:
        entry = tarfile.TarInfo("manifest.json")
        entry.size = len(manifest)
        tar.addfile(entry, io.BytesIO(manifest))
    assert archived_tags(archive) == ["nginx:1"]


def test_an_archive_of_something_else_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "images.tar").write_text("no tar")
    with pytest.raises(LabError, match=r"images\.tar"):
        archived_tags(tmp_path / "images.tar")
