# SPDX-License-Identifier: Apache-2.0
"""Database of visits: how often each entry was used, and which plates are inside.

Separate from the lists, so that opening never waits while a list is being replaced.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from plategate.access.occupancy import (
    LAYOUT,
    Occupancy,
    Quota,
    Quotas,
    enter,
    full_reason,
    leave,
    occupancy,
)
from plategate.shared_connection import SharedConnection
from plategate.storage import open_for_reading, open_for_writing, storage_errors, transaction
from plategate.values import ListEntry

BUSY_TIMEOUT_S = 2.0
MOST_GRANTS = 10_000  # passages remembered, so that none is counted twice
MOST_LEAVING = 100  # exits that may still turn out not to have happened

_LAYOUT = """
CREATE TABLE IF NOT EXISTS grants (id INTEGER PRIMARY KEY, passage TEXT UNIQUE NOT NULL);
CREATE TABLE IF NOT EXISTS uses (
    entry TEXT PRIMARY KEY, used INTEGER NOT NULL, last_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS inside (plate TEXT PRIMARY KEY, since TEXT NOT NULL) WITHOUT ROWID;
"""

Answer = TypeVar("Answer")
_NO_QUOTAS = Quotas(Quota(None, False), {})


class Direction(StrEnum):
    """The direction of a lane; UNKNOWN if it serves both or the setting is empty."""

    IN = "in"
    OUT = "out"
    UNKNOWN = ""


@dataclass(frozen=True, slots=True)
class EntryUse:
    """A granted passage before the barrier opens: its plate, its entry and the direction."""

    passage: str
    plate: str
    entry: ListEntry | None
    direction: Direction
    at: datetime


def entry_key(entry: ListEntry) -> str:
    """The key of a use count: a hash of plate and limits, so that changed limits restart it."""
    limits = (entry.plate, entry.valid_from, entry.valid_until, entry.hours, entry.entries)
    return hashlib.sha256("|".join(map(str, limits)).encode()).hexdigest()[:32]


class VisitStore:
    """Counts visits durably; safe to use from several threads and processes.

    The file stays open until `close`: a grant, which the relay waits for, takes one flush.
    """

    def __init__(self, file: Path) -> None:
        """The file is created at the first visit."""
        self._file = file
        self._shared = SharedConnection(file, lambda: _opened(file))

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        self._shared.close()

    def used(self, entry: ListEntry) -> int:
        """How often an entry has opened the barrier; raises StoreError if that cannot be read."""
        if not self._is_there():
            return 0
        with self._shared.lent() as store:
            return _used(store, entry)

    def note(self, visit: EntryUse, quotas: Quotas = _NO_QUOTAS) -> bool:
        """Record a visit; repeated calls count once. Raises StoreError on failure.

        Returns False, and records nothing, if the entry is used up or its group full: another lane
        may have granted the last passage since it was judged here.
        """
        with storage_errors(self._file):
            self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._shared.lent() as store, transaction(store):
            known = "SELECT 1 FROM grants WHERE passage = ?"
            if store.execute(known, (visit.passage,)).fetchone():
                return True
            group = visit.entry.group if visit.entry else ""
            if visit.direction is Direction.IN:
                full = full_reason(store, quotas, group, visit.plate)
                if full is not None and full[1]:
                    return False
            if visit.entry is not None and visit.entry.entries is not None:
                if _used(store, visit.entry) >= visit.entry.entries:
                    return False
                _count(store, visit.entry, visit.at)
            store.execute("INSERT INTO grants (passage) VALUES (?)", (visit.passage,))
            if visit.direction is Direction.IN:
                enter(store, visit.plate, _stamp(visit.at), group, visit.passage)
            elif visit.direction is Direction.OUT:
                leave(store, visit.plate, visit.passage)
            store.execute(
                "DELETE FROM grants WHERE id <= (SELECT max(id) FROM grants) - ?", (MOST_GRANTS,)
            )
            store.execute(
                "DELETE FROM leaving WHERE passage NOT IN"
                " (SELECT passage FROM grants ORDER BY id DESC LIMIT ?)",
                (MOST_LEAVING,),
            )
        return True

    def inside_since(self, plate: str) -> datetime | None:
        """When a plate came in; None if it is not inside."""
        if not self._is_there():
            return None
        with self._shared.lent() as store:
            rows = store.execute("SELECT since FROM inside WHERE plate = ?", (plate,))
            return next((datetime.fromisoformat(row[0]) for row in rows), None)

    def inside(self) -> tuple[tuple[str, datetime], ...]:
        """The plates inside and when they came in, longest first."""
        if not self._is_there():
            return ()
        with self._shared.lent() as store:
            rows = store.execute("SELECT plate, since FROM inside ORDER BY since, plate").fetchall()
            return tuple((plate, datetime.fromisoformat(since)) for plate, since in rows)

    def forget_inside(self, before: datetime) -> int:
        """Remove plates that came in before a time (a missed exit); returns their number."""
        if not self._is_there():
            return 0
        with self._shared.lent() as store:
            found = store.execute("DELETE FROM inside WHERE since < ?", (_stamp(before),))
            return found.rowcount

    def forget_uses(self, entry: ListEntry) -> int:
        """Delete the use count of an entry; returns 1 if there was one."""
        with self._shared.lent() as store:
            key = (entry_key(entry),)
            return store.execute("DELETE FROM uses WHERE entry = ?", key).rowcount

    def occupancy(self, quotas: Quotas) -> tuple[Occupancy, ...]:
        """The vehicles inside: of the whole site, then by group. Raises StoreError."""
        found = self.read(lambda store: occupancy(store, quotas))
        return occupancy(None, quotas) if found is None else found

    def read(self, work: Callable[[sqlite3.Connection], Answer]) -> Answer | None:
        """What `work` reads; None while there is no file yet. Raises StoreError."""
        if not self._is_there():
            return None
        with self._shared.lent() as store:
            return work(store)

    def change(self, work: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """Do `work` in one transaction; creates the file. Raises StoreError."""
        with storage_errors(self._file):
            self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._shared.lent() as store, transaction(store):
            return work(store)

    def _is_there(self) -> bool:
        with storage_errors(self._file):
            return self._file.exists()


def _opened(file: Path) -> sqlite3.Connection:
    store = open_for_writing(file, BUSY_TIMEOUT_S)
    try:
        # Plates that left are overwritten, not merely unlinked.
        store.execute("PRAGMA secure_delete = ON")
        store.executescript(_LAYOUT + LAYOUT)
    except BaseException:
        store.close()
        raise
    return store


def read_uses(file: Path, entry: ListEntry) -> int:
    """How often an entry has opened the barrier, for a process that may not write the file."""
    if not file.exists():
        return 0
    with storage_errors(file), closing(open_for_reading(file, BUSY_TIMEOUT_S)) as store:
        return _used(store, entry)


def _used(store: sqlite3.Connection, entry: ListEntry) -> int:
    row = store.execute("SELECT used FROM uses WHERE entry = ?", (entry_key(entry),))
    return next((int(found[0]) for found in row), 0)


def _count(store: sqlite3.Connection, entry: ListEntry, at: datetime) -> None:
    store.execute(
        "INSERT INTO uses VALUES (?, 1, ?) ON CONFLICT (entry)"
        " DO UPDATE SET used = used + 1, last_at = excluded.last_at",
        (entry_key(entry), _stamp(at)),
    )


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
