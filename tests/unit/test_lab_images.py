from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab import build, shell
from lab.apt import Apt
from lab.build import Builder, build_command
from lab.catalog import IMAGES, Image, content_hash, load_images
from lab.images import version
from lab.official import archived_tags, at_hand, load_archives
from lab.shell import LabError

DIGEST = "sha256:" + "d" * 64
DECLARED = f"mysql:9.7.2@{DIGEST}"


def image(root: Path, name: str, base: str = "scratch", extra: str = "") -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "image.yaml").write_text(f'base: {base}\ntag: "1"\n{extra}')
    (folder / "Dockerfile").write_text("FROM scratch\n")
    return folder


def references(root: Path) -> dict[str, str]:
    return {found.name: found.reference for found in load_images(root, root)}


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
    assert [found.name for found in load_images(tmp_path, tmp_path)] == ["z-base", "a-web"]


@pytest.mark.parametrize("base", ["nowhere", "web"])
def test_a_base_that_is_missing_or_itself_is_a_fault_that_names_the_folder(tmp_path: Path, base: str) -> None:
    image(tmp_path, "web", base=base)
    with pytest.raises(LabError, match=r"web/image\.yaml"):
        load_images(tmp_path, tmp_path)


def test_an_unknown_key_is_a_fault_that_names_the_file(tmp_path: Path) -> None:
    image(tmp_path, "web", extra="offical: nginx:1\n")
    with pytest.raises(LabError, match=r"web/image\.yaml"):
        load_images(tmp_path, tmp_path)


def test_only_services_images_are_for_the_registry() -> None:
    services = {service for found in load_images(IMAGES) for service in found.services}
    assert {"nginx", "platform-api", "platform-web"} <= services
    assert not services & {"node", "registry", "base-sid", "base-bookworm", "base-trixie"}


def test_what_is_built_carries_the_labs_label_and_its_base() -> None:
    command = build_command("platform-beta/web:1", "platform-beta/base:2", "platform-beta.lab=cafe")
    assert command[command.index("--label") + 1] == "platform-beta.lab=cafe"
    assert command[command.index("--build-arg") + 1] == "BASE=platform-beta/base:2"


class Engine:
    """The docker client before an engine with these images: reference to its RepoDigests."""

    def __init__(self) -> None:
        self.images: dict[str, list[str]] = {}
        self.pullable: set[str] = set()
        self.asked: list[str] = []

    def __call__(self, argv: Sequence[str], **_: object) -> str:
        command = [word for word in argv if word != "nice"]
        self.asked.append(command[1])
        match command[1:]:
            case ["image", "inspect", *_, name] if name in self.images:
                return json.dumps(self.images[name])
            case ["load", "--input", file]:
                self.images |= {tag: [] for tag in archived_tags(Path(file))}
                return ""
            case ["pull", "--quiet", name] if name in self.pullable:
                self.images[name] = [f"mysql@{DIGEST}"]  # no tag: pulling by digest gives none
                return ""
            case ["build", *_]:
                return ""
        raise LabError(f"docker {command[1]}: exit code 1\nError: No such image: {command[-1]}")


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    fake = Engine()
    monkeypatch.setattr(shell, "run", fake)
    monkeypatch.setattr(build, "run", fake)
    return fake


def save(archive: Path, *tags: list[str] | None) -> Path:
    manifest = json.dumps([{"RepoTags": each} for each in tags]).encode()
    with tarfile.open(archive, "w:gz") as tar:
        entry = tarfile.TarInfo("manifest.json")
        entry.size = len(manifest)
        tar.addfile(entry, io.BytesIO(manifest))
    return archive


def made(root: Path, *, official_allowed: bool) -> tuple[Image, str]:
    """Return an image whose official one is DECLARED, and the reference that a builder has for it."""
    image(root, "mysql", extra=f'official: "{DECLARED}"\n')
    found = load_images(root, root)
    builder = Builder("platform-beta.lab=cafe", Apt("http://mirror", None), root, official_allowed)
    with ThreadPoolExecutor(1) as pool:
        return found[0], builder.make_all(found, pool)["mysql"].result()


