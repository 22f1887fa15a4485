"""lab/toolchain.sh in a copy of its files, with fakes of all that downloads, builds or installs on PATH."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("pulumi", "pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python")
REAL = (
    *("bash", "sh", "cat", "cut", "sed", "sha256sum", "flock", "mkdir", "rm", "cp", "mv", "ln", "readlink"),
    *("dirname", "sort", "head", "tail", "grep", "tar", "gzip", "install", "nice", "timeout", "uname"),
    *("chmod", "tr", "env"),
)

# `plugin install resource NAME VERSION [--file FILE]` needs a file, as where no download answers.
PULUMI = """#!/bin/sh
echo "pulumi $*" >>"$CALLS"
[ "$1" = version ] && echo "v%s" && exit
[ "$6" = --file ] || exit 1
folder="$PULUMI_HOME/plugins/resource-$4-v$5"
mkdir -p "$folder" && cp "$7" "$folder/pulumi-resource-$4"
"""
PYTHON = """#!/bin/sh
echo "python3 $*" >>"$CALLS"
[ "$1 $2" = "-m venv" ] || exit 0
mkdir -p "$4/bin" && printf '#!/bin/sh\\necho "$PYTHONPATH $*"\\n' >"$4/bin/python"
chmod 755 "$4/bin/python"
"""
GO = """#!/bin/sh
echo "go $*" >>"$CALLS"
[ "$3" = list ] && echo "$SDK" && exit
while [ "$1" != -o ]; do shift; done
cp "$BUILT" "$2"
"""
CURL = """#!/bin/sh
echo "curl $*" >>"$CALLS"
[ -f "$ARCHIVE" ] || exit 6
while [ "$1" != --output ]; do shift; done
[ "$2" = /dev/null ] || cp "$ARCHIVE" "$2"
"""


@dataclass
class Machine:
    """A machine in a folder: its checkout, its home and the programs on its PATH."""

    folder: Path
    place: str = "check out"

    @property
    def checkout(self) -> Path:
        return self.folder / self.place

    @property
    def tools(self) -> Path:
        return self.checkout / ".tools"

    def program(self, path: str, text: str) -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)
        return file

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        (self.folder / "calls").write_text("")
        given = {
            "PATH": f"{self.folder}/programs",
            "HOME": f"{self.folder}/home",
            "CALLS": f"{self.folder}/calls",
            "BUILT": f"{self.folder}/built",
            "SDK": f"{self.folder}/sdk",
            "ARCHIVE": f"{self.folder}/archive.tar.gz",
        }
        return subprocess.run(
            [f"{self.checkout}/lab/toolchain.sh", *arguments],
            env=given | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def calls(self) -> str:
        return (self.folder / "calls").read_text()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    shutil.copytree(ROOT / "lab/toolchain", made.checkout / "lab/toolchain")
    shutil.copy(ROOT / "lab/toolchain.sh", made.checkout / "lab/toolchain.sh")
    shutil.copy(ROOT / "requirements.txt", made.checkout / "requirements.txt")
    (tmp_path / "home").mkdir()
    (tmp_path / "programs").mkdir()
    for name in REAL:
        (tmp_path / "programs" / name).symlink_to(shutil.which(name) or f"/no/{name}")
    for name, text in {"python3": PYTHON, "go": GO, "curl": CURL}.items():
        made.program(f"programs/{name}", text)
    made.program("built", PULUMI % pinned("pulumi"))
    for part in ("cmd/pulumi-language-python-exec", "dist/pulumi-resource-pulumi-python"):
        made.program(f"sdk/python/{part}", "#!/bin/sh\n")
    return made


def pinned(name: str) -> str:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return next(line for line in lines if line.startswith(f"{name}==")).split("==")[1]


def install_pulumi(machine: Machine, version: str, parts: tuple[str, ...] = PARTS) -> None:
    for part in parts:
        machine.program(f"opt/pulumi/{part}", PULUMI % version)
    (machine.folder / "programs/pulumi").symlink_to(machine.folder / "opt/pulumi/pulumi")


def archive(machine: Machine, names: tuple[str, ...]) -> None:
    with tarfile.open(machine.folder / "archive.tar.gz", "w:gz") as tar:
        for name in names:
            content = (PULUMI % pinned("pulumi")).encode()
            entry = tarfile.TarInfo(f"pulumi/{name}")
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))


def test_without_pulumi_and_download_it_is_built_from_the_committed_modules(machine: Machine) -> None:
    done = machine.run("tools")
    assert done.returncode == 0, done.stderr
    builds = [line for line in machine.calls().splitlines() if line.startswith("go ") and " build " in line]
    assert len(builds) == 2
    assert all("-mod=readonly" in line for line in builds)
    assert all(os.access(machine.tools / "bin" / part, os.X_OK) for part in PARTS)
    assert "offline plugins" in done.stderr


@pytest.mark.parametrize("version", ["", "3.9999.0"])
def test_an_installed_pulumi_that_is_new_enough_is_used(machine: Machine, version: str) -> None:
    install_pulumi(machine, version or pinned("pulumi"))
    assert machine.run("tools").returncode == 0
    assert (machine.tools / "bin/pulumi").readlink() == machine.folder / "opt/pulumi/pulumi"
    assert "go " not in machine.calls()


@pytest.mark.parametrize(
    ("version", "parts", "why"),
    [
        ("3.99.0", PARTS, "or newer is needed"),
        ("4.0.0", PARTS, "is 4.0.0"),
        ("3.9999.0", PARTS[:1], "language host"),
    ],
)
def test_an_installed_pulumi_that_does_not_fit_is_passed_over(
    machine: Machine, version: str, parts: tuple[str, ...], why: str
) -> None:
    install_pulumi(machine, version, parts)
    done = machine.run("tools")
    assert done.returncode == 0
    assert why in done.stderr
    assert not (machine.tools / "bin/pulumi").is_symlink()


def test_the_official_download_is_used_when_it_answers(machine: Machine) -> None:
    archive(machine, PARTS)
    done = machine.run("tools")
    assert done.returncode == 0, done.stderr
    assert "downloaded" in done.stderr
    assert "go " not in machine.calls()


def test_a_download_that_lacks_a_part_is_replaced_by_a_build(machine: Machine) -> None:
    archive(machine, PARTS[:2])
    assert machine.run("tools").returncode == 0
    assert "go " in machine.calls()


def test_a_failed_build_is_told_with_a_remedy_and_leaves_no_pulumi(machine: Machine) -> None:
    machine.program("programs/go", "#!/bin/sh\necho 'no module'; exit 1\n")
    done = machine.run("tools")
    assert done.returncode != 0
    assert "no module" in done.stderr
    assert "check that" in done.stderr
    assert not (machine.tools / "bin/pulumi").exists()


def test_when_another_step_fails_the_build_ends_too(machine: Machine) -> None:
    pid = machine.folder / "go.pid"
    machine.program(
        "programs/go", f"#!/bin/sh\necho $$ >{pid}.new && mv {pid}.new {pid}\nwhile :; do :; done\n"
    )
    machine.program("programs/python3", f"#!/bin/sh\nuntil [ -f {pid} ]; do :; done; exit 1\n")
    assert machine.run("tools").returncode != 0
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid.read_text().strip()}").exists():
        assert time.monotonic() < deadline, "go still runs"
        time.sleep(0.05)


def test_requirements_and_go_module_must_agree(machine: Machine) -> None:
    requirements = machine.checkout / "requirements.txt"
    requirements.write_text(requirements.read_text().replace(f"pulumi=={pinned('pulumi')}", "pulumi==3.1.0"))
    done = machine.run("tools")
    assert done.returncode != 0
    assert "make them agree" in done.stderr


def test_a_second_run_only_asks_for_the_version(machine: Machine) -> None:
    assert machine.run("tools").returncode == 0
    assert machine.run("tools").returncode == 0
    assert machine.calls() == "pulumi version\n"


def test_a_moved_checkout_gets_its_own_venv_and_plugins(machine: Machine) -> None:
    assert machine.run("tools").returncode == 0
    machine.place = str(machine.checkout.rename(machine.folder / "elsewhere").name)
    done = machine.run("tools")
    assert done.returncode == 0, done.stderr
    assert "-m venv" in machine.calls()
    assert str(machine.tools / "venv/bin/python") in wrapper(machine, "command").read_text()


def test_the_tools_of_another_checkout_are_not_taken_for_installed_ones(machine: Machine) -> None:
    for part in PARTS:
        machine.program(f"other/.tools/bin/{part}", PULUMI % pinned("pulumi"))
    done = machine.run("tools", PATH=f"{machine.folder}/other/.tools/bin:{machine.folder}/programs")
    assert done.returncode == 0, done.stderr
    assert not (machine.tools / "bin/pulumi").is_symlink()


def wrapper(machine: Machine, name: str) -> Path:
    folder = f"pulumi-home/plugins/resource-{name}-v{pinned('pulumi-' + name)}"
    return machine.tools / folder / f"pulumi-resource-{name}"


def test_an_offline_plugin_runs_the_module_of_its_checkout(machine: Machine) -> None:
    assert machine.run("tools").returncode == 0
    for name in ("command", "docker"):
        done = subprocess.run(
            [wrapper(machine, name), "127.0.0.1:1"], capture_output=True, text=True, check=True
        )
        assert done.stdout == f"{machine.checkout} -P -m lab.plugins.{name} 127.0.0.1:1\n"


def official_plugins(machine: Machine, text: str) -> None:
    for name in ("command", "docker"):
        folder = f"home/.pulumi/plugins/resource-{name}-v{pinned('pulumi-' + name)}"
        machine.program(f"{folder}/pulumi-resource-{name}", text)


def test_official_plugins_of_the_operator_are_preferred(machine: Machine) -> None:
    official_plugins(machine, "\x7fELF")
    assert "official plugins" in machine.run("tools").stderr
    assert wrapper(machine, "command").read_text() == "\x7fELF"


def test_a_script_is_not_taken_for_an_official_plugin(machine: Machine) -> None:
    official_plugins(machine, "#!/bin/sh\n")
    assert "offline plugins" in machine.run("tools").stderr


def test_one_kind_of_plugins_can_be_insisted_on(machine: Machine) -> None:
    assert "no official plugins" in machine.run("tools", PLUGINS="official").stderr
    official_plugins(machine, "\x7fELF")
    assert machine.run("tools", PLUGINS="offline").stderr.endswith("offline plugins\n")
    assert machine.run("tools").stderr.endswith("offline plugins\n"), "kept until asked otherwise"
    assert machine.run("tools", PLUGINS="official").stderr.endswith("official plugins\n")
    assert machine.run("tools").stderr.endswith("offline plugins\n"), "each kind has a home of its own"
    assert "not known" in machine.run("tools", PLUGINS="both").stderr


def test_official_plugins_come_from_the_folder_that_is_named(machine: Machine) -> None:
    install = 'for name in command docker; do mkdir -p "$1/plugins/resource-$name-vX"; done'
    machine.program("given/install", f"#!/bin/bash\n{install}\n")
    given = {"PLUGINS": "official", "OFFICIAL_PLUGINS": f"{machine.folder}/given"}
    done = machine.run("tools", **given)
    assert done.stderr.endswith("official plugins\n")
    seen = environment(machine, "lab", **given)
    assert seen["PULUMI_HOME"] == f"{machine.tools}/pulumi-home-official"
    assert sorted(file.name for file in Path(seen["PULUMI_HOME"], "plugins").iterdir()) == [
        "resource-command-vX",
        "resource-docker-vX",
    ]


def environment(machine: Machine, stack: str, **given: str) -> dict[str, str]:
    printed = machine.run("env", stack, **given)
    assert printed.returncode == 0, printed.stderr
    done = subprocess.run(
        ["bash", "-c", 'eval "$1"; exec env -0', "-", printed.stdout],
        env={"PATH": os.environ["PATH"]} | given,
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(item.split("=", 1) for item in done.stdout.split("\0") if item)


def test_the_labs_environment_has_its_own_state_and_passphrase(machine: Machine) -> None:
    assert machine.run("tools").returncode == 0
    seen = environment(machine, "lab", PULUMI_CONFIG_PASSPHRASE="operator's", PULUMI_BACKEND_URL="s3://x")
    assert seen["PULUMI_STACK"] == "lab"
    assert seen["PULUMI_BACKEND_URL"] == f"file://{machine.checkout}/.lab/state"
    assert seen["PULUMI_CONFIG_PASSPHRASE_FILE"] == f"{machine.checkout}/.lab/passphrase"
    assert "PULUMI_CONFIG_PASSPHRASE" not in seen
    assert seen["PATH"].startswith(
        f"{machine.checkout}/ops/bin:{machine.tools}/venv/bin:{machine.tools}/bin:"
    )


def test_another_stacks_state_and_passphrase_are_the_operators(machine: Machine) -> None:
    assert machine.run("tools").returncode == 0
    seen = environment(machine, "beta", PULUMI_BACKEND_URL="s3://x", PULUMI_CONFIG_PASSPHRASE="operator's")
    assert (seen["PULUMI_STACK"], seen["PULUMI_BACKEND_URL"]) == ("beta", "s3://x")
    assert seen["PULUMI_CONFIG_PASSPHRASE"] == "operator's"


def test_nothing_of_the_lab_stays_in_a_shell_that_turns_to_another_stack(machine: Machine) -> None:
    assert machine.run("tools").returncode == 0
    programs = f"{machine.folder}/programs"
    lab = environment(machine, "lab", PATH=programs)
    kept = {name: lab[name] for name in ("PATH", "PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE_FILE")}
    beta = environment(machine, "beta", **kept)
    assert "PULUMI_BACKEND_URL" not in beta
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" not in beta
    assert beta["PATH"] == lab["PATH"], "the tools come first once"


def test_before_the_tool_chain_is_there_env_says_what_to_do(machine: Machine) -> None:
    done = machine.run("env")
    assert done.returncode == 1
    assert "make toolchain" in done.stderr
    assert done.stdout == ""
