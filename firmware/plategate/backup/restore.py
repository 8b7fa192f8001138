# SPDX-License-Identifier: Apache-2.0
"""Put a checked backup in place on a device, and erase again what was erased after it was made.

The gate and the other units are stopped meanwhile; the journal's lock proves that of the gate. Each
file is written as the owner of its folder: root must not write where another user could have put a
link.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from plategate.backup.create import DATABASE, About
from plategate.backup.parts import JOURNAL, OWNER_SETTINGS, PRIVACY, SETTINGS, Part, parts
from plategate.backup.scratch import PREFIX
from plategate.durable_files import new_file, sync_folder
from plategate.errors import BackupError, SettingsError, StoreError, reason_of
from plategate.journal.opening import is_owned
from plategate.plate_data.hashing import KEY_FILE, key_name, plate_hash, read_key
from plategate.plate_data.interfaces import EraseRequest
from plategate.plate_data.tombstones import (
    FILE_NAME,
    Tombstone,
    Tombstones,
    hashes_since,
    read_tombstones,
)
from plategate.plates.text import canonical
from plategate.privacy.registry import StoreErasure, erase_everywhere
from plategate.settings import Settings, load_settings
from plategate.users import as_owner_of

# Words of a text that may be a plate together: "M", "AB", "123".
MOST_WORDS = 4
_WORD = re.compile(r"\w+")
PLATE_LENGTHS = range(2, 13)
GROUP_READS, OWNER_READS = 0o640, 0o600
# Parts that only their owner may read.
PRIVATE = ("console", "outbound")


def restored_settings(unpacked: Path, about: About) -> Settings:
    """The settings of the backup, as this version reads them; raises BackupError."""
    file = unpacked / SETTINGS / about.settings
    if not file.exists():
        raise BackupError(f"the backup has no settings file {about.settings}")
    try:
        return load_settings(file)
    except SettingsError as error:
        raise BackupError(
            f"this version does not accept the settings of version {about.version}: {error};"
            " use --keep-settings, or install that version"
        ) from error


def put_in_place(
    unpacked: Path,
    about: About,
    settings: Settings,
    config: Path,
    *,
    keep_settings: bool,
    force: bool,
) -> int:
    """Replace the files of the device by those of the backup; returns their number.

    Without `force` nothing is replaced where lists, accounts or a journal are there already. Raises
    BackupError, StoreError.
    """
    found = parts(settings, config, journal=JOURNAL in about.parts)
    if settings.journal.dir.exists() and is_owned(settings.journal.dir):
        raise BackupError("the gate is running; stop it first: sudo systemctl stop 'plategate-*'")
    chosen = [
        part for part in found if not (keep_settings and part.name in (SETTINGS, OWNER_SETTINGS))
    ]
    if not force:
        _check_empty(chosen)
    count = 0
    try:
        for part in chosen:
            count += _put_part(part, unpacked / part.name, config)
    except OSError as error:
        raise BackupError(
            f"{error.filename}: {reason_of(error)}; correct that and restore again with --force"
        ) from error
    return count


def proofs_in(unpacked: Path) -> list[Tombstone]:
    """The proofs of erasure that a backup has. Raises StoreError."""
    return read_tombstones(unpacked / PRIVACY / FILE_NAME)


def erase_again(
    settings: Settings,
    about: About,
    stones: Iterable[Tombstone],
    earlier: Iterable[Tombstone],
    who: str,
) -> dict[str, list[StoreErasure]]:
    """Erase the plates that were erased after the backup was made; results by plate hash.

    These are the proofs that are not among the `earlier` ones in the backup, whatever their time:
    the clock may have been set back. They become proofs of this device. Raises StoreError,
    SettingsError.
    """
    folder = settings.privacy.dir
    if not (folder / KEY_FILE).exists():
        return {}
    key = read_key(folder / KEY_FILE)
    known = {stone.plate: stone for stone in Tombstones(folder).all()}
    since = datetime.fromisoformat(about.made_at)
    later = [s for s in stones if s.key == key_name(key)]
    backed_up = frozenset(earlier)
    wanted = hashes_since(later, key_name(key), since)
    wanted |= {stone.plate for stone in later if stone not in backed_up}
    known |= {stone.plate: stone for stone in later if stone.plate in wanted}
    Tombstones(folder).write(sorted(known.values(), key=lambda stone: stone.at))
    results = {}
    for plate in sorted(_plates_of(settings, key, wanted)):
        asked = EraseRequest(plate, who, "erased before the backup was restored", folder, held=True)
        results[plate_hash(plate, key)] = erase_everywhere(settings, asked)
    return results


def _plates_of(settings: Settings, key: bytes, wanted: frozenset[str]) -> set[str]:
    """The plates in all databases whose hash is wanted, also within notes."""
    if not wanted:
        return set()
    checked: dict[str, bool] = {}
    for part in parts(settings, Path("/nonexistent/settings.toml"), journal=True):
        for file in part.files():
            if file.suffix == DATABASE:
                for text in _texts_of(file):
                    for plate in _candidates(text):
                        if plate not in checked:
                            checked[plate] = plate_hash(plate, key) in wanted
    return {plate for plate, found in checked.items() if found}


def _candidates(text: str) -> Iterator[str]:
    words = [canonical(word) for word in _WORD.findall(text)]
    for start in range(len(words)):
        plate = ""
        for word in words[start : start + MOST_WORDS]:
            plate += word
            if len(plate) in PLATE_LENGTHS:
                yield plate


def _texts_of(file: Path) -> Iterator[str]:
    """Every text of every table of a database."""
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
            tables = "SELECT name FROM pragma_table_list WHERE type = 'table' AND schema = 'main'"
            for (table,) in database.execute(tables).fetchall():
                if table.startswith("sqlite_"):
                    continue
                for row in database.execute(f'SELECT * FROM "{table}"'):
                    yield from (value for value in row if isinstance(value, str))
    except sqlite3.Error as error:
        raise StoreError(f"{file}: cannot be searched for erased plates: {error}") from error


def _check_empty(chosen: Iterable[Part]) -> None:
    for part in chosen:
        if part.name in ("lists", "console", JOURNAL):
            for file in part.files():
                if file.suffix == DATABASE:
                    raise BackupError(
                        f"{file} is there already; --force replaces what this device has"
                    )


def _put_part(part: Part, source: Path, config: Path) -> int:
    """Put the files of one part in place, as the user to whom their folder belongs."""
    if not source.is_dir():
        return 0
    part.folder.mkdir(parents=True, exist_ok=True)
    if part.name == JOURNAL:
        with as_owner_of(part.folder):
            _remove_journal(part.folder)
    mode = OWNER_READS if part.name in PRIVATE else GROUP_READS
    files = sorted(path for path in source.rglob("*") if path.is_file())
    for file in files:
        target = part.folder / file.relative_to(source)
        if part.name == SETTINGS and file == source / config.name:
            target = config
        with file.open("rb") as stream, as_owner_of(part.folder):
            target.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            _write(stream, target, mode)
    return len(files)


def _write(stream: BinaryIO, target: Path, mode: int) -> None:
    """Replace a file durably; a database loses the log of the one before it."""
    scratch = target.with_name(f"{PREFIX}{target.name}")
    scratch.unlink(missing_ok=True)
    with new_file(scratch, mode) as written:
        shutil.copyfileobj(stream, written)
        if os.geteuid() == 0:
            # A folder of root: its group may read, such as plategate-settings.
            os.fchown(written.fileno(), -1, target.parent.stat().st_gid)
        os.fchmod(written.fileno(), mode)
        written.flush()
        os.fsync(written.fileno())
    for log in ("-wal", "-shm"):
        target.with_name(target.name + log).unlink(missing_ok=True)
    scratch.replace(target)
    sync_folder(target.parent)


def _remove_journal(folder: Path) -> None:
    """Pictures, waiting events and grants of a journal that is replaced belong to no passage."""
    shutil.rmtree(folder / "evidence", ignore_errors=True)
    for name in ("journal.waiting", "grants.reserve"):
        (folder / name).unlink(missing_ok=True)
