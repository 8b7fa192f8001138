# SPDX-License-Identifier: Apache-2.0
"""Write a backup while the gate works: a TAR file, compressed and encrypted.

Databases are copied with SQLite's backup function in one read transaction: neither does the gate
wait, nor is the copy torn. Copies are made in a folder that only root reads, and removed.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO, cast

from plategate.backup.encryption import EncryptingWriter
from plategate.backup.parts import JOURNAL, Part, parts
from plategate.backup.scratch import scratch_folder
from plategate.errors import BackupError, reason_of
from plategate.settings import Settings
from plategate.storage import open_for_reading

FORMAT = 1
ABOUT, MANIFEST = "about.json", "manifest.json"
DATABASE = ".sqlite"
WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class About:
    """The first member of a backup: when and with which version it was made, and what it has."""

    format: int
    version: str
    made_at: str
    host: str
    parts: tuple[str, ...]
    settings: str  # name of the settings file in the part "settings"


def write_backup(
    settings: Settings, config: Path, target: BinaryIO, passphrase: str, *, journal: bool
) -> About:
    """Write a backup to a stream. Raises BackupError, StoreError."""
    found = parts(settings, config, journal=journal)
    about = About(
        FORMAT,
        version("plategate"),
        datetime.now(UTC).isoformat(timespec="seconds"),
        os.uname().nodename,
        tuple(part.name for part in found),
        config.name,
    )
    hashes: dict[str, str] = {}
    try:
        with (
            scratch_folder(settings.privacy.dir) as scratch,
            closing(EncryptingWriter(target, passphrase)) as encrypted,
            tarfile.open(
                fileobj=cast(BinaryIO, encrypted), mode="w|gz", format=tarfile.PAX_FORMAT
            ) as archive,
        ):
            _add_bytes(archive, ABOUT, _json(asdict(about)))
            for part in found:
                for name, file in _contents(part, scratch):
                    hashes[name] = _add_file(archive, name, file)
            _add_bytes(archive, MANIFEST, _json(hashes))
    except (OSError, tarfile.TarError) as error:
        raise BackupError(
            f"{getattr(error, 'filename', None) or 'the backup'}: {reason_of(error)}"
        ) from error
    return about


def _contents(part: Part, scratch: Path) -> Iterator[tuple[str, Path]]:
    """Name in the archive and file to read, for each file of a part; databases come last."""
    databases = []
    for file in part.files():
        name = f"{part.name}/{file.relative_to(part.folder)}"
        if file.suffix == DATABASE:
            databases.append((name, _copy_of(file, scratch)))
        elif part.name != JOURNAL:
            yield name, file
    for name, copy in databases:
        if part.name == JOURNAL:
            yield from _journal_files(part, copy, scratch)
        yield name, copy
        copy.unlink()


def _journal_files(part: Part, copy: Path, scratch: Path) -> Iterator[tuple[str, Path]]:
    """The key and the pictures that the copy of the journal names.

    A picture that is deleted in time meanwhile is taken out of the copy.
    """
    key = part.folder / "plate.key"
    if key.exists():
        yield f"{part.name}/{key.name}", key
    with closing(sqlite3.connect(copy)) as database:
        database.execute("PRAGMA secure_delete = ON")
        for (name,) in database.execute("SELECT file FROM evidence").fetchall():
            held = scratch / "picture"
            try:
                if not name.startswith("evidence/") or ".." in Path(name).parts:
                    raise FileNotFoundError(name)
                shutil.copyfile(part.folder / name, held, follow_symlinks=False)
            except FileNotFoundError:
                database.execute("DELETE FROM evidence WHERE file = ?", (name,))
                continue
            yield f"{part.name}/{name}", held
        database.commit()


def _copy_of(file: Path, scratch: Path) -> Path:
    """A consistent copy of a database that others may write meanwhile."""
    copy = scratch / f"{hashlib.sha256(bytes(file)).hexdigest()[:16]}{DATABASE}"
    try:
        with (
            closing(open_for_reading(file, WAIT_S)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise BackupError(f"{file}: cannot be copied: {error}") from error
    return copy


def _add_file(archive: tarfile.TarFile, name: str, file: Path) -> str:
    """Add a file as it is at this moment; returns its SHA-256."""
    with file.open("rb") as stream:
        content = stream.read() if file.stat().st_size < tarfile.BLOCKSIZE * 2048 else None
        if content is not None:
            return _add_bytes(archive, name, content)
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        stream.seek(0)
        found = tarfile.TarInfo(name)
        found.size, found.mode = file.stat().st_size, 0o600
        archive.addfile(found, stream)
    return digest


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> str:
    found = tarfile.TarInfo(name)
    found.size, found.mode = len(content), 0o600
    archive.addfile(found, io.BytesIO(content))
    return hashlib.sha256(content).hexdigest()


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1).encode() + b"\n"
