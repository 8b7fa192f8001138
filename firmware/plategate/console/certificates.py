# SPDX-License-Identifier: Apache-2.0
"""The console's own certificate authority (CA) and the server certificate that it signs.

Made at the first start. The server certificate is valid for 90 days and is renewed at a start less
than 30 days before its end; browsers that trust the CA notice nothing.
"""

from __future__ import annotations

import ipaddress
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from plategate.console.certificate_files import CA_FILE, CA_KEY_FILE, LEAF_FILE, LEAF_KEY_FILE
from plategate.durable_files import replace_file
from plategate.errors import ConsoleError, GateError
from plategate.storage import storage_errors

CA_DAYS, LEAF_DAYS, RENEW_BEFORE_DAYS = 3650, 90, 30
BACKDATED = timedelta(hours=24)  # for a browser whose clock is slow


def server_certificate(folder: Path, names: tuple[str, ...], now: datetime) -> tuple[Path, Path]:
    """Certificate chain and key of the server, made or renewed where needed.

    `names` are host names or IP addresses. Raises StoreError, ConsoleError.
    """
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    leaf, key = folder / LEAF_FILE, folder / LEAF_KEY_FILE
    if not _is_valid(leaf, key, names, now):
        ca, ca_key = _authority(folder, now)
        _write_leaf(folder, ca, ca_key, names, now)
    return leaf, key


def _load(file: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(file.read_bytes())
    except (OSError, ValueError) as error:
        raise ConsoleError(f"{file}: not a certificate in PEM: {error}") from error


def _is_valid(leaf: Path, key: Path, names: tuple[str, ...], now: datetime) -> bool:
    if not leaf.exists() or not key.exists():
        return False
    try:
        certificate = _load(leaf)
    except ConsoleError:
        return False
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    ends = certificate.not_valid_after_utc - timedelta(days=RENEW_BEFORE_DAYS)
    return certificate.not_valid_before_utc <= now < ends and set(found) == set(
        _alternatives(names)
    )


def _authority(folder: Path, now: datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    file, key_file = folder / CA_FILE, folder / CA_KEY_FILE
    if file.exists() and key_file.exists():
        key = serialization.load_pem_private_key(key_file.read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ConsoleError(f"{key_file}: not the key of the console's certificate authority")
        return _load(file), key
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Plategate console CA")])
    certificate = (
        _builder(name, name, key.public_key(), now, CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    _write(key_file, _pem(key), 0o600)
    _write(file, certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    return certificate, key


def _write_leaf(
    folder: Path,
    ca: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
    names: tuple[str, ...],
    now: datetime,
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    certificate = (
        _builder(subject, ca.subject, key.public_key(), now, LEAF_DAYS)
        .add_extension(x509.SubjectAlternativeName(_alternatives(names)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    _write(folder / LEAF_KEY_FILE, _pem(key), 0o600)
    chain = certificate.public_bytes(encoding) + ca.public_bytes(encoding)
    _write(folder / LEAF_FILE, chain, 0o644)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    start = now.astimezone(UTC) - BACKDATED
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
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


def _alternatives(names: tuple[str, ...]) -> list[x509.GeneralName]:
    return [_general_name(name) for name in names]


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write(file: Path, content: bytes, mode: int) -> None:
    with storage_errors(file):
        replace_file(file, content, mode=mode)


def main(arguments: list[str]) -> int:
    """Make the files in a folder (first argument) for names (the others), if they are needed."""
    try:
        server_certificate(Path(arguments[0]), tuple(arguments[1:]), datetime.now(UTC))
    except GateError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
