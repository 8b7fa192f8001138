# SPDX-License-Identifier: Apache-2.0
"""A backup is read with its passphrase alone, and no bit of it can be changed unnoticed."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from plategate.backup import encryption
from plategate.backup.encryption import (
    CHUNK_BYTES,
    MAGIC,
    TAG_BYTES,
    DecryptingReader,
    EncryptingWriter,
)
from plategate.errors import BackupError

PASSPHRASE = "correct horse battery"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encryption, "SCRYPT_N", 2**10)


def encrypted(content: bytes) -> bytes:
    target = io.BytesIO()
    with EncryptingWriter(target, PASSPHRASE) as writer:
        writer.write(content)
    return target.getvalue()


def decrypted(content: bytes, passphrase: str = PASSPHRASE) -> bytes:
    with DecryptingReader(io.BytesIO(content), passphrase, "the file") as reader:
        return reader.read()


@pytest.mark.parametrize(
    "size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES]
)
def test_ok__what_was_written_is_read(size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    assert decrypted(encrypted(content[:size])) == content[:size]


def test_ok__nothing_of_the_content_shows_and_no_two_files_are_equal() -> None:
    content = b"MAB123" * 1000
    assert b"MAB123" not in encrypted(content)
    assert encrypted(content)[-100:] != encrypted(content)[-100:]


def test_fail__another_passphrase_is_refused() -> None:
    with pytest.raises(BackupError, match="the file: the passphrase is wrong"):
        decrypted(encrypted(b"x"), PASSPHRASE + "!")


def test_fail__a_short_passphrase_is_refused() -> None:
    with pytest.raises(BackupError, match="at least 12 characters"):
        EncryptingWriter(io.BytesIO(), "short")


@hypothesis_settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 255))
def test_fail__a_changed_byte_is_found(place: int, change: int) -> None:
    whole = bytearray(encrypted(b"y" * (CHUNK_BYTES + 100)))
    whole[place % len(whole)] ^= change
    with pytest.raises(BackupError):
        decrypted(bytes(whole))


def test_fail__a_file_that_was_cut_or_joined_is_found() -> None:
    whole = encrypted(b"z" * (3 * CHUNK_BYTES))
    header = whole.index(b"\n", len(MAGIC)) + 1
    chunk = CHUNK_BYTES + TAG_BYTES
    for wrong in (
        whole[:-1],
        whole[: header + chunk],  # a whole chunk, but not the last
        whole[: header + 2 * chunk],
        whole[:header] + whole[header + chunk :],
        whole + whole[header:],
        whole[:header] + whole[header + chunk : header + 2 * chunk] + whole[header:],
        whole[:header],
    ):
        with pytest.raises(BackupError):
            decrypted(wrong)


@pytest.mark.parametrize(
    "header",
    [
        b"{}",
        b"no json",
        b"[" * 999,
        b"",
        json.dumps({"kdf": "scrypt", "n": 2**30, "r": 8, "p": 1, "salt": "00"}).encode(),
        json.dumps({"kdf": "scrypt", "n": 2**20, "r": 8, "p": 1, "salt": "00"}).encode(),
        json.dumps({"kdf": "scrypt", "n": 2**14, "r": 2000, "p": 1, "salt": "00"}).encode(),
        json.dumps({"kdf": "scrypt", "n": "x", "r": 8, "p": 1, "salt": "00"}).encode(),
    ],
)
def test_fail__a_hostile_header_is_refused(header: bytes) -> None:
    with pytest.raises(BackupError, match=r"the header is damaged"):
        decrypted(MAGIC + header + b"\n" + bytes(100))


def test_fail__another_kind_of_file_is_refused() -> None:
    with pytest.raises(BackupError, match="not a backup of Plategate"):
        decrypted(b"PK\x03\x04 a zip file")
