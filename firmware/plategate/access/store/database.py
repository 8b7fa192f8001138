# SPDX-License-Identifier: Apache-2.0
"""The one SQLite file that holds lists and records: opening it, its layout, its transactions.

What stands in the tables is the business of `lists` and `records`. A reader sees the last whole
state while a writer works (WAL); a transaction that is cut off, by whatever, never was.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from plategate import storage
from plategate.errors import StoreError
from plategate.storage import storage_errors, transaction

LAYOUT_VERSION = 1
BUSY_TIMEOUT_S = 120.0  # a list of a million entries is written in less
MOST_VALUES = 900  # in one statement; SQLite allows at least 999
SHRINK_TIMEOUT_MS = 500

_LAYOUT = """
CREATE TABLE lists (
    name TEXT PRIMARY KEY,
    generation INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    serial INTEGER,
    source TEXT NOT NULL,
    replaced_at TEXT NOT NULL,
    confirmed_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE history (
    id INTEGER PRIMARY KEY,
    list TEXT NOT NULL,
    generation INTEGER NOT NULL,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    source TEXT NOT NULL,
    entries INTEGER NOT NULL,
    added INTEGER NOT NULL,
    removed INTEGER NOT NULL,
    changed INTEGER NOT NULL
);
"""


def open_for_reading(file: Path) -> sqlite3.Connection:
    """A connection that cannot change anything; raises StoreError where the file is missing."""
    with storage_errors(file):
        if not file.exists():
            raise StoreError(f"{file}: no lists have been imported yet")
        connection = storage.open_for_reading(file, BUSY_TIMEOUT_S)
        with _closed_on_failure(connection):
            connection.row_factory = sqlite3.Row
            _check_layout(connection, file)
    return connection


def open_for_writing(file: Path) -> sqlite3.Connection:
    """A connection that may replace lists; makes the file and its layout where they are missing."""
    with storage_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            # The gate and the sync are two users of one group; SQLite gives its logs the same mode.
            file.touch()
            file.chmod(0o660)
        connection = storage.open_for_writing(file, BUSY_TIMEOUT_S)
        with _closed_on_failure(connection):
            connection.row_factory = sqlite3.Row
            with transaction(connection):
                if _layout_of(connection) == 0:
                    for statement in _LAYOUT.split(";"):
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {LAYOUT_VERSION}")
            _check_layout(connection, file)
    return connection


def batches(values: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """The values in groups that fit into one statement."""
    left = iter(values)
    while batch := tuple(islice(left, MOST_VALUES)):
        yield batch


def shrink_log(connection: sqlite3.Connection) -> None:
    """Put the log of a big replacement back into the file, if no reader needs it any more."""
    connection.execute(f"PRAGMA busy_timeout = {SHRINK_TIMEOUT_MS}")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT_S * 1000)}")


@contextmanager
def _closed_on_failure(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _layout_of(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _check_layout(connection: sqlite3.Connection, file: Path) -> None:
    found = _layout_of(connection)
    if found != LAYOUT_VERSION:
        raise StoreError(
            f"{file}: layout {found}, but this version of Plategate knows {LAYOUT_VERSION}"
        )
