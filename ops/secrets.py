"""Creates the secrets that an environment lacks, into its encrypted configuration; values are never printed.

What there is to make is declared in configs/secrets.yaml and in the services' folders. Values go to
`pulumi config set` by stdin.
"""

from __future__ import annotations

import json
import secrets as random
import string
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from components.checks.edge_certificate import (
    own_certificate,
    own_certificate_faults,
    own_certificate_warnings,
)
from components.checks.secrets import value_faults
from components.declaration import Declaration, load_declarations
from components.errors import ConfigurationError, Fault
from components.secret_recipes import (
    Authority,
    Certificate,
    Given,
    Key,
    Password,
    Recipes,
    load_recipes,
    with_ingredients,
)
from components.settings import Settings
from components.stack import NAMESPACE
from components.topology import draft, why_off
from ops import certificates


class SecretsError(Exception):
    """A secret could not be read or written; the text says which and what to do."""


Values = dict[str, str]


def ensure(root: Path, stack: str, settings: Settings) -> Iterator[str]:
    """Make what is missing or ends soon; yields one line per secret written.

    Raises SecretsError, and ConfigurationError for faulty declarations and recipes, for keys that can't be
    read and for a person's own edge certificate that will not do: that one is never replaced.
    """
    declared = _declared(root)
    recipes = _recipes(root, settings, declared)
    edge = edge_names(settings, declared)
    known, now = _known(root, stack), datetime.now(UTC)
    if faults := [*_kept_faults(recipes, known, settings, now)]:
        raise ConfigurationError(faults)
    made = 0
    for name in recipes:
        value = missing(name, recipes, known, edge, now)
        if value is not None:
            _write(root, stack, name, value)
            known[name] = value
            made += 1
            yield f"secret {name}: created"
    yield f"secrets: {made} created, {len(known) - made} kept"
    yield from own_certificate_warnings(recipes, known, now)
    if lacking := ungiven(recipes, known):
        how = f"pulumi config set --stack {stack} --secret --path '{NAMESPACE}:secrets.<name>'"
        raise SecretsError(
            f"secrets: {', '.join(lacking)}: yours to give; each, its value on stdin, by: {how}"
        )


def _known(root: Path, stack: str) -> Values:
    """The stack file's secrets; a stack that the backend does not have yet is made first."""
    try:
        return stored_secrets(root, stack)
    except SecretsError as error:
        if "no stack named" not in str(error):
            raise
    _pulumi(root, "stack", "init", stack)
    return stored_secrets(root, stack)


def _kept_faults(
    recipes: Recipes, known: Mapping[str, str], settings: Settings, now: datetime
) -> Iterator[Fault]:
    """What is wrong with values that stay as they are, whatever else is made anew."""
    for name, recipe in recipes.items():
        if isinstance(recipe, Key) and known.get(name):
            yield from value_faults(name, recipe, known, now)
        if own := own_certificate(name, recipes, known):
            yield from own_certificate_faults(name, own, known, settings.edge.domain, now)


def _declared(root: Path) -> tuple[Declaration, ...]:
    """All services, as names in certificates are theirs: one that can't be read must not lose its own."""
    faults: list[Fault] = []
    declared = load_declarations(root / "configs" / "services", faults)
    if faults:
        raise ConfigurationError(faults)
    return declared


def _recipes(root: Path, settings: Settings, declared: tuple[Declaration, ...]) -> Recipes:
    """What this environment needs: less the secrets of services that are off."""
    faults: list[Fault] = []
    configs = root / "configs"
    recipes = load_recipes(configs / "secrets.yaml", configs / "services", declared, faults)
    if faults:
        raise ConfigurationError(faults)
    return with_ingredients(recipes, recipes.keys() - idle(settings, declared))


def idle(settings: Settings, declared: Iterable[Declaration]) -> frozenset[str]:
    """Secrets that only services mount which are off in this environment."""
    mounted: dict[bool, set[str]] = {True: set(), False: set()}
    for service in declared:
        mounted[why_off(service, settings) is None] |= {secret.name for secret in service.secrets}
    return frozenset(mounted[False] - mounted[True])


def ungiven(recipes: Recipes, known: Mapping[str, str]) -> list[str]:
    """Secrets that a person has still to set."""
    return [name for name, recipe in recipes.items() if isinstance(recipe, Given) and not known.get(name)]


def missing(
    name: str, recipes: Recipes, known: Mapping[str, str], edge: certificates.Names, now: datetime
) -> str | None:
    """A new value of the secret; None when the known one stays, or none can be made.

    edge: what the edge's certificate is for.
    """
    recipe, current = recipes[name], known.get(name)
    if own_certificate(name, recipes, known):
        return None
    match recipe:
        case Password():
            return None if current else _password(recipe.length)
        case Key():
            return None if current else certificates.new_key()
        case Authority():
            key, until = known[recipe.key], now + timedelta(days=recipe.renew_days)
            kept = current and certificates.lasts(current, key, until)
            return None if kept else certificates.authority(key, recipe.common_name, recipe.days)
        case Certificate():
            key, until = known[recipe.key], now + timedelta(days=recipe.renew_days)
            (signs_with,) = recipes[recipe.ca].made_of
            issuer = certificates.Pair(known[recipe.ca], known[signs_with])
            names = certificates.Names(recipe.names, (), clients=True) if recipe.names else edge
            kept = current and certificates.fits(current, key, issuer, names, until)
            return None if kept else certificates.server(key, issuer, names, recipe.days)
    return None  # given


def edge_names(settings: Settings, declared: Iterable[Declaration]) -> certificates.Names:
    """What the edge's certificate is for: the domain, and every node that the edge may run on."""
    addresses = (str(node.address) for node in draft(settings, declared).edge_hosts)
    return certificates.Names((settings.edge.domain,), tuple(addresses))


def _password(length: int) -> str:
    return "".join(random.choice(string.ascii_letters + string.digits) for _ in range(length))


def stored_secrets(root: Path, stack: str) -> Values:
    """The stack file's secrets, decrypted. Raises SecretsError."""
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
