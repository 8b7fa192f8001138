# SPDX-License-Identifier: Apache-2.0
"""Set a damaged journal aside and copy into a new one what can still be read.

Nothing is repaired in place: the damaged files are kept as they were found, for a time.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from plategate.journal import database as tables
from plategate.storage import StorageFault, fault_of, open_snapshot, transaction

log = logging.getLogger(__name__)

# A check reads the whole file; above this size it would delay the start.
CHECKED_AT_START_BYTES = 16_000_000
MOST_UNREADABLE_ROWS = 5_000
# Not a database, or no such table: no row can be read.
HOPELESS = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
SET_ASIDE = "journal.damaged-"
# Sequence numbers that a consumer may have seen, but which could not be read, are not used again.
SEQUENCE_GAP = 10_000
COPIED_AT_ONCE = 50

EVENT_COLUMNS = (
    "sequence",
    "id",
    "triggered_at",
    "class",
    "document",
    "content_hash",
    "chain_hash",
)


@dataclass
class _Copied:
    passages: int = 0
    full: bool = False


def open_or_rebuild(folder: Path, now: datetime) -> tuple[sqlite3.Connection, str | None]:
    """Open the journal; where it is damaged, rebuild it and return a sentence about that."""
    file = folder / tables.FILE_NAME
    if file.exists() and (damage := _damage(file)) is not None:
        return rebuild(folder, now, damage)
    try:
        return tables.open_database(file), None
    except sqlite3.DatabaseError as error:
        if fault_of(error) is not StorageFault.DAMAGED:
            raise
        return rebuild(folder, now, str(error))


def rebuild(folder: Path, now: datetime, damage: str) -> tuple[sqlite3.Connection, str]:
    """Set the files aside, create a new journal and copy every row that can be read.

    The newest events are copied first. Where the disk is full, the others stay in the file that was
    set aside, and the sentence says so. Raises sqlite3.Error, OSError where there is no space even
    for an empty journal; the damaged files are then where they were.
    """
    aside = _set_aside(folder, now)
    try:
        database = tables.open_database(folder / tables.FILE_NAME)
    except (sqlite3.Error, OSError):
        _put_back(folder, aside)
        raise
    copied = _Copied()
    try:
        with closing(open_snapshot(aside)) as source:
            _copy(source, database, copied)
    except sqlite3.Error as error:
        if fault_of(error) is StorageFault.FULL:
            copied.full = True
        log.warning("copying from the damaged journal %s ended early: %s", aside, error)
    sentence = (
        f"the journal was damaged ({damage}); it is set aside as {aside.name}, "
        f"{copied.passages} passages were carried over into a new one"
    )
    if copied.full:
        sentence += "; the disk is full, older passages are in the file that was set aside only"
    return database, sentence


def _damage(file: Path) -> str | None:
    """What is wrong with the file, found without changing it; None for a good one."""
    try:
        with closing(open_snapshot(file)) as database:
            if file.stat().st_size <= CHECKED_AT_START_BYTES:
                (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
                return None if found == "ok" else str(found)
            newest = "SELECT document FROM passages ORDER BY sequence DESC LIMIT 100"
            database.execute(newest).fetchall()
            database.execute("SELECT count(*) FROM grants").fetchone()
    except sqlite3.Error as error:
        return str(error) if fault_of(error) is StorageFault.DAMAGED else None
    return None


def _set_aside(folder: Path, now: datetime) -> Path:
    name = f"{SET_ASIDE}{now.strftime('%Y%m%dT%H%M%S')}.sqlite"
    (folder / (tables.FILE_NAME + "-shm")).unlink(missing_ok=True)
    for suffix in ("-wal", ""):
        file = folder / (tables.FILE_NAME + suffix)
        if file.exists():
            file.replace(folder / (name + suffix))
    return folder / name


def _put_back(folder: Path, aside: Path) -> None:
    for suffix in ("-shm", "-wal", ""):
        (folder / (tables.FILE_NAME + suffix)).unlink(missing_ok=True)
        file = aside.with_name(aside.name + suffix)
        if file.exists():
            file.replace(folder / (tables.FILE_NAME + suffix))


def _copy(source: sqlite3.Connection, target: sqlite3.Connection, copied: _Copied) -> None:
    if number := tables.identity(source):
        tables.set_identity(target, number)
    with transaction(target):
        for row in _readable_rows(
            source, "grants", "passage_id", "passage_id, lane, plate, granted_at"
        ):
            target.execute("INSERT OR IGNORE INTO grants VALUES (?, ?, ?, ?)", row)
        if "reduced" in tables.columns_of(source):
            for row in _readable_rows(source, "holds", "passage_id", "passage_id, at, who, why"):
                target.execute("INSERT OR IGNORE INTO holds VALUES (?, ?, ?, ?)", row)
    sequences = [
        int(str(row[0])) for row in _readable_rows(source, "passages", "sequence", "sequence")
    ]
    if not sequences:
        return
    _continue_after(target, _newest_sequence(source, max(sequences)) + SEQUENCE_GAP)
    columns = EVENT_COLUMNS + tuple(
        name for name, _ in tables.ADDED_COLUMNS if name in tables.columns_of(source)
    )
    for start in range(len(sequences), 0, -COPIED_AT_ONCE):
        batch = sequences[max(0, start - COPIED_AT_ONCE) : start]
        with transaction(target):
            passages = sum(_copy_event(source, target, number, columns) for number in batch)
        copied.passages += passages


def _copy_event(
    source: sqlite3.Connection,
    target: sqlite3.Connection,
    sequence: int,
    columns: tuple[str, ...],
) -> int:
    """Copy one row with its pictures; 1 if it is a passage."""
    names = ", ".join(columns)
    try:
        row = source.execute(
            f"SELECT {names} FROM passages WHERE sequence = ?", (sequence,)
        ).fetchone()
    except sqlite3.Error as error:
        log.warning("event %d of the damaged journal cannot be read: %s", sequence, error)
        return 0
    try:
        pictures = source.execute(
            "SELECT * FROM evidence WHERE sequence = ?", (sequence,)
        ).fetchall()
    except sqlite3.Error as error:
        log.warning("event %d of the damaged journal: no pictures: %s", sequence, error)
        pictures = []
    if row is None:
        return 0
    marks = ", ".join("?" for _ in columns)
    target.execute(f"INSERT OR IGNORE INTO passages ({names}) VALUES ({marks})", row)
    target.executemany("INSERT OR IGNORE INTO evidence VALUES (?, ?, ?, ?, ?)", pictures)
    return int(row[1] is not None)


def _newest_sequence(source: sqlite3.Connection, readable: int) -> int:
    try:
        row = source.execute("SELECT seq FROM sqlite_sequence WHERE name = 'passages'").fetchone()
    except sqlite3.Error:
        return readable
    return max(readable, int(row[0])) if row else readable


def _continue_after(target: sqlite3.Connection, sequence: int) -> None:
    with transaction(target):
        target.execute("DELETE FROM sqlite_sequence WHERE name = 'passages'")
        target.execute("INSERT INTO sqlite_sequence VALUES ('passages', ?)", (sequence,))


def _readable_rows(
    source: sqlite3.Connection, table: str, key: str, columns: str
) -> Iterator[tuple[object, ...]]:
    """Rows in the order of their key; behind a broken page the reading goes on."""
    after: object = "" if key == "passage_id" else -1
    failures = 0
    select = f"SELECT {columns} FROM {table} NOT INDEXED WHERE {key} > ? ORDER BY {key}"
    while failures < MOST_UNREADABLE_ROWS:
        try:
            for row in source.execute(select, (after,)):
                after, failures = row[0], 0
                yield row
            return
        except sqlite3.DatabaseError as error:
            if not isinstance(after, int) or error.sqlite_errorcode in HOPELESS:
                log.warning("the damaged journal ends early: %s (%s)", error, select)
                return
            after += 1
            failures += 1
