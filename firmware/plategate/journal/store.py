# SPDX-License-Identifier: Apache-2.0
"""Append events to the database; wait, make room or rebuild it where that fails."""

from __future__ import annotations

import logging
import sqlite3
import threading

from plategate.clock import SystemClock
from plategate.journal import repair, retention
from plategate.journal.database import FILE_NAME
from plategate.journal.events import EventRow, insert_event
from plategate.journal.grants import Grant
from plategate.settings.journal import JournalSettings
from plategate.storage import StorageFault, close_keeping_log, fault_of, transaction

log = logging.getLogger(__name__)

BUSY_RETRY_S = 0.05


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
        with transaction(self.database) as database:
            insert_event(database, row)

    def _make_room(self) -> bool:
        """Remove the oldest pictures; False where there are none left."""
        with self.lock:
            removed = retention.forget_oldest_evidence(self.database, self._settings, None)
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
