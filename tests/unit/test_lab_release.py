"""`make images`: our own images, built on official ones, into the operator's registry."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from components.settings import parse_settings
from lab import __main__ as command_line
from lab import build, release
from lab.catalog import IMAGES, Image, load_images
from lab.declared import SERVICES, declared_services
from lab.release import Release, check_registry, chosen, releases
from lab.shell import LabError
from tests.unit.examples import raw

DECLARED = declared_services(SERVICES)
PUSH = "registry.example.com/platform"
DIGEST = "sha256:" + "d" * 64
MYSQL = str(DECLARED["mysql"]["image"])
SCRIPTS = SERVICES / "mysql" / "backup"
#: Programs that a script of the folder might run, be they in the image or not.
KNOWN = [
    "awk",
    "basename",
    "cat",
    "cut",
    "date",
    "find",
    "flock",
    "grep",
    "gzip",
    "head",
    "jq",
    "kill",
    "mkdir",
    "mkfifo",
    "mv",
    "mysql",
    "mysqladmin",
    "mysqlbinlog",
    "mysqld",
    "mysqldump",
    "openssl",
    "paste",
    "perl",
    "ps",
    "python3",
    "rm",
    "sed",
    "setpriv",
    "sha256sum",
    "sleep",
    "sort",
    "stat",
    "tail",
    "tee",
    "timeout",
    "touch",
    "tr",
    "xargs",
    "zstd",
]


@pytest.fixture(scope="module")
def ours() -> dict[str, Release]:
    return {each.name: each for each in releases(load_images(), DECLARED)}


def test_every_image_of_ours_is_built_on_what_its_service_declares(ours: dict[str, Release]) -> None:
    declared = {
        str(each["image"]) for each in DECLARED.values() if str(each["image"]).startswith("platform/")
    }
    assert {f"platform/{name}" for name in ours} == declared
    assert {name.partition(":")[0]: each.base for name, each in ours.items()} == {
        "api": "scratch",
        "web": DECLARED["nginx"]["image"],
        "mysql-backup": MYSQL,
    }


@pytest.mark.parametrize("name", ["web", "mysql-backup"])
def test_what_stands_on_an_official_image_takes_nothing_of_the_labs_base(
    ours: dict[str, Release], name: str
) -> None:
    one = chosen([*ours.values()], [name])[0]
    text = (one.image.folder / one.dockerfile).read_text()
    assert re.findall(r"^FROM (\S+)", text, re.M) == ["${BASE}"] * text.count("\nFROM ")
    assert "apt-get" not in text


def test_the_backup_image_has_every_program_that_its_scripts_run() -> None:
    text = (IMAGES / "mysql-backup" / "official.Dockerfile").read_text().replace("\\\n", " ")
    checked = set(re.findall(r"for program in (.*?);", text)[0].split())
    script = "\n".join(
        re.sub(r"^\s*#.*$", "", path.read_text(), flags=re.M) for path in sorted(SCRIPTS.rglob("*.sh"))
    )
    used = {
        name for name in KNOWN if re.search(rf"(?:^|[|;(&!{{]|<\(|then|do|exec)\s*{name}\s", script, re.M)
    }
    assert {"mysqlbinlog", "flock", "jq", "zstd", "awk"} <= used
    assert used - checked == set()


def test_a_service_of_ours_without_a_folder_and_an_unpinned_base_are_faults_together() -> None:
    given = {
        "new": {"image": "platform/new:1"},
        "mysql-backup": {"image": "platform/mysql-backup:9.7"},
        "mysql": {"image": "mysql:9.7.2"},
    }
    with pytest.raises(LabError) as refused:
        releases(load_images(), given)
    assert str(refused.value).splitlines() == [
        "mysql-backup/image.yaml: `stands_on` has to name a service whose image is pinned by digest",
        "services/new/server: no image folder makes platform/new:1; add a lab-image",
    ]


@pytest.mark.parametrize(
    "name",
    [
        "registry.example.com/platform",
        "registry.example.com",
        "localhost:5000/a/b_c",
        "10.0.0.1:5000/p",
        "reg:5000",
    ],
)
def test_a_registry_is_named_by_its_host(name: str) -> None:
    check_registry(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "platform",
        "platform/beta",
        "https://registry.example.com/p",
        "registry.example.com/p/",
        "a.b/P",
        "a.b/p:1",
    ],
)
def test_docker_hub_and_what_is_no_registry_is_refused(name: str) -> None:
    with pytest.raises(LabError, match="PUSH: name your registry"):
        check_registry(name)


class Docker:
    """The client: keeps what it was asked; each pushed image has a digest."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.refuses = ""

    def __call__(self, argv: Sequence[str], *, env: Mapping[str, str] | None = None, **_: object) -> str:
        command = [word for word in argv if word not in ("nice", "bash")]
        self.asked.append(command)
        if self.refuses and self.refuses in command:
            raise LabError(f"docker {command[1]}: exit code 1\ndenied")
        if command[1:3] == ["image", "inspect"]:
            repository = command[-1].rpartition(":")[0]
            return json.dumps(["elsewhere.example.com/x@sha256:" + "e" * 64, f"{repository}@{DIGEST}"])
        return ""

    def verbs(self) -> list[str]:
        return [command[1] for command in self.asked if command[0] == "docker"]


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> Docker:
    fake = Docker()
    monkeypatch.setattr(build, "run", fake)
    monkeypatch.setattr(release, "run", fake)
    monkeypatch.setattr(command_line, "ensure_engine", lambda: None)
    return fake


