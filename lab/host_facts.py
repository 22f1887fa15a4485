"""What is seen of this machine before anything is installed: effects only, the standard library only."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab.host_rules import HostFacts, Probe, available_memory_mib, bounding_set

CHECKOUT = Path(__file__).resolve().parent.parent
TOOLS = CHECKOUT / ".tools"
LAB_FILTER = "label=platform-beta.lab"
# Daemons' and network commands are in sbin; Go installs itself where no PATH looks.
os.environ["PATH"] = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/local/go/bin"

IN_NAMESPACE = {  # tried in a network namespace that ends with the command
    "VXLAN": (["ip"], "ip link add vxlan-probe type vxlan id 42 dstport 4789"),
    "bridge netfilter": (
        ["ip"],
        "ip link add bridge-probe type bridge && test -e /proc/sys/net/bridge/bridge-nf-call-iptables"
        " || { modprobe br_netfilter && test -e /proc/sys/net/bridge/bridge-nf-call-iptables; }",
    ),
    "iptables NAT": (
        ["iptables"],
        "iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j ACCEPT"
        " && iptables -t nat -A POSTROUTING -j MASQUERADE"
        " && iptables -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    ),
}
# Without Error-Mode the exit code is 0 even when nothing answered.
APT = "apt-get update -qq -o APT::Update::Error-Mode=any -o Acquire::Retries=0 -o Acquire::http::Timeout=10"
REGISTRIES = {
    "pip": f"{sys.executable} -m pip --timeout 10 --retries 0 index versions pulumi",
    "apt": APT,
    "go": "go list -m -versions github.com/pulumi/pulumi/sdk/v3@v3.79.0",
}


def read_facts(told_warm: bool) -> HostFacts:
    """Look at this machine; what takes time runs side by side."""
    with ThreadPoolExecutor(16) as pool:
        images = pool.submit(value, f"docker images -q --filter {LAB_FILTER}")
        running = pool.submit(value, f"docker ps -q --filter {LAB_FILTER}")
        root = os.geteuid() == 0
        kernel = (
            {name: pool.submit(in_namespace, *probe) for name, probe in IN_NAMESPACE.items()} if root else {}
        )
        overlay = pool.submit(overlay_mounts, docker_folder()) if root else None
        build = not (TOOLS / "bin/pulumi").exists() and not shutil.which("pulumi")
        go = value("go version") if build else ""
        warm = told_warm or bool(tools_complete() and images.result())
        registries = (
            {}
            if warm or not root
            else {
                client: pool.submit(registry_answers, client, command)
                for client, command in REGISTRIES.items()
                if client != "go" or (build and go)
            }
        )
        return HostFacts(
            system=platform.system(),
            root=root,
            python=sys.version_info[:2],
            go=go,
            go_needed=build and (bool(go) or not official_pulumi_answers()),
            bounding_set=bounding_set(read("/proc/self/status")),
            kernel={
                **({"overlay file system": overlay.result()} if overlay else {}),
                **{name: probe.result() for name, probe in kernel.items()},
            },
            free_disk_gb=free_disk_gb([CHECKOUT, docker_folder()]),
            available_memory_mib=available_memory_mib(read("/proc/meminfo")),
            lab_running=bool(running.result()),
            warm=warm,
            registries={client: answer.result() for client, answer in registries.items()},
        )


def tools_complete() -> bool:
    """Tell whether lab/toolchain.sh has finished each of its steps once."""
    return all((TOOLS / "stamps" / step).exists() for step in ("venv", "pulumi", "plugins"))


def official_pulumi_answers() -> bool:
    """Tell whether Pulumi can be downloaded, so that Go is not needed."""
    return run("bash", f"{CHECKOUT}/lab/toolchain.sh", "can-download").returncode == 0


def docker_folder() -> Path:
    """Return where Docker Engine keeps or will keep its data, as far as that folder exists."""
    folder = Path(value("docker info --format {{.DockerRootDir}}") or "/var/lib/docker")
    return next(path for path in (folder, *folder.parents) if path.is_dir())


def in_namespace(programs: list[str], script: str) -> Probe:
    """Try a shell script in a network namespace of its own."""
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        return Probe(None, f"{missing[0]} is not installed yet")
    return probed(run("unshare --net sh -c", script))


def overlay_mounts(folder: Path) -> Probe:
    """Mount an overlay in `folder`'s file system, in a mount namespace of its own."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="platform-beta-probe-") as place:
        for name in ("lower", "upper", "work", "merged"):
            Path(place, name).mkdir()
        mount = "mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged"
        return probed(run("unshare --mount sh -c", f"cd '{place}' && {mount}"))


def registry_answers(client: str, command: str) -> Probe:
    """Ask a package client for something small."""
    if client == "pip" and run(f"{sys.executable} -m pip --version").returncode != 0:
        return Probe(None, "this python3 has no pip; the venv brings its own")
    if not shutil.which(command.split()[0]):
        return Probe(False, f"{client} not found")
    return probed(run(command, limit_s=60))


def free_disk_gb(paths: list[Path]) -> dict[str, float]:
    """Return free space in GB by path, of paths on the same file system only the first."""
    by_device = {path.stat().st_dev: path for path in reversed(paths)}
    return {str(path): shutil.disk_usage(path).free / 1e9 for path in by_device.values()}


def run(command: str, *arguments: str, limit_s: float = 20) -> subprocess.CompletedProcess[str]:
    """Run a command; exit code 127: not found, 124: too slow."""
    argv = [*command.split(), *arguments]
    try:
        return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limit_s)
    except OSError as error:
        return subprocess.CompletedProcess(argv, 127, "", str(error))
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(argv, 124, "", f"nothing within {limit_s:.0f} s")


def value(command: str) -> str:
    """Return what a command prints; nothing when it fails."""
    done = run(command)
    return done.stdout.strip() if done.returncode == 0 else ""


def probed(done: subprocess.CompletedProcess[str]) -> Probe:
    """Return a command's outcome with its last words; unknown when it had no namespace to run in."""
    words = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()[-1]
    if words.startswith("unshare: "):
        return Probe(None, words)
    return Probe(done.returncode == 0, words)


def read(path: str) -> str:
    """Return a file's text; nothing when it can't be read, as on other systems."""
    try:
        return Path(path).read_text()
    except OSError:
        return ""
