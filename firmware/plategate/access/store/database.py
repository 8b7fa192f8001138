# SPDX-License-Identifier: Apache-2.0
"""The SQLite file of lists and records: opening, layout, transactions, connections per thread.

`lists` and `vehicles` define the contents of the tables. Readers see the last committed state while
a writer works (WAL mode); an interrupted transaction has no effect.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from plategate import storage
from plategate.errors import StoreError
from plategate.storage import empty_log, is_current, storage_errors, transaction

LAYOUT_VERSION = 1
BUSY_TIMEOUT_S = 120.0  # writing a list of a million entries takes less
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


class ThreadConnections:
    """One reading connection per thread, reopened when the file has been replaced."""

    def __init__(self, file: Path) -> None:
        """Open nothing yet; the file may be created later."""
        self._file = file
        self._local = threading.local()
        self._all: list[sqlite3.Connection] = []
        self._lock = threading.Lock()

    def get(self) -> sqlite3.Connection:
        """The connection of the calling thread; raises StoreError if there is no file."""
        with storage_errors(self._file):
            found = self._file.stat()
        identity = (found.st_dev, found.st_ino)
        mine: sqlite3.Connection | None = getattr(self._local, "connection", None)
        replaced = getattr(self._local, "identity", None) != identity
        if mine is None or replaced or not is_current(mine):
            if mine is not None:
                self._forget(mine)
            self._local.connection = open_for_reading(self._file)
            self._local.identity = identity
            with self._lock:
                self._all.append(self._local.connection)
        connection: sqlite3.Connection = self._local.connection
        return connection

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            for connection in self._all:
                connection.close()
            self._all.clear()
        self._local = threading.local()

    def _forget(self, connection: sqlite3.Connection) -> None:
        """Close the connection to a file that has been replaced."""
        self._local.connection = None
        with self._lock:
            self._all.remove(connection)
        connection.close()


def open_for_reading(file: Path) -> sqlite3.Connection:
    """A read-only connection; raises StoreError if the file is missing."""
    with storage_errors(file):
        if not file.exists():
            raise StoreError(f"{file}: no lists have been imported yet")
        connection = storage.open_for_reading(file, BUSY_TIMEOUT_S)
        with _closed_on_failure(connection):
            connection.row_factory = sqlite3.Row
            _check_layout(connection, file)
    return connection


def open_for_writing(file: Path) -> sqlite3.Connection:
    """A connection that may replace lists; creates the file and its layout if missing."""
    with storage_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            # The gate reads it as a member of the group. SQLite gives -wal and -shm the same mode.
            file.touch()
            file.chmod(0o640)
        connection = storage.open_for_writing(file, BUSY_TIMEOUT_S)
        with _closed_on_failure(connection):
            connection.row_factory = sqlite3.Row
            # Entries are personal data: what a change removes is overwritten, not merely unlinked.
            # Replacing a list of 200,000 entries takes a tenth more CPU time.
            connection.execute("PRAGMA secure_delete = ON")
            with transaction(connection):
                if _layout_of(connection) == 0:
                    for statement in _LAYOUT.split(";"):
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {LAYOUT_VERSION}")
            _check_layout(connection, file)
    return connection


def batches(values: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """The values in groups of at most MOST_VALUES."""
    left = iter(values)
    while batch := tuple(islice(left, MOST_VALUES)):
        yield batch


def shrink_log(connection: sqlite3.Connection) -> None:
    """Move the write-ahead log into the file after a large change, unless a reader needs it."""
    connection.execute(f"PRAGMA busy_timeout = {SHRINK_TIMEOUT_MS}")
    empty_log(connection)
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
            f"{file}: layout version {found}; this version of Plategate needs {LAYOUT_VERSION}"
        )