def test_the_official_image_is_taken_as_declared(engine: Engine, tmp_path: Path) -> None:
    engine.images[DECLARED] = [f"mysql@{DIGEST}"]
    assert made(tmp_path, official_allowed=False)[1] == DECLARED


def test_the_official_image_is_pulled_by_its_digest_where_a_registry_answers(
    engine: Engine, tmp_path: Path
) -> None:
    engine.pullable.add(DECLARED)
    assert made(tmp_path, official_allowed=True)[1] == DECLARED


@pytest.mark.parametrize("official_allowed", [True, False])
def test_what_is_not_to_be_had_is_built(engine: Engine, tmp_path: Path, official_allowed: bool) -> None:
    found, local = made(tmp_path, official_allowed=official_allowed)
    assert local == found.reference
    assert ("pull" in engine.asked) == official_allowed


def test_an_archive_saved_by_tag_serves_a_declaration_with_a_digest(engine: Engine, tmp_path: Path) -> None:
    save(tmp_path / "mysql.tar.gz", ["mysql:9.7.2"])
    assert load_archives(tmp_path) == {"mysql:9.7.2"}
    found, local = made(tmp_path / "images", official_allowed=True)
    assert local == "mysql:9.7.2"
    assert "pull" not in engine.asked
    assert version(found, local) == "9.7.2"


def test_an_archive_that_is_loaded_is_not_loaded_again_and_its_tags_are_still_known(
    engine: Engine, tmp_path: Path
) -> None:
    save(tmp_path / "mysql.tar.gz", ["mysql:9.7.2"])
    assert load_archives(tmp_path) == load_archives(tmp_path) == {"mysql:9.7.2"}
    assert engine.asked.count("load") == 1


def test_another_build_of_the_tag_is_not_the_one_declared(engine: Engine) -> None:
    engine.images["mysql:9.7.2"] = ["10.0.0.1:5000/mysql@" + DIGEST, "mysql@sha256:" + "e" * 64]
    assert at_hand(DECLARED) is None


def test_a_digest_that_the_engine_counts_itself_is_nothing_against_an_archive(engine: Engine) -> None:
    """An engine with containerd's image store gives every loaded image a digest, not the registry's."""
    engine.images["mysql:9.7.2"] = ["mysql@sha256:" + "e" * 64]
    assert at_hand(DECLARED, frozenset({"mysql:9.7.2"})) == "mysql:9.7.2"


def test_the_digest_of_a_lab_registry_says_nothing_of_the_official_one(engine: Engine) -> None:
    engine.images["mysql:9.7.2"] = ["127.0.0.1:40000/mysql@sha256:" + "e" * 64]
    assert at_hand(DECLARED) == "mysql:9.7.2"


def test_an_archive_without_a_tag_is_a_fault(engine: Engine, tmp_path: Path) -> None:
    save(tmp_path / "mysql.tar.gz", None)
    with pytest.raises(LabError, match=r"mysql\.tar\.gz.*save it by that name"):
        load_archives(tmp_path)


def test_nodes_pull_an_official_image_by_its_own_version(tmp_path: Path) -> None:
    image(tmp_path, "mysql")
    found = load_images(tmp_path, tmp_path)[0]
    assert (version(found, found.reference), version(found, DECLARED)) == ("1", "9.7.2")


def test_the_images_in_an_archive_are_known_without_loading_it(tmp_path: Path) -> None:
    assert archived_tags(save(tmp_path / "images.tar.gz", ["nginx:1"], None)) == ["nginx:1"]


def test_an_archive_of_something_else_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "images.tar").write_text("no tar")
    with pytest.raises(LabError, match=r"images\.tar"):
        archived_tags(tmp_path / "images.tar")
