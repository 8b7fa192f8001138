# SPDX-License-Identifier: Apache-2.0
"""Keep backups in a folder, such as a USB stick: whole files, the newest of them, and the proofs.

`erased.jsonl` lies next to the backups: a plate that is erased later is erased again when one of
them is restored, also on a new device.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

from plategate.backup.create import About, write_backup
from plategate.backup.scratch import remove_unused
from plategate.durable_files import PARTIAL, new_file, put_in_place
from plategate.errors import BackupError, reason_of
from plategate.plate_data.hashing import KEY_FILE, key_name, read_key
from plategate.plate_data.tombstones import FILE_NAME, Tombstones, read_tombstones
from plategate.settings import Settings

SUFFIX = ".backup"
NAME = "plategate-"


def backup_to_folder(
    settings: Settings, config: Path, folder: Path, passphrase: str, *, journal: bool, keep: int
) -> tuple[Path, About]:
    """Write a backup to a folder and delete the oldest beyond `keep`; 0 keeps all.

    A file that a power cut tore has another name and is deleted at the next backup. Raises
    BackupError, StoreError.
    """
    if not folder.is_dir():
        raise BackupError(
            f"{folder}: there is no such folder; is the stick plugged in and mounted?"
        )
    host = "".join(c if c.isalnum() or c == "-" else "-" for c in os.uname().nodename)
    file = folder / f"{NAME}{host}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}{SUFFIX}"
    partial = file.with_name(file.name + PARTIAL)
    try:
        for torn in folder.glob(f"{NAME}*{SUFFIX}{PARTIAL}"):
            remove_unused(torn)
        unfinished = new_file(partial, 0o600)
    except OSError as error:
        raise BackupError(f"{error.filename or folder}: {reason_of(error)}") from error
    try:
        with unfinished as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)  # another backup does not take it for a torn one
            about = write_backup(settings, config, stream, passphrase, journal=journal)
        put_in_place(partial, file)
        if keep:
            for old in sorted(folder.glob(f"{NAME}{host}-*{SUFFIX}"))[:-keep]:
                old.unlink()
        copy_proofs(settings.privacy.dir, folder)
    except OSError as error:
        partial.unlink(missing_ok=True)
        room = shutil.disk_usage(folder).free // 1_000_000
        raise BackupError(
            f"{error.filename or file}: {reason_of(error)} ({room} MB are free)"
        ) from error
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return file, about


def copy_proofs(state: Path, folder: Path) -> None:
    """Bring the proofs of erasure next to the backups up to date; those of other devices stay.

    Raises StoreError, SettingsError.
    """
    if not (state / KEY_FILE).exists():
        return
    own = key_name(read_key(state / KEY_FILE))
    others = [each for each in read_tombstones(folder / FILE_NAME) if each.key != own]
    found = sorted(others + Tombstones(state).all(), key=lambda stone: stone.at)
    if found or (folder / FILE_NAME).exists():
        Tombstones(folder).write(found)
