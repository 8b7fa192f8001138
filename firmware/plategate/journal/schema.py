# SPDX-License-Identifier: Apache-2.0
"""Open the journal's SQLite file with its tables, so that a commit is on the disk when it returns.

A passage that was forgotten leaves its two hashes, so that the chain over the others still holds.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from plategate.storage import open_for_reading, open_for_writing

FILE_NAME = "journal.sqlite"
VERSION = 1
WAIT_S = 5.0  # for the lock of another connection

SCHEMA = """
CREATE TABLE grants (
    passage_id TEXT PRIMARY KEY,
    lane       TEXT NOT NULL,
    plate      TEXT NOT NULL,
    granted_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE passages (
    sequence     INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT UNIQUE,
    triggered_at TEXT,
    class        TEXT,
    document     TEXT,
    content_hash BLOB NOT NULL,
    chain_hash   BLOB NOT NULL
);
CREATE INDEX passages_by_age ON passages (class, triggered_at);
CREATE TABLE evidence (
    sequence INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    file     TEXT NOT NULL,
    sha256   TEXT NOT NULL,
    bytes    INTEGER NOT NULL,
    PRIMARY KEY (sequence, kind)
) WITHOUT ROWID;
CREATE TABLE outbox (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    passage_id TEXT NOT NULL,
    kind       TEXT NOT NULL,
    body       TEXT NOT NULL,
    queued_at  TEXT NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    next_at    TEXT NOT NULL
);
"""


def open_database(file: Path | None) -> sqlite3.Connection:
    """Open for writing; the tables are created where they are missing. None opens it in memory."""
    database = open_for_writing(file, WAIT_S)
    try:
        _prepare(database)
    except BaseException:
        database.close()
        raise
    return database


def open_read_only(file: Path) -> sqlite3.Connection:
    """Open for reading only, also while a gate writes."""
    return open_for_reading(file, WAIT_S)


def _prepare(database: sqlite3.Connection) -> None:
    # Deleted rows are personal data: they are overwritten, not merely unlinked.
    database.execute("PRAGMA secure_delete = ON")
    database.execute("PRAGMA cache_size = -1024")
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version == 0:
        database.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
    elif version != VERSION:
        raise sqlite3.DatabaseError(f"journal of version {version}, this program knows {VERSION}")