def test_what_is_pushed_is_told_with_its_digest_as_the_stack_file_takes_it(docker: Docker) -> None:
    done = CliRunner().invoke(command_line.app, ["release", PUSH])
    assert done.exit_code == 0, done.output
    assert docker.verbs() == ["build"] * 3 + ["push", "image"] * 3
    assert f"\n{PUSH}/mysql-backup:9.7@{DIGEST}\n" in done.output
    lines = yaml.safe_load(done.output[done.output.index("config:") :])["config"]["platform-beta:services"]
    assert sorted(lines) == ["mysql-backup", "platform-api", "platform-web"]
    overrides = parse_settings(raw(services=lines)).services
    assert overrides["mysql-backup"].image == f"{PUSH}/mysql-backup:9.7@{DIGEST}"


def test_the_backup_image_is_built_on_the_pinned_official_one(docker: Docker) -> None:
    CliRunner().invoke(command_line.app, ["release", PUSH, "--only", "mysql-backup"])
    command = docker.asked[0]
    assert command[command.index("--build-arg") + 1] == f"BASE={MYSQL}"
    assert command[command.index("--tag") + 1] == f"{PUSH}/mysql-backup:9.7"
    assert Path(command[command.index("--file") + 1]).name == "official.Dockerfile"
    assert "--label" not in command
    assert docker.verbs() == ["build", "push", "image"]


def test_nothing_is_pushed_unless_all_is_built(docker: Docker) -> None:
    docker.refuses = f"BASE={MYSQL}"
    done = CliRunner().invoke(command_line.app, ["release", PUSH])
    assert isinstance(done.exception, LabError)
    assert "push" not in docker.verbs()


def test_a_name_that_is_none_is_refused_before_anything_is_built(docker: Docker) -> None:
    done = CliRunner().invoke(command_line.app, ["release", PUSH, "--only", "mysql"])
    assert "ONLY: no image mysql; there are api, mysql-backup" in str(done.exception)
    assert docker.asked == []


def test_the_lab_still_builds_them_on_its_own_base() -> None:
    own: dict[str, Image] = {image.name: image for image in load_images()}
    assert own["mysql-backup"].file.base == "base-sid"
    assert "apt-get" in (own["mysql-backup"].folder / "Dockerfile").read_text()
