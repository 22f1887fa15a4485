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
from components.topology import why_off
from ops import certificates


class SecretsError(Exception):
    """A secret could not be read or written; the text says which and what to do."""


Values = dict[str, str]


def ensure(root: Path, stack: str, settings: Settings) -> Iterator[str]:
    """Make what is missing or ends soon; yields one line per secret written.

    Raises SecretsError, and ConfigurationError for faulty recipes, for keys that can't be read and for a
    person's own edge certificate that will not do: that one is never replaced.
    """
    recipes = _recipes(root, settings)
    known, now = _known(root, stack), datetime.now(UTC)
    if faults := [*_kept_faults(recipes, known, settings, now)]:
        raise ConfigurationError(faults)
    made = 0
    for name in recipes:
        value = missing(name, recipes, known, settings, now)
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


def _recipes(root: Path, settings: Settings) -> Recipes:
    """What this environment needs: less the secrets of services that are off."""
    faults: list[Fault] = []
    recipes = load_recipes(root / "configs" / "secrets.yaml", faults)
    if faults:
        raise ConfigurationError(faults)
    declared = load_declarations(root / "configs" / "services", [])
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
    name: str, recipes: Recipes, known: Mapping[str, str], settings: Settings, now: datetime
) -> str | None:
    """A new value of the secret; None when the known one stays, or none can be made."""
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
            issuer, names = certificates.Pair(known[recipe.ca], known[signs_with]), _names(recipe, settings)
            kept = current and certificates.fits(current, key, issuer, names, until)
            return None if kept else certificates.server(key, issuer, names, recipe.days)
    return None  # given


def _names(recipe: Certificate, settings: Settings) -> certificates.Names:
    if not recipe.names:
        return certificates.Names((settings.edge.domain,), _edge_addresses(settings))
    return certificates.Names(recipe.names, (), clients=True)


def _edge_addresses(settings: Settings) -> tuple[str, ...]:
    return tuple(str(node.address) for node in settings.nodes if node.labels.get("edge") == "true")


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
