"""Values of secrets: sound ones as `make secrets` makes them, and faulty ones. Made when asked for."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import UTC, datetime

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from components.certificates import PrivateKey, private_key
from components.secret_recipes import Given, Recipes
from ops import certificates
from ops.secrets import Values, missing
from tests.unit import examples

PLAIN = serialization.NoEncryption()
NAMES = certificates.Names(("mysql",), ())


def make(recipes: Recipes | None = None) -> Values:
    """A value of every recipe; of the house's own where none are given."""
    recipes = recipes or examples.recipes()
    known: Values = {}
    for name, recipe in recipes.items():
        given = isinstance(recipe, Given)
        value = "given" if given else missing(name, recipes, known, examples.edge(), datetime.now(UTC))
        assert value
        known[name] = value
    return known


@functools.cache
def sound() -> Mapping[str, str]:
    """The same in every test."""
    return make()


@functools.cache
def faulty() -> Mapping[str, str]:
    """By what is wrong with it; each could be somebody's mysql_tls_key or mysql_tls_certificate."""
    key, other = sound()["mysql_tls_key"], certificates.new_key()
    issuer = certificates.Pair(sound()["internal_ca_certificate"], sound()["internal_ca_key"])
    stranger = certificates.Pair(certificates.authority(other, "x", 1), other)
    return {
        "encrypted key": pem(private_key(key), serialization.BestAvailableEncryption(b"x")),
        "key of another kind": pem(ed25519.Ed25519PrivateKey.generate()),
        "for another key": certificates.server(other, issuer, NAMES, 1),
        "signed by another": certificates.server(key, stranger, NAMES, 1),
        "expired": certificates.server(key, issuer, NAMES, 0),
        "half a character": "CANARY0123456789\ud800",
        "torn": sound()["mysql_tls_certificate"][:-100],
    }


def pem(
    key: PrivateKey | ed25519.Ed25519PrivateKey, how: serialization.KeySerializationEncryption = PLAIN
) -> str:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how).decode()
