"""How this machine gets its Debian packages, so that images and nodes get theirs the same way."""

import io
import os
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab.shell import LabError, run

LOCAL_CERTIFICATES = Path("/usr/local/share/ca-certificates")
BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
# Proxies, and tolerance for a mirror that is a snapshot. man 5 apt.conf
KEPT_OPTIONS = re.compile(
    r"^Acquire::(https?::\S*Proxy\S*|Check-Valid-Until|Check-Date|Retries) \"[^\"]+\";$"
)


@dataclass(frozen=True)
class Apt:
    """The host's way to its packages."""

    mirror: str
    security: str | None
    options: tuple[str, ...] = ()
    """Lines of apt.conf."""
    certificates: Mapping[str, bytes] = field(default_factory=dict)
    """Absolute path to content: certificates of authorities that this machine trusts."""


def parse_targets(listing: str) -> tuple[str, str | None]:
    """Return (mirror, security mirror or None) from lines of `<uri> <release>`. Raises LookupError."""
    pairs = [(line.split()[0].rstrip("/"), line.split()[1]) for line in listing.splitlines() if line.strip()]
    security = [
        uri for uri, release in pairs if release.endswith("-security") or release.endswith("/updates")
    ]
    mirror = [uri for uri, release in pairs if f"{release}-updates" in {other for _, other in pairs}]
    plain = [
        uri
        for uri, release in pairs
        if release in {"bookworm", "trixie", "sid", "stable", "testing", "unstable"}
    ]
    if not (mirror or plain):
        raise LookupError("no Debian suite in apt's sources")
    return (mirror or plain)[0], security[0] if security else None


def read_host() -> Apt:
    """Read the host's apt configuration. Raises LabError."""
    listing = run(
        [
            "apt-get",
            "indextargets",
            "--format",
            "$(REPO_URI) $(RELEASE)",
            "Created-By: Packages",
            "Component: main",
        ]
    )
    try:
        mirror, security = parse_targets(listing)
    except LookupError as fault:
        raise LabError(
            f"/etc/apt: {fault}; add Debian's main component to the sources of this machine"
        ) from fault
    dump = run(["apt-config", "dump"]).splitlines()
    options = [line for line in dump if KEPT_OPTIONS.match(line)]
    for scheme in ("http", "https"):
        if proxy := os.environ.get(f"{scheme}_proxy"):
            options.append(f'Acquire::{scheme}::Proxy "{proxy}";')
    files = [*sorted(LOCAL_CERTIFICATES.glob("*.crt")), *([BUNDLE] if BUNDLE.exists() else [])]
    return Apt(mirror, security, tuple(options), {str(file): file.read_bytes() for file in files})


def files_for(apt: Apt, suite: str) -> dict[str, bytes]:
    """Return the files (absolute path to content) that give a root of that suite the host's packages."""
    sources = [f"deb {apt.mirror} {suite} main"]
    if suite != "sid":
        sources.append(f"deb {apt.mirror} {suite}-updates main")
        if apt.security:
            sources.append(f"deb {apt.security} {suite}-security main")
    options = ['Acquire::Retries "3";', *apt.options]
    return {
        "/etc/apt/sources.list": ("\n".join(sources) + "\n").encode(),
        "/etc/apt/apt.conf.d/90-lab": ("\n".join(options) + "\n").encode(),
        **apt.certificates,
    }


def archive(files: Mapping[str, bytes], *, private: frozenset[str] = frozenset()) -> bytes:
    """Return a tar of absolute paths; those in `private` are readable by root alone."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, content in files.items():
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size, entry.mode = len(content), 0o600 if path in private else 0o644
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
