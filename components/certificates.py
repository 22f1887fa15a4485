"""What keys and certificates in PEM say of themselves and of each other; ops/certificates.py makes them."""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

#: What every server and client of the environment takes.
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


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
    try:
        chain = x509.load_pem_x509_certificates(pem.encode())
        chain[0].public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise UnreadableError("is not a certificate in PEM") from None
    if len(chain) < pem.count("-----BEGIN CERTIFICATE-----"):  # what has no end was passed over
        raise UnreadableError("ends within a certificate")
    return chain[0]


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
