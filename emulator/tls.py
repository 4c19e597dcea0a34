"""Certificates for loopback: an authority of our own, and what it signed.

Python 3.13 refuses an authority without key usage, and a certificate that does not name its issuer's key.
"""

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from emulator.errors import StartError

_DAYS = 365
_RENEWED_BEFORE = timedelta(days=30)
_NAMES = ("localhost", "*.localhost")
_ADDRESSES = ("127.0.0.1", "::1")


@dataclass(frozen=True)
class Certificates:
    """Where the certificates are.

    Attributes:
        authority: What clients must trust (REQUESTS_CA_BUNDLE, SSL_CERT_FILE).
        server: The certificate of the emulator, and its key.
    """

    authority: Path
    server: Path

    @property
    def context(self) -> ssl.SSLContext:
        """What serves with them."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server)
        return context


def certificates(folder: Path) -> Certificates:
    """Make the certificates in a folder, or take those that are there and good for a month at least.

    Raises:
        StartError: The package `cryptography`, which only this needs, is not installed.
    """
    found = Certificates(folder / "ca.pem", folder / "server.pem")
    if _is_good(found):
        return found
    try:
        authority, server = _issue()
    except ImportError as error:
        message = f"--tls needs the Python package cryptography ({error}): pip install cryptography"
        raise StartError(message) from None
    folder.mkdir(parents=True, exist_ok=True)
    found.authority.write_bytes(authority)
    found.server.touch(mode=0o600)
    found.server.write_bytes(server)
    return found


def _is_good(found: Certificates) -> bool:
    if not (found.authority.exists() and found.server.exists()):
        return False
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(found.authority)
    (authority,) = context.get_ca_certs()
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(authority["notAfter"])), UTC)
    return ends - datetime.now(UTC) > _RENEWED_BEFORE


def _issue() -> tuple[bytes, bytes]:
    from cryptography import x509  # noqa: PLC0415 - only for --tls
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID  # noqa: PLC0415

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def builder(subject: str, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("Emulator of Azure, authority"))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=_DAYS))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )

    def usage(*, signs: bool) -> x509.KeyUsage:
        return x509.KeyUsage(
            digital_signature=not signs,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=signs,
            crl_sign=signs,
            encipher_only=False,
            decipher_only=False,
        )

    authority_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = (
        builder("Emulator of Azure, authority", authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage(signs=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    alternatives: list[x509.GeneralName] = [x509.DNSName(each) for each in _NAMES]
    alternatives += [x509.IPAddress(ipaddress.ip_address(each)) for each in _ADDRESSES]
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    server = (
        builder("localhost", server_key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(issuer, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    key = server_key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return authority.public_bytes(encoding), server.public_bytes(encoding) + key
