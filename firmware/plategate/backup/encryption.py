# SPDX-License-Identifier: Apache-2.0
"""Encrypt a stream with a passphrase: scrypt for the key, ChaCha20-Poly1305 in chunks.

A file is the line MAGIC, a line of JSON with the parameters of scrypt, and chunks. Each chunk is
authenticated with its number and with whether it is the last one (the STREAM construction, as in
age), so a file that was cut, joined or changed anywhere is refused.
"""

from __future__ import annotations

import io
import json
import secrets
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from plategate.errors import BackupError

MAGIC = b"plategate-backup 1\n"
CHUNK_BYTES = 65_536
TAG_BYTES = 16
# OWASP's first recommendation for scrypt: 128 MB and about a second on a Pi.
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**17, 8, 1
MOST_MEMORY_BYTES = 2**28  # of scrypt: a hostile file must not take all memory
LONGEST_HEADER = 1000
SHORTEST_PASSPHRASE = 12


class EncryptingWriter(io.RawIOBase):
    """A stream that encrypts what is written to it; `close` writes the last chunk."""

    def __init__(self, target: BinaryIO, passphrase: str) -> None:
        """Write the header to `target`, which stays open at the end."""
        super().__init__()
        if len(passphrase) < SHORTEST_PASSPHRASE:
            raise BackupError(f"the passphrase must have at least {SHORTEST_PASSPHRASE} characters")
        salt = secrets.token_bytes(32)
        parameters = {"kdf": "scrypt", "n": SCRYPT_N, "r": SCRYPT_R, "p": SCRYPT_P}
        header = json.dumps({**parameters, "salt": salt.hex()}).encode() + b"\n"
        self._cipher = _cipher(passphrase, header)
        self._target = target
        self._target.write(MAGIC + header)
        self._waiting = bytearray()
        self._number = 0

    def writable(self) -> bool:
        """True."""
        return True

    def write(self, data: object) -> int:
        """Encrypt whole chunks, and keep the rest for later."""
        added = bytes(data)  # type: ignore[call-overload]
        self._waiting += added
        # One chunk stays: only at the end it is known whether it was the last.
        while len(self._waiting) > CHUNK_BYTES:
            self._put(bytes(self._waiting[:CHUNK_BYTES]), last=False)
            del self._waiting[:CHUNK_BYTES]
        return len(added)

    def close(self) -> None:
        """Write the last chunk; may be called twice."""
        if not self.closed:
            self._put(bytes(self._waiting), last=True)
        super().close()

    def _put(self, chunk: bytes, *, last: bool) -> None:
        self._target.write(self._cipher.encrypt(_nonce(self._number, last), chunk, None))
        self._number += 1


class DecryptingReader(io.RawIOBase):
    """A stream of what was encrypted; BackupError for a wrong passphrase or a damaged file."""

    def __init__(self, source: BinaryIO, passphrase: str, name: str) -> None:
        """Read the header; `name` is that of the file in error messages."""
        super().__init__()
        self._source, self._name = source, name
        if source.readline(len(MAGIC)) != MAGIC:
            raise BackupError(f"{name}: is not a backup of Plategate, or one of a newer format")
        header = source.readline(LONGEST_HEADER)
        try:
            self._cipher = _cipher(passphrase, header)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise BackupError(f"{name}: the header is damaged: {error}") from error
        self._number = 0
        self._ready = b""
        self._next = source.read(CHUNK_BYTES + TAG_BYTES)
        self._ended = False

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: object) -> int:
        """Fill the buffer with decrypted bytes; 0 at the end."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        while not self._ready and not self._ended:
            self._advance()
        part = self._ready[: len(view)]
        view[: len(part)] = part
        self._ready = self._ready[len(part) :]
        return len(part)

    def _advance(self) -> None:
        chunk = self._next
        self._next = self._source.read(CHUNK_BYTES + TAG_BYTES)
        last = not self._next
        try:
            self._ready = self._cipher.decrypt(_nonce(self._number, last), chunk, None)
        except InvalidTag:
            raise BackupError(self._refusal(last)) from None
        self._number += 1
        self._ended = last

    def _refusal(self, last: bool) -> str:
        if self._number == 0:
            return f"{self._name}: the passphrase is wrong, or the beginning of the file is damaged"
        at = len(MAGIC) + self._number * (CHUNK_BYTES + TAG_BYTES)
        kind = "cut off or damaged" if last else "damaged"
        return f"{self._name}: is {kind} near byte {at}; use another backup"


def _cipher(passphrase: str, header: bytes) -> ChaCha20Poly1305:
    """The cipher of a file: the key depends on the passphrase and on every byte of the header."""
    found = json.loads(header)
    n, r, p = (int(found[name]) for name in ("n", "r", "p"))
    if found["kdf"] != "scrypt" or n < 2**10 or not (1 <= r <= 16 and 1 <= p <= 16):
        raise ValueError("scrypt with n from 1024, and r and p of 1 to 16 was expected")
    if 128 * n * r > MOST_MEMORY_BYTES:
        raise ValueError(f"n = {n} and r = {r} take more than {MOST_MEMORY_BYTES} bytes")
    scrypt = Scrypt(bytes.fromhex(found["salt"]), 32, n, r, p)
    secret = scrypt.derive(passphrase.encode())
    key = HKDF(SHA256(), 32, salt=None, info=MAGIC + header).derive(secret)
    return ChaCha20Poly1305(key)


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
