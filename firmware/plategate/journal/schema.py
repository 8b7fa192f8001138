# SPDX-License-Identifier: Apache-2.0
"""Open the journal's SQLite file with its tables, so that a commit is on the disk when it returns.

A passage that was forgotten leaves its two hashes, so that the chain over the others still holds.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

FILE_NAME = "journal.sqlite"
VERSION = 1
# Where the disk is filling, the write-ahead log must not grow on: 1 MB is some fifty passages.
WAL_LIMIT_BYTES = 1_048_576

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


def open_database(file: Path) -> sqlite3.Connection:
    """Open for writing; the tables are made where they are missing."""
    database = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=5.0)
    try:
        _prepare(database)
    except BaseException:
        database.close()
        raise
    return database


def open_for_reading(file: Path) -> sqlite3.Connection:
    """Open beside a running gate, without being able to change anything."""
    database = sqlite3.connect(
        f"{file.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=5.0
    )
    database.execute("PRAGMA query_only = ON")
    return database


def _prepare(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA journal_mode = WAL")
    # FULL: every commit reaches the disk; a grant is one before the relay moves.
    database.execute("PRAGMA synchronous = FULL")
    # What is deleted is personal data: overwrite it, do not merely unlink it.
    database.execute("PRAGMA secure_delete = ON")
    database.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}")
    database.execute("PRAGMA cache_size = -1024")
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version == 0:
        database.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
    elif version != VERSION:
        raise sqlite3.DatabaseError(f"journal of version {version}, this program knows {VERSION}")
