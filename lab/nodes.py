"""The node containers: machines with systemd and sshd, made without --privileged."""

import time
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lab.apt import Apt, archive, files_for
from lab.folder import Folder
from lab.model import NODE_MEMORY_MIB, Lab, Node
from lab.progress import say
from lab.shell import LabError, docker, exists, run

READY_LIMIT_S = 120
HOST_KEY = "/etc/ssh/ssh_host_ed25519_key"
# Bits of CapBnd. https://man7.org/linux/man-pages/man7/capabilities.7.html
# PERFMON, BPF and CHECKPOINT_RESTORE (38-40) are left out: Debian 12's engine doesn't know them.
CAPABILITIES = """
CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT
SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE
AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ
"""


def capabilities(status: str) -> list[str]:
    """Return the names of the capabilities in the bounding set of a /proc/<pid>/status."""
    line = next(line for line in status.splitlines() if line.startswith("CapBnd:"))
    bounding = int(line.split()[1], 16)
    return [name for bit, name in enumerate(CAPABILITIES.split()) if bounding >> bit & 1]


def node_command(lab: Lab, node: Node, image: str, held: list[str]) -> list[str]:
    """Return the docker arguments that make a node's container, under a name for unfinished ones.

    All capabilities that the host has, not --privileged, which asks for ones that it may lack. Unmasked
    /proc and /sys, cgroups of its own and every device are what an engine inside needs.
    """
    name = lab.container(node)
    limit = ["--env", f"DOCKER_MIN_API_VERSION={node.min_api_version}"] if node.min_api_version else []
    return [
        *("create", "--name", f"{name}.new", "--hostname", node.name, "--label", lab.label),
        *("--network", lab.network, "--ip", str(lab.address(node))),
        *limit,
        *(f"--cap-add={capability}" for capability in held),
        *(
            "--cgroupns=private",
            "--security-opt",
            "seccomp=unconfined",
            "--security-opt",
            "apparmor=unconfined",
        ),
        *("--security-opt", "systempaths=unconfined", "--device-cgroup-rule", "a *:* rwm"),
        *("--tmpfs", "/run", "--tmpfs", "/tmp:exec", "--volume", f"{name}:/var/lib/docker"),
        *(*memory_limit(), "--stop-timeout", "30", image),
    ]


def memory_limit() -> tuple[str, ...]:
    """Return the arguments that limit a node's memory; none of it is swapped."""
    return "--memory", f"{NODE_MEMORY_MIB}m", "--memory-swap", f"{NODE_MEMORY_MIB}m"


def ensure_node(lab: Lab, node: Node, image: str, folder: Folder, apt: Apt) -> None:
    """Make the node's container where it is missing, and start it. Raises LabError.

    Its volume outlives a container that somebody removed: the machine is new, its data disk is not.
    """
    name = lab.container(node)
    if not exists("container", name):
        _create(lab, node, image, folder, apt)
    elif docker("container", "inspect", "--format", "{{.Config.Image}}", name).strip() != image:
        say(f"{node.name}: made from an older node image, kept; make lab-down, then lab-up renews it")
    docker("update", *memory_limit(), name)
    docker("start", name)


def _create(lab: Lab, node: Node, image: str, folder: Folder, apt: Apt) -> None:
    """Make the container. It gets its name last: one that was interrupted half-made is made anew."""
    name = lab.container(node)
    docker("volume", "create", "--label", lab.label, name)
    if exists("container", f"{name}.new"):
        docker("rm", f"{name}.new")
    docker(*node_command(lab, node, image, capabilities(Path("/proc/self/status").read_text())))
    files = {
        **files_for(apt, "trixie"),
        **host_key_pair(),
        "/root/.ssh/authorized_keys": folder.key.with_suffix(".pub").read_bytes(),
    }
    docker("cp", "-", f"{name}.new:/", stdin=archive(files, private=frozenset({HOST_KEY})))
    docker("rename", f"{name}.new", name)


def host_key_pair() -> dict[str, bytes]:
    """Return a new ed25519 host key as files of a node; it exists on no disk of the host."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return {HOST_KEY: private, f"{HOST_KEY}.pub": public + b"\n"}


def read_host_key(lab: Lab, node: Node) -> str:
    """Return the node's public host key as `ssh-ed25519 AAAA…`. Raises LabError."""
    line = docker("exec", lab.container(node), "cat", f"{HOST_KEY}.pub").split()
    return " ".join(line[:2])


def ssh_command(folder: Folder, address: str, command: str) -> list[str]:
    """Return the ssh command line of a node's root, host key checked."""
    return [
        *("ssh", "-i", str(folder.key), "-o", f"UserKnownHostsFile={folder.known_hosts}"),
        *("-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "-o", "ConnectTimeout=3"),
        *("-o", "IdentitiesOnly=yes", f"root@{address}", command),
    ]


def wait_ready(lab: Lab, node: Node, folder: Folder) -> None:
    """Wait until systemd has come up and sshd lets us in. Raises LabError with the last state seen."""
    deadline = time.monotonic() + READY_LIMIT_S
    seen = "nothing"
    while time.monotonic() < deadline:
        try:
            # A degraded system is up too: a unit that failed is the program's or the operator's matter.
            question = "systemctl is-system-running --wait || true"
            seen = run(ssh_command(folder, str(lab.address(node)), question), timeout_s=30).strip()
        except LabError as fault:
            seen = str(fault).splitlines()[-1]
        if seen in {"running", "degraded"}:
            return
        time.sleep(0.3)
    name = lab.container(node)
    raise LabError(f"{node.name}: not up within {READY_LIMIT_S} s ({seen}); see `docker logs {name}`")
