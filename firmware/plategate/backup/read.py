# SPDX-License-Identifier: Apache-2.0
"""Read and check a backup: decrypt it into a folder, compare every hash, open every database."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from plategate.backup.create import ABOUT, DATABASE, FORMAT, MANIFEST, About
from plategate.backup.encryption import DecryptingReader
from plategate.durable_files import new_file
from plategate.errors import BackupError, reason_of

COPY_BYTES = 1 << 20
LARGEST_TEXT_BYTES = 64_000_000  # of the manifest: a million pictures


def unpack(source: BinaryIO, passphrase: str, name: str, folder: Path) -> About:
    """Decrypt a backup into an empty folder and check all of it; returns what it is.

    Nothing is used before everything is checked. Raises BackupError naming file and cause.
    """
    about: About | None = None
    manifest: dict[str, str] | None = None
    hashes: dict[str, str] = {}
    try:
        decrypted = DecryptingReader(source, passphrase, name)
        with tarfile.open(fileobj=cast(BinaryIO, decrypted), mode="r|gz") as archive:
            for member in archive:
                if member.name == ABOUT:
                    about = _about(_text_of(archive, member, name), name)
                elif member.name == MANIFEST:
                    manifest = _text_of(archive, member, name)
                else:
                    hashes[member.name] = _extract(archive, member, folder, name)
        # Bytes after the archive are checked too.
        while decrypted.read(COPY_BYTES):
            pass
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise BackupError(f"{name}: the archive is damaged: {error}") from error
    except OSError as error:
        raise BackupError(f"{error.filename or folder}: {reason_of(error)}") from error
    if about is None or manifest is None:
        raise BackupError(f"{name}: has no {ABOUT} or no {MANIFEST}; it is not complete")
    if hashes != manifest:
        wrong = sorted(hashes.items() ^ manifest.items())[0][0]
        raise BackupError(f"{name}: {wrong} is missing or differs from {MANIFEST}")
    for file in sorted(folder.rglob(f"*{DATABASE}")):
        _check_database(file, name)
    return about


def _about(found: Any, name: str) -> About:
    try:
        if found["format"] > FORMAT:
            raise BackupError(
                f"{name}: was written by version {found['version']}, in a format that this version"
                " does not read; install that version or a newer one first"
            )
        return About(**{**found, "parts": tuple(found["parts"])})
    except (KeyError, TypeError) as error:
        raise BackupError(f"{name}: {ABOUT} is damaged: {error}") from error


def _text_of(archive: tarfile.TarFile, member: tarfile.TarInfo, name: str) -> Any:
    stream = archive.extractfile(member)
    if stream is None or member.size > LARGEST_TEXT_BYTES:
        raise BackupError(f"{name}: {member.name} is not a file, or is too large")
    return json.loads(stream.read())


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, name: str) -> str:
    """Write one member below `folder`; returns its SHA-256."""
    path = PurePosixPath(member.name)
    if not member.isfile() or path.is_absolute() or ".." in path.parts or len(path.parts) < 2:
        raise BackupError(f"{name}: {member.name!r} is not a file of a backup")
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    stream = archive.extractfile(member)
    assert stream is not None
    digest = hashlib.sha256()
    with new_file(target, 0o600) as written:
        while part := stream.read(COPY_BYTES):
            digest.update(part)
            written.write(part)
    return digest.hexdigest()


def _check_database(file: Path, name: str) -> None:
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
            (found,) = database.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        found = str(error)
    if found != "ok":
        raise BackupError(f"{name}: {file.name} is damaged: {found}")
