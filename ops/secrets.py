"""Creates the secrets that an environment lacks, into its encrypted configuration; values are never printed.

What there is to make is declared in configs/secrets.yaml. Values go to `pulumi config set` by stdin.
"""

from __future__ import annotations

import json
import secrets as random
import string
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, TypeAdapter

from components.declaration import Declaration, load_declarations
from components.fields import Name
from components.settings import Settings
from components.stack import NAMESPACE
from components.topology import why_off
from components.validation import Frozen
from ops import certificates


class SecretsError(Exception):
    """A secret could not be read or written; the text says which and what to do."""


class Password(Frozen):
    """Random letters and digits; `length` in characters (5.95 bits each)."""

    kind: Literal["password"]
    length: Annotated[int, Field(ge=16, le=128)] = 32
    deploy: bool = True


class Key(Frozen):
    """A private key, PEM. With `deploy: false` no service may mount it."""

    kind: Literal["key"]
    deploy: bool = True


class Authority(Frozen):
    """The certificate of a certificate authority, for the key named."""

    kind: Literal["ca"]
    key: str
    common_name: str
    days: Annotated[int, Field(ge=30)]
    renew_days: int


class Certificate(Frozen):
    """A certificate with its chain, for the key named, signed by `ca` (an Authority).

    `names`: the edge's, or DNS names inside the overlay; the latter serve as a client's certificate too,
    as members of one data store are each other's clients.
    """

    kind: Literal["certificate"]
    key: str
    ca: str
    names: Literal["edge"] | Annotated[tuple[Name, ...], Field(min_length=1)]
    days: Annotated[int, Field(ge=2, le=397)]
    renew_days: int


class Given(Frozen):
    """What somebody else made: a person sets it, nothing here can."""

    kind: Literal["given"]
    deploy: bool = True


Recipe = Annotated[Password | Key | Authority | Certificate | Given, Field(discriminator="kind")]
Recipes = dict[str, Recipe]
Values = dict[str, str]


def ensure(root: Path, stack: str, settings: Settings) -> Iterator[str]:
    """Make what is missing or ends soon; yields one line per secret written. Raises SecretsError."""
    declared = load_declarations(root / "configs" / "services", [])
    recipes = wanted(load_recipes(root / "configs" / "secrets.yaml"), idle(settings, declared))
    known = _read(root, stack)
    made = 0
    for name in recipes:
        value = missing(name, recipes, known, settings, datetime.now(UTC))
        if value is not None:
            _write(root, stack, name, value)
            known[name] = value
            made += 1
            yield f"secret {name}: created"
    yield f"secrets: {made} created, {len(known) - made} kept"
    if lacking := ungiven(recipes, known):
        how = f"pulumi config set --stack {stack} --secret --path '{NAMESPACE}:secrets.<name>'"
        raise SecretsError(
            f"secrets: {', '.join(lacking)}: yours to give; each, its value on stdin, by: {how}"
        )


def load_recipes(path: Path) -> Recipes:
    """What configs/secrets.yaml declares, in its order: a key before its certificate, an authority first."""
    return TypeAdapter(Recipes).validate_python(yaml.safe_load(path.read_text()))


def idle(settings: Settings, declared: Iterable[Declaration]) -> frozenset[str]:
    """Secrets that only services mount which are off in this environment."""
    mounted: dict[bool, set[str]] = {True: set(), False: set()}
    for service in declared:
        mounted[why_off(service, settings) is None] |= {secret.name for secret in service.secrets}
    return frozenset(mounted[False] - mounted[True])


def wanted(recipes: Recipes, unused: frozenset[str]) -> Recipes:
    """The recipes less the unused ones, unless a wanted one is made of them; their order stays."""
    made_of: set[str] = set()
    kept: Recipes = {}
    for name, recipe in reversed(recipes.items()):
        if name not in unused or name in made_of:
            kept[name] = recipe
            made_of |= {getattr(recipe, "key", name), getattr(recipe, "ca", name)}
    return dict(reversed(kept.items()))


def ungiven(recipes: Recipes, known: Mapping[str, str]) -> list[str]:
    """Secrets that a person has still to set."""
    return [name for name, recipe in recipes.items() if isinstance(recipe, Given) and not known.get(name)]


def missing(
    name: str, recipes: Recipes, known: Mapping[str, str], settings: Settings, now: datetime
) -> str | None:
    """A new value of the secret, or None when the one that is known will do, or none can be made."""
    recipe = recipes[name]
    current = known.get(name)
    if isinstance(recipe, Given):
        return None
    if isinstance(recipe, Password):
        return None if current else _password(recipe.length)
    if isinstance(recipe, Key):
        return None if current else certificates.new_key()
    key, until = known[recipe.key], now + timedelta(days=recipe.renew_days)
    if isinstance(recipe, Authority):
        kept = current and certificates.belongs(current, key) and certificates.ends(current) > until
        return None if kept else certificates.authority(key, recipe.common_name, recipe.days)
    authority = recipes[recipe.ca]
    if not isinstance(authority, Authority):
        raise SecretsError(f"configs/secrets.yaml: {name}.ca names {recipe.ca}, which is no ca; name one")
    issuer = certificates.Pair(known[recipe.ca], known[authority.key])
    names = _names(recipe, settings)
    if current and certificates.fits(current, key, issuer, names, until):
        return None
    return certificates.server(key, issuer, names, recipe.days)


def _names(recipe: Certificate, settings: Settings) -> certificates.Names:
    if recipe.names == "edge":
        return certificates.Names((settings.edge.domain,), _edge_addresses(settings))
    return certificates.Names(tuple(recipe.names), (), clients=True)


def _edge_addresses(settings: Settings) -> tuple[str, ...]:
    return tuple(str(node.address) for node in settings.nodes if node.labels.get("edge") == "true")


def _password(length: int) -> str:
    return "".join(random.choice(string.ascii_letters + string.digits) for _ in range(length))


def _read(root: Path, stack: str) -> Values:
    _pulumi(root, "stack", "select", "--create", stack)
    config = json.loads(_pulumi(root, "config", "--stack", stack, "--show-secrets", "--json"))
    entry = config.get(f"{NAMESPACE}:secrets")
    return dict(json.loads(entry["value"])) if entry else {}


def _write(root: Path, stack: str, name: str, value: str) -> None:
    path = f"{NAMESPACE}:secrets.{name}"
    _pulumi(root, "config", "set", "--stack", stack, "--secret", "--path", path, stdin=value)


def _pulumi(root: Path, *arguments: str, stdin: str = "") -> str:
    """Run the CLI. Its stdout may hold secrets and is never shown."""
    result = subprocess.run(["pulumi", *arguments], cwd=root, input=stdin, capture_output=True, text=True)
    if result.returncode:
        raise SecretsError(f"pulumi {' '.join(arguments[:2])}: {result.stderr.strip()}")
    return result.stdout
