"""Kinds of text and numbers that a user writes, each with what to say to one who got it wrong."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError


def refused(fault: str, remedy: str) -> PydanticCustomError:
    """An error with its own remedy. Neither text may hold what was refused: it could be a secret."""
    return PydanticCustomError("refused", "{fault}", {"fault": fault, "remedy": remedy})


def matching(pattern: str, fault: str, remedy: str) -> AfterValidator:
    """Text that matches the whole pattern, or `fault` and `remedy`."""
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise refused(fault, remedy)
        return text

    return AfterValidator(check)


def _image(text: str) -> str:
    """repository[:tag][@digest] of the OCI distribution specification, a tag or digest required.

    https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
    """
    if re.search(r"\s", text):
        raise refused("an image reference holds no blanks", "remove the blank")
    found = re.fullmatch(
        r"([a-zA-Z0-9.-]+(:[0-9]+)?/)?(?P<path>[a-zA-Z0-9]+([._/-]+[a-zA-Z0-9]+)*)"
        r"(:(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(@(?P<digest>sha256:[a-f0-9]{64}))?",
        text,
    )
    if not found:
        raise refused("is not an image reference", "write it as [registry/]repository:tag[@sha256:…]")
    if found["path"] != found["path"].lower():
        raise refused("an image's repository has no capital letters", "write it in lower case")
    if not found["tag"] and not found["digest"]:
        raise refused("an image without a tag is whatever was pushed last", "add a tag, or a digest")
    if found["tag"] == "latest" and not found["digest"]:
        raise refused("the tag latest is whatever was pushed last", "name a version, or add a digest")
    return text


def _address(address: IPv4Address) -> IPv4Address:
    if address.is_loopback or address.is_multicast or address.is_reserved or address.packed[0] == 0:
        raise refused("is not an address at which others reach a machine", "write the machine's own address")
    return address


def _written(value: Any) -> Any:
    """Numbers and truth values would be taken for addresses: `true` for 0.0.0.1."""
    if isinstance(value, int | float | bytes):
        raise refused("is not text", "write an address such as 192.0.2.11, or a network such as 10.20.0.0/20")
    return value


def _mount_path(path: PurePosixPath) -> PurePosixPath:
    if not path.is_absolute():
        raise refused("a path inside a container starts with /", "write it in full")
    if ".." in path.parts or len(path.parts) < 2 or not str(path).isprintable():
        raise refused("nothing can be mounted there", "name a file or folder below /")
    return path


#: https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4
SHORT_LABELS = matching(
    r"[^.]{0,63}(\.[^.]{0,63})*",
    "has more than 63 characters between two dots, which DNS refuses",
    "shorten that part",
)
Name = Annotated[
    str,
    matching(
        r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
        "is not a name",
        "use up to 63 lower-case letters, digits and inner hyphens, such as node-1",
    ),
]
#: Docker's own networks, and Swarm's two.
#: https://github.com/moby/moby/blob/master/daemon/network/network_mode_unix.go (isPreDefined)
NetworkName = Annotated[
    Name,
    matching(
        r"(?!(default|bridge|host|none|ingress|docker_gwbridge)$).*",
        "is a name that Docker keeps for itself",
        "choose another, such as platform-beta",
    ),
]
Label = Annotated[
    str,
    matching(
        r"[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?",
        "is not a label",
        "use up to 63 letters, digits and inner . _ / -",
    ),
]
LabelValue = Annotated[
    str,
    matching(r"[A-Za-z0-9._/-]{1,63}", "is not a label's value", "use 1 to 63 letters, digits and . _ / -"),
]
UserName = Annotated[
    str,
    matching(
        r"[a-z_][a-z0-9_-]{0,31}",
        "is not a user's name",
        "use lower-case letters, digits, _ and -, a letter first",
    ),
]
Host = Annotated[
    str,
    matching(
        r"[A-Za-z0-9]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?",
        "is not a host name or address",
        "write the host alone, without user and port",
    ),
    SHORT_LABELS,
]
#: RSA is left out: the plugin's client would ask for SHA-1 signatures, which sshd refuses today.
HostKey = Annotated[
    str,
    matching(
        r"(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/=]+( [^\r\n]*)?",
        "is not a public host key of type ed25519 or ecdsa",
        "write what ssh-keyscan -t ed25519 <address> prints after the address",
    ),
]
Domain = Annotated[
    str,
    matching(
        r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*",
        "is not a domain name",
        "write it in lower case without scheme and path, such as beta.example.com",
    ),
    SHORT_LABELS,
    # The edge's certificate has it as its common name: https://www.rfc-editor.org/rfc/rfc5280#appendix-A.1
    matching(
        r".{1,64}", "is longer than 64 characters, the most a certificate can name", "use a shorter name"
    ),
]
#: What dockerd takes: https://github.com/moby/moby/blob/master/daemon/pkg/registry/config.go (ValidateMirror)
Mirror = Annotated[
    str,
    matching(r"https?://[^\s/?#@]+(/[^\s?#]*)?", "is not a mirror's URL", "write it as https://host[:port]"),
]
Registry = Annotated[
    str,
    matching(
        r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5}|/[0-9]{1,2})?",
        "is not a registry's host:port",
        "write host:port, without scheme and path",
    ),
    SHORT_LABELS,
]
BaseUrl = Annotated[
    str,
    matching(
        r"https://[^\s]+[^/\s]", "is not a base URL", "write https://…, without blanks and / at its end"
    ),
]
Version = Annotated[
    str,
    matching(
        r"[0-9]{1,9}(\.[0-9]{1,9})*", "is not a version", 'write numbers and dots in quotes, such as "20.10"'
    ),
]
LogSize = Annotated[
    str, matching(r"[1-9][0-9]{0,9}[kmg]", "is not a size", "write a number with k, m or g, such as 10m")
]
Sysctl = Annotated[
    str,
    # A slash stands for a dot in an interface's name, as sysctl(8) has it: net.ipv4.conf.eth0/100.rp_filter
    matching(
        r"[a-z0-9_-]+(\.[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*)+",
        "is not a sysctl's name",
        "write it like net.core.somaxconn",
    ),
]
SysctlValue = Annotated[
    str, matching(r"[^\s][^\r\n]*", "is not a sysctl's value", "write one line, in quotes")
]
SecretName = Annotated[
    str,
    matching(
        r"[a-z][a-z0-9_]{0,50}",
        "is not a secret's name",
        "use up to 51 lower-case letters, digits and _, a letter first",
    ),
]
Identifier = Annotated[
    str,
    matching(
        r"[a-z][a-z0-9_]{0,31}",
        "is not an identifier",
        "use up to 32 lower-case letters, digits and _, a letter first",
    ),
]
VariableName = Annotated[
    str,
    matching(r"[^=\x00\s]+", "is not a variable's name", "write letters, digits and _, without = and blanks"),
]
Text = Annotated[
    str, matching(r"(?s)[^\x00]*", "holds a zero byte, which no process can be given", "remove it")
]
#: Swarm expands Go templates in variables, hostnames and mounts; the latter two are of `Name`s here.
#: https://docs.docker.com/reference/cli/docker/service/create/#create-services-using-templates
EnvironmentValue = Annotated[
    Text,
    matching(
        r"(?s)((?!\{\{).)*",
        "holds {{, which Swarm takes for a template of its own",
        "write it otherwise, or into a file under configs",
    ),
]
Image = Annotated[str, AfterValidator(_image)]
Address = Annotated[IPv4Address, BeforeValidator(_written), AfterValidator(_address)]
Subnet = Annotated[IPv4Network, BeforeValidator(_written)]
MountPath = Annotated[PurePosixPath, AfterValidator(_mount_path)]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[int, Field(ge=0, le=86_400)]
SomeSeconds = Annotated[int, Field(ge=1, le=86_400)]
#: Docker counts in billionths and takes a zero for "no limit"; the upper ends are beyond any machine.
Cpus = Annotated[float, Field(ge=0.001, le=4096, allow_inf_nan=False)]
Mebibytes = Annotated[int, Field(ge=1, le=16_777_216)]
ReservedCpus = Annotated[float, Field(ge=0, le=4096, allow_inf_nan=False)]
ReservedMebibytes = Annotated[int, Field(ge=0, le=16_777_216)]
Role = Literal["manager", "worker"]
Availability = Literal["active", "pause", "drain"]
#: Lists of what is to exist inside a system, by kind (topics, users); the folder's own templates know more.
Objects = dict[Name, tuple[dict[str, Any], ...]]
