# SPDX-License-Identifier: Apache-2.0
"""The tables of the journal: their layout, their creation and their migration.

`passages` holds every event, passages and others, in one sequence. The name, and a NULL `id` for
what is not a passage, let version 0.1.0 go on with the file after a downgrade. A row that was
forgotten keeps its two hashes, so that the hash chain over the others still holds. `reduced` is the
document of a passage whose plate became a hash after a time (`unknown`); `document` is NULL then.
Indexes find the events of a passage and those of a name without reading every document.
"""

from __future__ import annotations

import secrets
import sqlite3
from pathlib import Path

from plategate.journal.holds import LAYOUT as HOLDS
from plategate.storage import open_for_reading, open_for_writing, transaction

FILE_NAME = "journal.sqlite"
VERSION = 1  # of the format; firmware/system/formats has it too
READ_WAIT_S = 5.0
# A write that finds the database locked is repeated by `store`, without holding its own lock.
WRITE_WAIT_S = 0.0
MIGRATION_WAIT_S = 10.0

LAYOUT = """
CREATE TABLE IF NOT EXISTS grants (
    passage_id TEXT PRIMARY KEY,
    lane       TEXT NOT NULL,
    plate      TEXT NOT NULL,
    granted_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS passages (
    sequence     INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT UNIQUE,
    triggered_at TEXT,
    class        TEXT,
    document     TEXT,
    content_hash BLOB NOT NULL,
    chain_hash   BLOB NOT NULL,
    kind         TEXT NOT NULL DEFAULT 'passage',
    reduced      TEXT
);
CREATE INDEX IF NOT EXISTS passages_by_age ON passages (class, triggered_at);
CREATE TABLE IF NOT EXISTS evidence (
    sequence INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    file     TEXT NOT NULL,
    sha256   TEXT NOT NULL,
    bytes    INTEGER NOT NULL,
    PRIMARY KEY (sequence, kind)
) WITHOUT ROWID;
"""
# Columns that older versions did not have, in the order in which they were added.
ADDED_COLUMNS = (("kind", "TEXT NOT NULL DEFAULT 'passage'"), ("reduced", "TEXT"))
# Condition on rows: neither forgotten nor erased.
PRESENT = "(document IS NOT NULL OR reduced IS NOT NULL)"
# Queries that use the indexes have these expressions, letter by letter, and kind = 'event'. The
# indexes take a damaged document too: a rebuilt journal keeps it.
_VALUE = "iif(json_valid(document), json_extract(document, '$.{}'), NULL)"
PASSAGE_OF_EVENT, NAME_OF_EVENT = _VALUE.format("passage_id"), _VALUE.format("what")
DETAIL_OF_EVENT, TIME_OF_EVENT = _VALUE.format("detail"), _VALUE.format("at")
INDEXES = {
    "events_of_passage": f"passages ({PASSAGE_OF_EVENT}) WHERE kind = 'event'",
    "events_by_name": f"passages ({NAME_OF_EVENT}) WHERE kind = 'event'",
}


class NewerFormatError(sqlite3.DatabaseError):
    """The journal has a format that this program does not know."""


def open_database(file: Path | None) -> sqlite3.Connection:
    """Open for writing; tables are created or migrated. None opens a journal in memory.

    Raises NewerFormatError, and then changes nothing; sqlite3.Error, OSError.
    """
    database = open_for_writing(file, WRITE_WAIT_S)
    try:
        # Deleted rows are personal data: they are overwritten, not merely unlinked.
        database.execute("PRAGMA secure_delete = ON")
        database.execute("PRAGMA cache_size = -1024")
        version = _checked_version(database)
        if version == 0 or not _is_migrated(database):
            database.execute(f"PRAGMA busy_timeout = {MIGRATION_WAIT_S * 1000:.0f}")
            _create_or_migrate(database)
            database.execute(f"PRAGMA busy_timeout = {WRITE_WAIT_S * 1000:.0f}")
    except BaseException:
        database.close()
        raise
    return database


def open_read_only(file: Path) -> sqlite3.Connection:
    """Open for reading only, also while a gate writes. Raises NewerFormatError, sqlite3.Error."""
    database = open_for_reading(file, READ_WAIT_S)
    try:
        _checked_version(database)
    except BaseException:
        database.close()
        raise
    return database


def _checked_version(database: sqlite3.Connection) -> int:
    """The format of the journal, 0 if it is empty; NewerFormatError for an unknown one."""
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version not in (0, VERSION):
        raise NewerFormatError(
            f"it has format {version}, written by a newer version of Plategate; this one knows"
            f" format {VERSION}: upgrade, or restore a backup that this version made"
        )
    return int(version)


def identity(database: sqlite3.Connection) -> int:
    """A random number of this journal: sequence numbers of another one mean other events."""
    (number,) = database.execute("PRAGMA application_id").fetchone()
    return int(number)


def set_identity(database: sqlite3.Connection, number: int) -> None:
    """Continue another journal: a rebuilt one keeps its identity."""
    database.execute(f"PRAGMA application_id = {number}")


def events_of(database: sqlite3.Connection) -> str:
    """The table of events, as SQL: a journal of 0.1.0 that no gate has migrated has no `kind`."""
    return "passages" if _has_kind(database) else "(SELECT *, 'passage' AS kind FROM passages)"


def shown_of(database: sqlite3.Connection) -> str:
    """The table of events for those who show them, as SQL: `document` may be the reduced one."""
    if not has_reduced(database):
        return events_of(database)
    return (
        "(SELECT sequence, id, triggered_at, class, kind, coalesce(document, reduced) AS document"
        " FROM passages)"
    )


def has_reduced(database: sqlite3.Connection) -> bool:
    """Whether a gate of this version has opened the journal."""
    return "reduced" in columns_of(database)


def _is_migrated(database: sqlite3.Connection) -> bool:
    """Whether the journal has what this version adds last."""
    query = "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND name IN (?, ?)"
    (found,) = database.execute(query, tuple(INDEXES)).fetchone()
    return bool(found == len(INDEXES))


def _has_kind(database: sqlite3.Connection) -> bool:
    return "kind" in columns_of(database)


def columns_of(database: sqlite3.Connection) -> list[str]:
    """The columns of the table of events."""
    return [name for (name,) in database.execute("SELECT name FROM pragma_table_info('passages')")]


def _create_or_migrate(database: sqlite3.Connection) -> None:
    """Version 0.1.0 had passages only, and an outbox whose consumers now read the journal."""
    with transaction(database):
        for statement in LAYOUT.split(";"):
            database.execute(statement)
        present = columns_of(database)
        for name, kind in ADDED_COLUMNS:
            if name not in present:
                database.execute(f"ALTER TABLE passages ADD COLUMN {name} {kind}")
        for name, columns in INDEXES.items():
            database.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {columns}")
        database.execute(HOLDS)
        database.execute("DROP TABLE IF EXISTS outbox")
        if not identity(database):
            set_identity(database, secrets.randbelow(2**31 - 1) + 1)
        database.execute(f"PRAGMA user_version = {VERSION}")
