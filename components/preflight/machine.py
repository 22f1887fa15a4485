"""What one machine must be and have. The minimums are the manual's (settings.Preflight)."""

from __future__ import annotations

from collections.abc import Iterator

from components.errors import Fault
from components.observe import NodeFacts
from components.preflight.versions import numbers, older
from components.settings import Node, Preflight, Settings

#: Of what was bought, firmware, crash kernel, partition table and file system keep up to a tenth:
#: a machine of 16 GiB shows some 15.6.
SHOWN = 0.9
MANAGERS_OF_PACKAGES = frozenset({"apt-get", "dnf", "yum"})


def machine_faults(settings: Settings, node: Node, seen: NodeFacts) -> Iterator[Fault]:
    """Faults of one machine, each at `nodes/<name>`."""
    rules = settings.preflight
    said = [
        *_os(rules, seen),
        *_size(rules, seen),
        *_disk(rules, seen),
        *_engine(rules, seen),
        *_name(node, seen),
        *_tools(settings, seen),
        *_kernel(settings, seen),
    ]
    return (Fault(f"nodes/{node.name}", fault, remedy) for fault, remedy in said)


Said = Iterator[tuple[str, str]]


def _os(rules: Preflight, seen: NodeFacts) -> Said:
    if not rules.operating_systems or seen.os_id is None:
        return
    name = seen.os_name or f"{seen.os_id} {seen.os_version or ''}".strip()
    oldest = rules.operating_systems.get(seen.os_id)
    if oldest is None:
        known = ", ".join(sorted(rules.operating_systems))
        yield (
            f"runs {name}, which is none of {known}",
            "install one of them, or add it to preflight.operating_systems",
        )
    elif seen.os_version is not None and older(seen.os_version, oldest):
        yield (
            f"runs {name}, older than {seen.os_id} {oldest}",
            "upgrade it, or lower preflight.operating_systems",
        )


def _size(rules: Preflight, seen: NodeFacts) -> Said:
    if seen.cores is not None and seen.cores < rules.cores:
        yield f"has {seen.cores} cores of {rules.cores} asked for", "give it more, or lower preflight.cores"
    if seen.memory_mib is not None and seen.memory_mib < rules.memory_mib * SHOWN:
        fault = f"has {seen.memory_mib} MiB of memory of {rules.memory_mib} asked for"
        yield fault, "give it more, or lower preflight.memory_mib"


def _disk(rules: Preflight, seen: NodeFacts) -> Said:
    """Free space on a fresh machine; else all of the file system, filled with the services' data or not."""
    fresh = seen.engine == "absent"
    size = seen.disk_free_mib if fresh else seen.disk_total_mib
    if size is not None and size < rules.disk_gib * 1024 * SHOWN:
        what = "free below /var/lib/docker" if fresh else "below Docker's data"
        fault = f"has {size // 1024} GiB of disk {what} of {rules.disk_gib} asked for"
        yield fault, "give it more, or lower preflight.disk_gib"


def _engine(rules: Preflight, seen: NodeFacts) -> Said:
    oldest, version = rules.engine_version, seen.engine_version
    if oldest and version and older(version, oldest):
        remedy = "remove it and set engine.source to docker, or lower preflight.engine_version"
        yield f"Docker Engine {version} is older than {oldest}", remedy


def _name(node: Node, seen: NodeFacts) -> Said:
    """The swarm knows a node by the host's own name."""
    if seen.hostname is not None and seen.hostname != node.name:
        rename = f"run 'hostnamectl set-hostname {node.name}' on it and restart docker"
        remedy = f"{rename}, or name the node {seen.hostname}"
        yield f"the host calls itself {seen.hostname}", remedy


def _tools(settings: Settings, seen: NodeFacts) -> Said:
    if seen.systemd is False:
        yield "is not run by systemd", "use a host that systemd starts"
    for user in sorted(seen.missing_users or ()):
        yield f"has no user {user}", "make the user, or take the name from engine.operators"
    if seen.tools is None:
        return
    installs = seen.engine == "absent" and seen.tools & MANAGERS_OF_PACKAGES
    if seen.engine == "absent" and not installs:
        yield "has no Docker Engine, and no apt-get, dnf or yum to install it", "install Docker Engine on it"
    if settings.firewall.enabled and not seen.tools & {"nft", "iptables"} and not installs:
        yield "has neither nft nor iptables", "install nftables on it, or set firewall.enabled to false"


def _kernel(settings: Settings, seen: NodeFacts) -> Said:
    if "kernel" in settings.preflight.skip:
        return
    needs = {
        "overlay": ("the overlay file system, which images need", "use another kernel"),
        "vxlan": ("VXLAN, which the network needs", "use another kernel"),
    }
    if settings.network.encrypted:
        remedy = "set network.encrypted to false, or use another kernel"
        needs["esp4"] = ("ESP, which the encrypted network needs", remedy)
    for feature, (what, remedy) in needs.items():
        if seen.features.get(feature) == "absent":
            yield f"its kernel ({seen.kernel or 'unknown'}) lacks {what}", remedy


def version_known(seen: NodeFacts) -> bool:
    """Whether the age of the operating system can be told: testing releases have no number."""
    return seen.os_id is not None and bool(numbers(seen.os_version or ""))
