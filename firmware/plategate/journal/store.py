# SPDX-License-Identifier: Apache-2.0
"""Append events to the database; wait, make room or rebuild it where that fails."""

from __future__ import annotations

import logging
import sqlite3
import threading
from dataclasses import dataclass
from datetime import datetime

from plategate.clock import SystemClock
from plategate.documents import PASSAGE
from plategate.journal import repair, retention
from plategate.journal.chain import content_hash, link, newest_hash
from plategate.journal.database import FILE_NAME
from plategate.journal.evidence import EvidenceFile
from plategate.journal.grants import Grant
from plategate.settings.journal import JournalSettings
from plategate.storage import StorageFault, close_keeping_log, fault_of, transaction

log = logging.getLogger(__name__)

BUSY_RETRY_S = 0.05
# An event that was stored but still waits in the file is among the newest: at most 1000 wait.
RECENT_EVENTS = 2000


@dataclass(frozen=True)
class EventRow:
    """An event as it is stored: a passage with its pictures, or another event.

    `waited` marks one that waited when the previous process ended; it may be stored already.
    """

    kind: str
    passage_id: str | None
    at: datetime
    class_: str
    document: str
    evidence: tuple[EvidenceFile, ...] = ()
    waited: bool = False


class JournalStore:
    """The database of a journal.

    `durable` is False where the disk could not be written when it was opened: then the database is
    in memory. `lock` guards `database`; nobody waits for another process while holding it.
    """

    def __init__(
        self, settings: JournalSettings, database: sqlite3.Connection, durable: bool
    ) -> None:
        self.database = database
        self.lock = threading.RLock()
        self.durable = durable
        self.notices: list[str] = []
        self._settings = settings
        self._is_open = True
        self._closing = threading.Event()

    def append(self, row: EventRow, wait_s: float) -> None:
        """Append an event; a passage finishes its grant in the same transaction.

        Waits at most `wait_s` for another user of the database. On a full disk the oldest pictures
        are removed, a damaged database is rebuilt. Raises sqlite3.Error, OSError.
        """
        deadline_s = SystemClock().monotonic() + wait_s
        rebuilt = False
        while True:
            try:
                with self.lock:
                    self._reopen()
                    self._insert(row)
                return
            except sqlite3.IntegrityError:
                raise
            except sqlite3.Error as error:
                fault = fault_of(error)
                if fault is StorageFault.BUSY and SystemClock().monotonic() < deadline_s:
                    self._closing.wait(BUSY_RETRY_S)
                elif fault is StorageFault.DAMAGED and not rebuilt and self.durable:
                    rebuilt = True
                    self._rebuild(str(error))
                elif fault is not StorageFault.FULL or not self._make_room():
                    raise

    def insert_grant(self, grant: Grant) -> None:
        """Write a grant for which no space is reserved. Raises sqlite3.Error."""
        with self.lock, transaction(self.database):
            self.database.execute(
                "INSERT OR IGNORE INTO grants VALUES (?, ?, ?, ?)",
                (grant.passage_id, grant.lane, grant.plate, grant.granted_at.isoformat()),
            )

    def forget_grant(self, passage_id: str) -> None:
        """Delete a grant whose passage is in the journal. Raises sqlite3.Error."""
        with self.lock:
            self.database.execute("DELETE FROM grants WHERE passage_id = ?", (passage_id,))

    def use(self, settings: JournalSettings) -> None:
        """Apply other settings from the next transaction on."""
        with self.lock:
            self._settings = settings

    def close(self) -> None:
        """Close the database; may be called twice."""
        self._closing.set()
        with self.lock:
            if self.durable:
                close_keeping_log(self.database, self._settings.dir / FILE_NAME)
            self.database.close()

    def _insert(self, row: EventRow) -> None:
        content = content_hash(row.document)
        with transaction(self.database) as database:
            if row.waited and _is_stored(database, content):
                return
            cursor = database.execute(
                "INSERT INTO passages"
                " (kind, id, triggered_at, class, document, content_hash, chain_hash)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    row.kind,
                    row.passage_id if row.kind == PASSAGE else None,
                    row.at.isoformat(),
                    row.class_,
                    row.document,
                    content,
                    link(newest_hash(database), content),
                ),
            )
            database.executemany(
                "INSERT INTO evidence VALUES (?, ?, ?, ?, ?)",
                [(cursor.lastrowid, e.kind, e.file, e.sha256, e.size_bytes) for e in row.evidence],
            )
            if row.kind == PASSAGE:
                database.execute("DELETE FROM grants WHERE passage_id = ?", (row.passage_id,))

    def _make_room(self) -> bool:
        """Remove the oldest pictures; False where there are none left."""
        with self.lock:
            removed = retention.forget_oldest_evidence(self.database, self._settings)
        if removed:
            log.warning("the disk is full: the %d oldest pictures were removed", removed)
        return removed > 0

    def _rebuild(self, damage: str) -> None:
        with self.lock:
            # Without a checkpoint: the damaged file is kept as it was found.
            close_keeping_log(self.database, self._settings.dir / FILE_NAME, checkpoint=False)
            self._is_open = False
            self.database, notice = repair.rebuild(self._settings.dir, SystemClock().wall(), damage)
            self._is_open = True
        self.notices.append(notice)
        log.error("%s", notice)

    def _reopen(self) -> None:
        """Try again where rebuilding failed, for instance on a full disk."""
        if not self._is_open:
            folder = self._settings.dir
            self.database, _ = repair.open_or_rebuild(folder, SystemClock().wall())
            self._is_open = True


def _is_stored(database: sqlite3.Connection, content: bytes) -> bool:
    """Whether an event that waited was stored just before the process ended."""
    found = database.execute(
        "SELECT 1 FROM passages WHERE content_hash = ?"
        " AND sequence > (SELECT max(sequence) FROM passages) - ?",
        (content, RECENT_EVENTS),
    )
    return found.fetchone() is not None
