"""Docker Engine of this machine: asked, and started when it isn't running."""

import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from lab.progress import step
from lab.shell import LabError, docker, local_engine, run

START_LIMIT_S = 60


@dataclass(frozen=True)
class EngineFiles:
    """Where the engine keeps what a killed one leaves behind."""

    log: Path = Path("/var/log/dockerd.log")
    pid: Path = Path("/var/run/docker.pid")
    containerd_pid: Path = Path("/var/run/docker/containerd/containerd.pid")
    options: tuple[str, ...] = ()


HOST = EngineFiles()


def answers() -> bool:
    """Tell whether the engine answers within ten seconds."""
    try:
        docker("version", "--format", "{{.Server.Version}}", timeout_s=10)
    except LabError:
        return False
    return True


def ensure_engine(files: EngineFiles = HOST) -> None:
    """Start the engine where needed and wait until it answers. Raises LabError."""
    if shutil.which("docker") is None or shutil.which("dockerd") is None:
        raise LabError(
            "docker: no Docker Engine on this machine; run lab/packages.sh (apt-get install docker.io)"
        )
    if answers():
        return
    with step("Docker Engine of this machine: start"):
        if Path("/run/systemd/system").is_dir():
            run(["systemctl", "start", "docker"])
            _wait(files, None)
        else:
            try:
                _clear_and_start(files)
            except LabError:
                # A containerd that was dying with its engine still held its pid file; by now it is gone.
                _clear_and_start(files)


def _clear_and_start(files: EngineFiles) -> None:
    for pid_file, program in ((files.pid, "dockerd"), (files.containerd_pid, "containerd")):
        clear_stale_pid(pid_file, program)
    _wait(files, _start(files))


def clear_stale_pid(pid_file: Path, program: str) -> bool:
    """Remove a killed engine's pid file; tell whether there was one.

    The engine refuses to start when any process has the recorded number, even one that took it over since.
    """
    try:
        pid = int(pid_file.read_text().strip() or 0)
    except FileNotFoundError:
        return False
    except ValueError:
        pid = 0
    if pid and _program(pid) == program:
        return False
    pid_file.unlink(missing_ok=True)
    return True


def _program(pid: int) -> str:
    """Return the program's name, empty when it has ended, even if nobody has reaped it (State: Z)."""
    try:
        status = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    fields = dict(line.split(":\t", 1) for line in status if ":\t" in line)
    return "" if fields["State"].startswith("Z") else fields["Name"]


def _start(files: EngineFiles) -> "subprocess.Popen[bytes]":
    with files.log.open("ab") as log:
        return subprocess.Popen(
            ["dockerd", *files.options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,  # it outlives this command and its terminal
            env=local_engine(),
        )


def _wait(files: EngineFiles, process: "subprocess.Popen[bytes] | None") -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        if answers():
            return
        if process and process.poll() is not None:
            tail = "\n".join(files.log.read_text(errors="replace").splitlines()[-8:])
            raise LabError(f"dockerd: ended with exit code {process.returncode}; see {files.log}\n{tail}")
        time.sleep(0.3)
    raise LabError(f"dockerd: no answer within {START_LIMIT_S} s; see {files.log}")
