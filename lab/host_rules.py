"""What a machine must be to hold the lab: pure rules over facts, for any Python from 3.7 on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

PYTHON_NEEDED = (3, 11)
GO_NEEDED = (1, 21)  # the first that fetches the newer Go a module asks for: https://go.dev/doc/toolchain
DISK_COLD_GB, DISK_WARM_GB = 25, 5  # packages, Go's caches, images; later only the nodes' volumes grow
MEMORY_MIB = 12 * 1024  # five nodes with all services take 8 GiB at rest, tests and runs the rest

# Bits of CapBnd that a node cannot do without: what Docker gives any container, and what an engine inside
# one needs. https://man7.org/linux/man-pages/man7/capabilities.7.html
CAPABILITIES = {
    **{"CHOWN": 0, "DAC_OVERRIDE": 1, "FOWNER": 3, "FSETID": 4, "KILL": 5, "SETGID": 6, "SETUID": 7},
    **{"SETPCAP": 8, "NET_BIND_SERVICE": 10, "NET_ADMIN": 12, "NET_RAW": 13, "SYS_CHROOT": 18},
    **{"SYS_ADMIN": 21, "MKNOD": 27, "AUDIT_WRITE": 29, "SETFCAP": 31},
}


@dataclass(frozen=True)
class Probe:
    """Whether something works; `works=None`: it could not be asked, `detail` says why."""

    works: bool | None
    detail: str = ""


@dataclass(frozen=True)
class HostFacts:
    """What was seen of this machine."""

    system: str  # as `uname -s`
    root: bool
    python: tuple[int, int]
    go: str  # what `go version` prints; empty: no go
    go_needed: bool  # Pulumi has to be built
    bounding_set: int  # CapBnd
    kernel: Mapping[str, Probe]  # by what the kernel is to do
    free_disk_gb: Mapping[str, float]  # by path, one per file system
    available_memory_mib: int | None
    lab_running: bool  # a running lab has its memory already
    warm: bool  # tool chain complete, images made
    registries: Mapping[str, Probe]  # by client; empty when nothing is to be fetched


@dataclass(frozen=True)
class Fault:
    """What is wrong where, and what to do about it."""

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.remedy}"


KERNEL_REMEDIES = {
    "overlay file system": "load it (modprobe overlay), or put Docker's data on ext4 or xfs",
    "VXLAN": "load it (modprobe vxlan), or use a kernel that has CONFIG_VXLAN",
    "bridge netfilter": "load it (modprobe br_netfilter), or use a kernel that has CONFIG_BRIDGE_NETFILTER",
    "iptables NAT": "load it (modprobe iptable_nat nf_conntrack xt_addrtype), or use a kernel that has them",
}
REGISTRY_REMEDIES = {
    "pip": "make `pip download pulumi` work: proxy, index in pip.conf",
    "apt": "make `apt-get update` work: proxy, /etc/apt/sources.list",
    "go": "make `go list -m -versions github.com/pulumi/pulumi/sdk/v3` work: proxy, GOPROXY",
}


def faults(facts: HostFacts) -> list[Fault]:
    """Return all that keeps this machine from holding the lab."""
    if facts.system != "Linux":
        return [Fault("host", f"is {facts.system}", "the lab needs Linux, made for Debian 12")]
    return [*_programs(facts), *_kernel(facts), *_room(facts), *_registries(facts)]


def unknowns(facts: HostFacts) -> list[str]:
    """Return what could not be asked: no fault, but not known to work either."""
    probes = {**facts.kernel, **facts.registries}
    found = [f"{name}: {probe.detail}" for name, probe in probes.items() if probe.works is None]
    return found if facts.available_memory_mib is not None else [*found, "memory: /proc/meminfo unreadable"]


def _programs(facts: HostFacts) -> Iterator[Fault]:
    if not facts.root:
        yield Fault("user", "not root, the lab makes containers and networks", "run as root")
    if facts.python < PYTHON_NEEDED:
        yield Fault(
            "python3", f"{_dotted(facts.python)} is older than {_dotted(PYTHON_NEEDED)}", "install newer"
        )
    if facts.go_needed and not facts.go:
        yield Fault("go", "not found, Pulumi has to be built", f"install Go {_dotted(GO_NEEDED)} or newer")
    elif facts.go_needed and go_version(facts.go) < GO_NEEDED:
        yield Fault("go", f"{facts.go} is too old", f"install Go {_dotted(GO_NEEDED)} or newer")


def _kernel(facts: HostFacts) -> Iterator[Fault]:
    missing = [name for name, bit in CAPABILITIES.items() if not facts.bounding_set >> bit & 1]
    if missing:
        what = f"root here lacks {', '.join(missing)}"
        yield Fault("capabilities", what, "use a virtual machine, or start this container with them")
    for name, probe in facts.kernel.items():
        if probe.works is False:
            yield Fault("kernel", f"{name} does not work ({probe.detail})", KERNEL_REMEDIES[name])


def _room(facts: HostFacts) -> Iterator[Fault]:
    needed_gb = DISK_WARM_GB if facts.warm else DISK_COLD_GB
    for path, free_gb in facts.free_disk_gb.items():
        if free_gb < needed_gb:
            what = f"{free_gb:.1f} GB free, {needed_gb} needed"
            yield Fault(f"disk {path}", what, "free some, or make it larger")
    available = facts.available_memory_mib
    if available is not None and available < MEMORY_MIB and not facts.lab_running:
        what = f"{available} MiB available, {MEMORY_MIB} needed"
        yield Fault("memory", what, "stop what uses it (ps aux --sort -rss), or use a larger machine")


def _registries(facts: HostFacts) -> Iterator[Fault]:
    for client, probe in facts.registries.items():
        if probe.works is False:
            yield Fault(f"packages by {client}", f"no answer ({probe.detail})", REGISTRY_REMEDIES[client])


def go_version(text: str) -> tuple[int, int]:
    """Return (major, minor) out of what `go version` prints; (0, 0) when it says something else."""
    match = re.search(r"\bgo(\d+)\.(\d+)", text)
    return (int(match.group(1)), int(match.group(2))) if match else (0, 0)


def bounding_set(status: str) -> int:
    """Return CapBnd of a /proc/<pid>/status as a number; 0 without such a line."""
    match = re.search(r"^CapBnd:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return int(match.group(1), 16) if match else 0


def available_memory_mib(meminfo: str) -> int | None:
    """Return MemAvailable of /proc/meminfo in MiB; None without such a line."""
    match = re.search(r"^MemAvailable:\s*(\d+) kB$", meminfo, re.MULTILINE)
    return int(match.group(1)) // 1024 if match else None


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
