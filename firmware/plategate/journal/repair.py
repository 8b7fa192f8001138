# SPDX-License-Identifier: Apache-2.0
"""Set a damaged journal aside and carry over into a new one what can still be read.

Nothing is repaired in place: the damaged file stays as it was found, for a time.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from plategate.journal import schema
from plategate.storage import StorageFault, fault_of

log = logging.getLogger(__name__)

# A check reads the whole file; beyond this size it would hold up the start.
CHECKED_AT_START_BYTES = 16_000_000
MOST_UNREADABLE_ROWS = 5_000
# No database at all, or no such table: there is nothing to go on to.
HOPELESS = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
SET_ASIDE = "journal.damaged-"
TABLES = {
    "grants": ("passage_id", ("passage_id", "lane", "plate", "granted_at")),
    "passages": (
        "sequence",
        (
            "sequence",
            "id",
            "triggered_at",
            "class",
            "document",
            "content_hash",
            "chain_hash",
        ),
    ),
    "evidence": ("sequence", ("sequence", "kind", "file", "sha256", "bytes")),
    "outbox": (
        "id",
        ("id", "passage_id", "kind", "body", "queued_at", "attempts", "next_at"),
    ),
}


def open_or_rebuild(folder: Path, now: datetime) -> tuple[sqlite3.Connection, str | None]:
    """Open the journal; where it is damaged, rebuild it and return a sentence about that."""
    file = folder / schema.FILE_NAME
    try:
        database = schema.open_database(file)
    except sqlite3.DatabaseError as error:
        if fault_of(error) is not StorageFault.DAMAGED:
            raise
        return rebuild(folder, now, str(error))
    damage = _damage(database, file)
    if damage is None:
        return database, None
    database.close()
    return rebuild(folder, now, damage)


def rebuild(folder: Path, now: datetime, damage: str) -> tuple[sqlite3.Connection, str]:
    """Set the file aside, make a new one and carry over every row that can be read."""
    aside = _set_aside(folder, now)
    database = schema.open_database(folder / schema.FILE_NAME)
    counts = dict.fromkeys(TABLES, 0)
    try:
        source = sqlite3.connect(aside, isolation_level=None)
        try:
            for table in TABLES:
                counts[table] = _carry_over(source, database, table)
        finally:
            source.close()
    except sqlite3.DatabaseError as error:
        log.warning("the damaged journal %s cannot be opened: %s", aside, error)
    sentence = (
        f"the journal was damaged ({damage}); it is set aside as {aside.name}, "
        f"{counts['passages']} passages were carried over into a new one"
    )
    return database, sentence


def _damage(database: sqlite3.Connection, file: Path) -> str | None:
    try:
        if file.stat().st_size <= CHECKED_AT_START_BYTES:
            (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
            return None if found == "ok" else str(found)
        newest = "SELECT document FROM passages ORDER BY sequence DESC LIMIT 100"
        database.execute(newest).fetchall()
        database.execute("SELECT count(*) FROM grants").fetchone()
    except sqlite3.DatabaseError as error:
        return str(error)
    return None


def _set_aside(folder: Path, now: datetime) -> Path:
    name = f"{SET_ASIDE}{now.strftime('%Y%m%dT%H%M%S')}.sqlite"
    for suffix in ("-wal", "-shm", ""):
        file = folder / (schema.FILE_NAME + suffix)
        if file.exists():
            file.replace(folder / (name + suffix))
    return folder / name


def _carry_over(source: sqlite3.Connection, target: sqlite3.Connection, table: str) -> int:
    key, columns = TABLES[table]
    names = ", ".join(columns)
    marks = ", ".join("?" for _ in columns)
    before = target.total_changes
    target.execute("BEGIN")
    for row in _readable_rows(source, f"SELECT {names} FROM {table}", key):
        target.execute(f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})", row)
    target.execute("COMMIT")
    return target.total_changes - before


def _readable_rows(
    source: sqlite3.Connection, select: str, key: str
) -> Iterator[tuple[object, ...]]:
    """Rows in the order of their key; where a page is broken, go on behind it."""
    after: object = "" if key == "passage_id" else -1
    failures = 0
    while failures < MOST_UNREADABLE_ROWS:
        try:
            for row in source.execute(f"{select} WHERE {key} > ? ORDER BY {key}", (after,)):
                after, failures = row[0], 0
                yield row
            return
        except sqlite3.DatabaseError as error:
            if not isinstance(after, int) or error.sqlite_errorcode in HOPELESS:
                log.warning("the damaged journal ends early: %s (%s)", error, select)
                return
            after += 1
            failures += 1
