"""Makes keys, authorities and server certificates, ECDSA P-256; reading them: components/certificates.py.

Lifetimes: 397 days is what browsers accept of a server certificate,
https://support.apple.com/en-us/102028; back-dated an hour for clocks that run slow.
"""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from components.certificates import (
    PublicKey,
    UnreadableError,
    belongs,
    certificate,
    private_key,
    signed_by,
)


class Pair(NamedTuple):
    """PEM texts of a certificate and its private key."""

    certificate: str
    key: str


class Names(NamedTuple):
    """What a server certificate is for: DNS names and IPv4 addresses; `clients`: as a client's, too."""

    dns: tuple[str, ...]
    addresses: tuple[str, ...]
    clients: bool = False


def new_key() -> str:
    """A P-256 private key, PKCS #8 PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def authority(key_pem: str, common_name: str, days: int) -> str:
    """A self-signed certificate authority that can sign servers only, no further authorities."""
    key = private_key(key_pem)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = (
        _builder(name, name, key.public_key(), days)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return _pem(builder.sign(key, hashes.SHA256()))


def server(key_pem: str, issuer: Pair, names: Names, days: int) -> str:
    """A server certificate followed by its issuer's."""
    key, issuer_key = private_key(key_pem), private_key(issuer.key)
    issuer_certificate = certificate(issuer.certificate)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names.dns[0])])
    identifier = issuer_certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
    builder = (
        _builder(subject, issuer_certificate.subject, key.public_key(), days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(_purposes(names), critical=False)
        .add_extension(_alternative_names(names), critical=False)
        .add_extension(issuer_id, critical=False)
    )
    return _pem(builder.sign(issuer_key, hashes.SHA256())) + issuer.certificate


def fits(certificate_pem: str, key_pem: str, issuer: Pair, names: Names, until: datetime) -> bool:
    """Whether it is for this key, signed by this issuer, lasts beyond `until` and names just these."""
    if not lasts(certificate_pem, key_pem, until):
        return False
    held = certificate(certificate_pem)
    try:
        alternative = held.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        purposes = held.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    named = set(alternative) == set(_alternative_names(names)) and purposes == _purposes(names)
    return named and signed_by(held, certificate(issuer.certificate))


def lasts(certificate_pem: str, key_pem: str, until: datetime) -> bool:
    """Whether it can be read, is for this key and lasts beyond `until`."""
    try:
        held = certificate(certificate_pem)
    except UnreadableError:
        return False
    return belongs(held, private_key(key_pem)) and held.not_valid_after_utc > until


def _alternative_names(names: Names) -> x509.SubjectAlternativeName:
    dns: list[x509.GeneralName] = [x509.DNSName(name) for name in names.dns]
    return x509.SubjectAlternativeName(
        dns + [x509.IPAddress(ipaddress.ip_address(item)) for item in names.addresses]
    )


def _purposes(names: Names) -> x509.ExtendedKeyUsage:
    client = [ExtendedKeyUsageOID.CLIENT_AUTH] if names.clients else []
    return x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, *client])


def _builder(subject: x509.Name, issuer: x509.Name, key: PublicKey, days: int) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=days))
    )


def _usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(made: x509.Certificate) -> str:
    return made.public_bytes(serialization.Encoding.PEM).decode()
