# SPDX-License-Identifier: Apache-2.0
"""Put grants and passages into the database as whole transactions, mending it where that fails.

Pictures, forgetting and the opening of the journal are not its business.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC

from plategate.clock import SystemClock
from plategate.journal import outbox, queries, repair, retention
from plategate.journal.chain import content_hash, link, newest_hash
from plategate.journal.evidence import EvidenceFile
from plategate.journal.reserve import Grant, GrantReserve
from plategate.settings.journal import JournalSettings
from plategate.storage import StorageFault, fault_of
from plategate.values import Passage

log = logging.getLogger(__name__)


class Ledger:
    """The tables of grants and passages, with the reserve behind them.

    `lasting` is False where the database is only in memory, since the disk cannot be written;
    grants are then in the reserve alone. The lock guards `database` against other threads.
    """

    def __init__(
        self,
        settings: JournalSettings,
        database: sqlite3.Connection,
        reserve: GrantReserve,
        lasting: bool,
    ) -> None:
        self.database = database
        self.lock = threading.RLock()
        self.lasting = lasting
        self.rebuilt: list[str] = []
        self._settings = settings
        self._reserve = reserve

    def insert_grant(self, grant: Grant) -> str | None:
        """Write a grant, into the reserve where the database fails; then the reason for that."""
        if self.lasting:
            try:
                with self._transaction() as database:
                    _insert_grant(database, grant)
            except sqlite3.Error as error:
                reason = str(error)
            else:
                return None
        else:
            reason = "the journal is only in memory"
        with self.lock:
            self._reserve.write(grant)
        return reason

    def insert_passage(
        self, passage: Passage, document: str, evidence: tuple[EvidenceFile, ...]
    ) -> None:
        """Insert and finish the grant; after a failure make room or rebuild, and try once more."""
        try:
            self._insert(passage, document, evidence)
        except sqlite3.IntegrityError:
            raise
        except sqlite3.DatabaseError as error:
            with self.lock:
                if fault_of(error) is StorageFault.DAMAGED:
                    self._rebuild(str(error))
                else:
                    retention.forget_oldest_evidence(self.database, self._settings)
            self._insert(passage, document, evidence)

    def unfinished(self) -> tuple[Grant, ...]:
        """Grants without a passage, those in the reserve among them."""
        if not self.lasting:
            return tuple(self._reserve.grants())
        with self._transaction() as database:
            self._empty_reserve_into(database)
        self._reserve.clear()
        return tuple(queries.read_grants(self.database))

    def use(self, settings: JournalSettings) -> None:
        """Go by other settings from the next transaction on."""
        with self.lock:
            self._settings = settings

    def close(self) -> None:
        """Close the database; may be called twice."""
        with self.lock:
            self.database.close()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """A whole transaction or none; the connection rolls back after an error."""
        with self.lock, self.database:
            self.database.execute("BEGIN IMMEDIATE")
            yield self.database

    def _insert(self, passage: Passage, document: str, evidence: tuple[EvidenceFile, ...]) -> None:
        triggered_at = passage.triggered_at.astimezone(UTC)
        content = content_hash(document)
        with self._transaction() as database:
            cursor = database.execute(
                "INSERT INTO passages"
                " (id, triggered_at, class, document, content_hash, chain_hash)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    passage.id,
                    triggered_at.isoformat(),
                    retention.class_of(passage),
                    document,
                    content,
                    link(newest_hash(database), content),
                ),
            )
            database.executemany(
                "INSERT INTO evidence VALUES (?, ?, ?, ?, ?)",
                [(cursor.lastrowid, e.kind, e.file, e.sha256, e.size_bytes) for e in evidence],
            )
            database.execute("DELETE FROM grants WHERE passage_id = ?", (passage.id,))
            if self._settings.outbox:
                most = self._settings.outbox_max
                outbox.put(database, passage.id, "passage", document, triggered_at, most)
        if self.lasting:
            self._empty_reserve()

    def _empty_reserve(self) -> None:
        """The database can be written again: what is in the reserve belongs into it."""
        with self.lock:
            if self._reserve.grants():
                with self._transaction() as database:
                    self._empty_reserve_into(database)
                self._reserve.clear()

    def _empty_reserve_into(self, database: sqlite3.Connection) -> None:
        for grant in self._reserve.grants():
            known = database.execute("SELECT 1 FROM passages WHERE id = ?", (grant.passage_id,))
            if known.fetchone() is None:
                _insert_grant(database, grant)

    def _rebuild(self, damage: str) -> None:
        self.database.close()
        self.database, notice = repair.rebuild(self._settings.dir, SystemClock().wall(), damage)
        self.rebuilt.append(notice)
        log.error("%s", notice)


def _insert_grant(database: sqlite3.Connection, grant: Grant) -> None:
    database.execute(
        "INSERT OR IGNORE INTO grants VALUES (?, ?, ?, ?)",
        (grant.passage_id, grant.lane, grant.plate, grant.granted_at.isoformat()),
    )
