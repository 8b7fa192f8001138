# SPDX-License-Identifier: Apache-2.0
"""Verify minisign signatures of list files with the owner's public keys.

File formats: https://jedisct1.github.io/minisign/ (Ed25519; a prehashed signature covers the
BLAKE2b-512 digest of the file). The owner signs with the ordinary `minisign` tool.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from plategate.errors import ListError, reason_of

_PLAIN, _PREHASHED = b"Ed", b"ED"
_KEY_BYTES, _SIGNATURE_BYTES = 2 + 8 + 32, 2 + 8 + 64


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One of the owner's public keys; a signature names its key by `key_id`."""

    key_id: bytes
    raw: bytes

    @property
    def name(self) -> str:
        """The key id as minisign prints it."""
        return _key_name(self.key_id)


@dataclass(frozen=True, slots=True)
class SignatureFile:
    """A parsed .minisig file."""

    prehashed: bool
    key_id: bytes
    signature: bytes
    trusted_comment: str
    global_signature: bytes


@dataclass(frozen=True, slots=True)
class VerifiedSignature:
    """A valid signature: the id of its key and its trusted comment."""

    key_id: str
    trusted_comment: str


def load_public_key(text_or_file: str) -> PublicKey:
    """Parse a public key: the base64 line itself, or a file written by `minisign -G`.

    Raises ListError when it is not a minisign public key.
    """
    text = text_or_file
    if not re.fullmatch(r"[A-Za-z0-9+/=]{56}", text.strip()):
        try:
            text = Path(text_or_file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ListError(
                f"public key {text_or_file}: cannot be read: {reason_of(error)}"
            ) from error
    lines = [
        line for line in text.strip().splitlines() if not line.startswith("untrusted comment:")
    ]
    raw = _decoded(lines[0] if lines else "", _KEY_BYTES, f"public key {text_or_file[:60]}")
    if raw[:2] != _PLAIN:
        raise ListError(f"public key {text_or_file[:60]}: not an Ed25519 key of minisign")
    return PublicKey(raw[2:10], raw[10:])


def parse_signature(content: bytes, origin: str) -> SignatureFile:
    """Parse the four lines of a .minisig file; ListError names `origin`."""
    try:
        lines = content.decode("utf-8").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError as error:
        raise ListError(f"{origin}: not a minisign signature: {error}") from error
    prefix = "trusted comment: "
    if len(lines) < 4 or not lines[2].startswith(prefix):
        raise ListError(f"{origin}: not a minisign signature: four lines were expected")
    raw = _decoded(lines[1], _SIGNATURE_BYTES, origin)
    if raw[:2] not in (_PLAIN, _PREHASHED):
        raise ListError(f"{origin}: unknown signature algorithm {raw[:2]!r}")
    return SignatureFile(
        prehashed=raw[:2] == _PREHASHED,
        key_id=raw[2:10],
        signature=raw[10:],
        trusted_comment=lines[2].removeprefix(prefix),
        global_signature=_decoded(lines[3], 64, origin),
    )


def verify(
    file: Path, signature: SignatureFile, keys: Sequence[PublicKey], origin: str
) -> VerifiedSignature:
    """Verify `signature` of `file` with the key that the signature names.

    Raises ListError when the key is not among `keys`, or when content or trusted comment were
    changed. A prehashed signature (minisign's default) needs no more memory than one chunk.
    """
    key = next((key for key in keys if key.key_id == signature.key_id), None)
    if key is None:
        raise ListError(f"{origin}: signed by the unknown key {_key_name(signature.key_id)}")
    public = Ed25519PublicKey.from_public_bytes(key.raw)
    message = _digest(file) if signature.prehashed else file.read_bytes()
    try:
        public.verify(signature.signature, message)
    except InvalidSignature:
        raise ListError(f"{origin}: the content does not match the signature") from None
    try:
        comment = signature.trusted_comment.encode()
        public.verify(signature.global_signature, signature.signature + comment)
    except InvalidSignature:
        raise ListError(f"{origin}: the trusted comment does not match the signature") from None
    return VerifiedSignature(key.name, signature.trusted_comment)


def _digest(file: Path) -> bytes:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, hashlib.blake2b).digest()


def _decoded(line: str, length: int, origin: str) -> bytes:
    try:
        raw = base64.b64decode(line.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ListError(f"{origin}: not base64: {error}") from error
    if len(raw) != length:
        raise ListError(f"{origin}: {len(raw)} bytes, {length} were expected")
    return raw


def _key_name(key_id: bytes) -> str:
    # minisign prints the identifier as a little-endian number, without leading zeros.
    return f"{int.from_bytes(key_id, 'little'):X}"
