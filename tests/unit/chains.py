"""Certificates as a public or private authority issues them: a root, an intermediate, a server's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Issued:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()


def authority(name: str, issuer: Issued | None = None, *, days: int = 3650, ca: bool = True) -> Issued:
    """A root, or with `issuer` an intermediate; with ca=False a certificate that may sign no other."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(name, issuer, key, timedelta(days=days), NOW - timedelta(days=1))
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    return Issued(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


def server(
    issuer: Issued | None,
    *names: str,
    days: float = 90,
    begins: datetime = NOW - timedelta(days=1),
    purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
) -> Issued:
    """A server's certificate for these names, without any for none; without issuer it signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder("server", issuer, key, timedelta(days=days), begins)
    builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    if names:
        alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        builder = builder.add_extension(alternative, critical=False)
    return Issued(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


def _builder(
    name: str, issuer: Issued | None, key: ec.EllipticCurvePrivateKey, lasts: timedelta, begins: datetime
) -> x509.CertificateBuilder:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(max(NOW + lasts, begins + timedelta(seconds=1)))
    )
