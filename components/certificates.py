"""What keys and certificates in PEM say of themselves and of each other; ops/certificates.py makes them."""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

#: What every server and client of the environment takes.
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey

PEM_BLOCK = rb"(?s)-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----"


class UnreadableError(Exception):
    """A text is not what it should be; says what is wrong without any of it."""


def private_key(pem: str) -> PrivateKey:
    """The key. Raises UnreadableError."""
    try:
        key = serialization.load_pem_private_key(pem.encode(), None)
    except TypeError:
        raise UnreadableError("is encrypted, and nothing here knows its passphrase") from None
    except (ValueError, UnsupportedAlgorithm):
        raise UnreadableError("is not a private key in PEM") from None
    if not isinstance(key, PrivateKey):
        raise UnreadableError("is a private key, but neither an elliptic curve's nor RSA's")
    return key


def certificate(pem: str) -> x509.Certificate:
    """The first certificate of a chain that can be read to its end. Raises UnreadableError."""
    return chain(pem)[0]


def chain(pem: str) -> tuple[x509.Certificate, ...]:
    """All certificates of a text that can be read to its end. Raises UnreadableError."""
    found = _certificates(pem)
    if len(found) < pem.count("-----BEGIN CERTIFICATE-----"):  # what has no end was passed over
        raise UnreadableError("ends within a certificate")
    return found


def first(pem: str) -> x509.Certificate:
    """The first certificate, though the text may break off behind it. Raises UnreadableError."""
    return _certificates(pem)[0]


def _certificates(pem: str) -> tuple[x509.Certificate, ...]:
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
        for each in found:
            each.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise UnreadableError("is not a certificate in PEM") from None
    return tuple(found)


def belongs(held: x509.Certificate, key: PrivateKey) -> bool:
    """Whether a certificate is for this private key."""
    return held.public_key() == key.public_key()


def signed_by(held: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether it names this issuer and carries its signature."""
    try:
        held.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def ends_at(certificates: Sequence[x509.Certificate]) -> datetime:
    """When the first of them ends: a chain is good for no longer."""
    return min(each.not_valid_after_utc for each in certificates)


def is_root(held: x509.Certificate) -> bool:
    """Whether it signed itself."""
    return signed_by(held, held)


def is_authority(held: x509.Certificate) -> bool:
    """Whether it may sign other certificates: https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.9."""
    try:
        return held.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def serves(held: x509.Certificate) -> bool:
    """Whether a server may show it: https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.12."""
    try:
        purposes = held.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    except ValueError:
        return False
    allowed = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    return bool(allowed & set(purposes))


def covers(held: x509.Certificate, domain: str) -> bool:
    """Whether clients take it for this name, where `*` is one label.

    https://www.rfc-editor.org/rfc/rfc9525#section-6.3
    """
    try:
        names = held.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    given = {name.lower() for name in names.get_values_for_type(x509.DNSName)}
    return bool({domain.lower(), f"*.{domain.lower().partition('.')[2]}"} & given)


def publicly_rooted(held: x509.Certificate) -> bool:
    """Whether a root that browsers trust signed it: the list of Mozilla, as certifi brings it."""
    return any(signed_by(held, root) for root in _public_roots() if root.subject == held.issuer)


@functools.cache
def _public_roots() -> tuple[x509.Certificate, ...]:
    found = []
    for block in re.findall(PEM_BLOCK, Path(certifi.where()).read_bytes()):
        with warnings.catch_warnings(), suppress(ValueError):  # some roots are older than today's rules
            warnings.simplefilter("ignore")
            found.append(x509.load_pem_x509_certificate(block))
    return tuple(found)
