# SPDX-License-Identifier: Apache-2.0
"""The position of each target in the journal, kept in outbound.sqlite.

A position says which event was delivered last. It moves after the delivery, so that an event is
sent again, with the same id, where the process ends between the two.
"""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path

from plategate.storage import close_keeping_log, open_for_reading, open_for_writing, storage_errors

FILE_NAME = "outbound.sqlite"
WAIT_S = 5.0

LAYOUT = """
CREATE TABLE IF NOT EXISTS targets (
    name     TEXT PRIMARY KEY,
    journal  INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    lost     INTEGER NOT NULL DEFAULT 0,
    problem  TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS retries (name TEXT PRIMARY KEY) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Position:
    """The last delivered event: the identity of its journal and its sequence number.

    `lost` counts the events that could not be delivered because they were deleted first. `problem`
    says why the target gets nothing at the moment.
    """

    journal: int
    sequence: int
    lost: int = 0
    problem: str | None = None


class Positions:
    """The positions of all targets; may be used by several threads. Raises StoreError."""

    def __init__(self, folder: Path) -> None:
        """Open or create the file in `folder`, which must exist."""
        self._file = folder / FILE_NAME
        self._lock = threading.Lock()
        with storage_errors(self._file):
            self._database = open_for_writing(self._file, WAIT_S)
            self._database.executescript(LAYOUT)

    def get(self, name: str) -> Position | None:
        """The position of a target; None for one that never had any."""
        with self._lock, storage_errors(self._file):
            return _positions(self._database).get(name)

    def move(self, name: str, position: Position) -> None:
        """Store a position; it is on the disk when this returns."""
        row = (name, position.journal, position.sequence, position.lost, position.problem)
        with self._lock, storage_errors(self._file):
            self._database.execute("INSERT OR REPLACE INTO targets VALUES (?, ?, ?, ?, ?)", row)

    def set_problem(self, name: str, problem: str | None) -> None:
        """Store why a target gets nothing; None: it gets its events."""
        with self._lock, storage_errors(self._file):
            self._database.execute(
                "UPDATE targets SET problem = ? WHERE name = ? AND problem IS NOT ?",
                (problem, name, problem),
            )

    def ask_retry(self, name: str) -> None:
        """Ask for the end of a pause after a failure."""
        with self._lock, storage_errors(self._file):
            self._database.execute("INSERT OR IGNORE INTO retries VALUES (?)", (name,))

    def take_retry(self, name: str) -> bool:
        """Whether the end of a pause was asked for since the last call."""
        with self._lock, storage_errors(self._file):
            found = self._database.execute("DELETE FROM retries WHERE name = ?", (name,))
            return found.rowcount > 0

    def close(self) -> None:
        """Close the file so that other users of the group can still read it."""
        with self._lock:
            close_keeping_log(self._database, self._file)


def read_positions(folder: Path) -> dict[str, Position]:
    """All positions by name of the target, while the process runs or not. Raises StoreError."""
    file = folder / FILE_NAME
    with storage_errors(file):
        if not file.exists():
            return {}
        database = open_for_reading(file, WAIT_S)
        try:
            return _positions(database)
        finally:
            database.close()


def _positions(database: sqlite3.Connection) -> dict[str, Position]:
    tables = database.execute("SELECT name FROM sqlite_schema WHERE name = 'targets'")
    if tables.fetchone() is None:
        return {}  # another process creates the file at this moment
    rows = database.execute("SELECT name, journal, sequence, lost, problem FROM targets")
    return {name: Position(*values) for name, *values in rows}
