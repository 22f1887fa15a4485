"""What a lab is: its names, addresses and nodes. Pure."""

import hashlib
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

LABEL = "platform-beta.lab"
POOL = IPv4Network("10.213.0.0/16")
REGISTRY_PORT = 5000


class Frozen(BaseModel):
    """Base of every model: immutable, and an unknown key is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Node(Frozen):
    """A machine of the lab. Its labels: lab/declared.py."""

    number: int
    role: Literal["manager", "worker"]
    min_api_version: str | None = None
    """Oldest API version that its engine serves; None: the engine's own limit."""

    @property
    def name(self) -> str:
        """Return its host name."""
        return f"node-{self.number}"


# What Docker Engine 29 (Ubuntu 22.04, 24.04) serves at least. https://github.com/moby/moby/pull/51186
NEWER_ENGINES_MIN_API = "1.44"


#: What one node may use of this machine; the limit is not visible inside it, which sees it all.
NODE_MEMORY_MIB = 4608
# A manager and a worker refuse what newer engines refuse.
NODES = (
    Node(number=1, role="manager"),
    Node(number=2, role="manager", min_api_version=NEWER_ENGINES_MIN_API),
    Node(number=3, role="manager"),
    Node(number=4, role="worker", min_api_version=NEWER_ENGINES_MIN_API),
    Node(number=5, role="worker"),
)


class Lab(Frozen):
    """One lab, as kept in .lab/lab.json: only what can't be derived from the checkout's path."""

    id: str
    subnet: IPv4Network
    push_port: int
    """Port on 127.0.0.1 that images are pushed to."""
    public_registry: bool | None = None
    """Whether a public image registry answered; None: not asked yet."""
    host_keys: dict[str, str] = {}
    """Node name to its public ed25519 host key."""

    @property
    def network(self) -> str:
        """Return the name of the nodes' network."""
        return f"{self.id}-lab"

    @property
    def registry(self) -> str:
        """Return the name of the registry's container, and of its volume."""
        return f"{self.id}-registry"

    @property
    def registry_address(self) -> IPv4Address:
        """Return where nodes reach the registry."""
        return self.subnet[2]

    @property
    def registry_endpoint(self) -> str:
        """Return `<address>:<port>`, the host part of the image names that nodes pull."""
        return f"{self.registry_address}:{REGISTRY_PORT}"

    @property
    def label(self) -> str:
        """Return the label that marks everything of this lab, as `key=value`."""
        return f"{LABEL}={self.id}"

    def container(self, node: Node) -> str:
        """Return the name of a node's container, and of its volume."""
        return f"{self.id}-{node.name}"

    def address(self, node: Node) -> IPv4Address:
        """Return a node's fixed address."""
        return self.subnet[10 + node.number]


def lab_id(checkout: Path) -> str:
    """Return the short name of the checkout's lab: the same path has the same lab."""
    return hashlib.sha256(str(checkout.resolve()).encode()).hexdigest()[:8]


def free_subnet(used: list[IPv4Network]) -> IPv4Network:
    """Return the first /24 of the pool that overlaps no network in use.

    Raises LookupError when there is none.
    """
    for candidate in POOL.subnets(new_prefix=24):
        if not any(candidate.overlaps(other) for other in used):
            return candidate
    raise LookupError(f"no free /24 in {POOL}")
