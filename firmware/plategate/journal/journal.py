# SPDX-License-Identifier: Apache-2.0
"""The journal of a gate: grants, passages with their pictures, and other events.

Kept: plates as text and pictures, which are personal data, for as long as the settings say. Not
kept: who owns a vehicle. One process writes; others read through `reader`.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from plategate.documents import EVENT, PASSAGE, event_document, passage_document
from plategate.errors import StoreError, reason_of
from plategate.journal import reader, retention
from plategate.journal.database import FILE_NAME
from plategate.journal.events import EventRow, salted
from plategate.journal.evidence import NO_ROOM, EvidenceFile, has_room, store_evidence
from plategate.journal.grants import Grant, GrantFile, unfinished
from plategate.journal.store import JournalStore
from plategate.journal.unknown import hash_unknown, pictures_allowed, stored_form
from plategate.journal.waiting import WaitingEvents
from plategate.settings.journal import JournalSettings
from plategate.storage import StorageFault, empty_log, fault_of, storage_errors
from plategate.values import GateEvent, Passage, PlateSighting, Reason, Result, Verdict

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")
INTERRUPTED = "interrupted"
IN_MEMORY_MAX = 1000
# Ids of recorded passages that are remembered, for a grant that is written after its passage.
RECORDED_MAX = 256
STORE, EVIDENCE = "journal_store", "evidence"


class Journal:
    """The journal of one gate; every method may be called from any thread.

    `problems` holds the named failures of the moment with a sentence each: "evidence" (pictures are
    not stored) and "journal_store" (passages, events or grants are not stored).
    """

    def __init__(
        self, settings: JournalSettings, store: JournalStore, grants: GrantFile, owner: int
    ) -> None:
        self.problems: dict[str, str] = {}
        self._settings = settings
        self._store = store
        self._grants = grants
        self._owner = owner
        folder = settings.dir if store.durable else None
        self._events = WaitingEvents(folder, self._store_row, self._report_waiting)
        self._recorded: deque[str] = deque(maxlen=RECORDED_MAX)
        self._left_over = self._settle_grants()

    @property
    def folder(self) -> Path | None:
        """The folder of the files; None while the journal is kept in memory."""
        return self._settings.dir if self._store.durable else None

    @property
    def notices(self) -> tuple[str, ...]:
        """Sentences about damage that was found and what was done about it."""
        return tuple(self._store.notices)

    def begin_grant(self, passage_id: str, plate: str, at: datetime, lane: str = "") -> None:
        """Put a grant on the disk; when this returns, the relay may move.

        Waits for no other user of the journal and needs no free space. Raises StoreError where
        nothing at all can be written.
        """
        kept = "" if self._settings.delete_at_match else plate
        grant = Grant(passage_id, lane, kept, at.astimezone(UTC))
        try:
            self._grants.write(grant)
        except OSError as error:
            if not self._store.durable:
                raise StoreError(f"a grant cannot be written: {reason_of(error)}") from error
            try:
                self._store.insert_grant(grant)
            except sqlite3.Error as second:
                raise StoreError(
                    f"a grant cannot be written: {reason_of(error)}; database: {second}"
                ) from second
        if passage_id in self._recorded:
            self._forget_grant(passage_id)

    def record(self, passage: Passage, sighting: PlateSighting | None = None) -> None:
        """Store a passage with its pictures; its grant is then finished.

        Raises StoreError where it is not on the disk: for good (it is recorded already), or because
        the database cannot be written; then it waits in memory and is stored as soon as it can.
        """
        evidence = self._store_evidence(passage, sighting)
        document = stored_form(self._settings, passage, passage_document(passage, sighting))
        document["evidence"] = {item.kind: item.sha256 for item in evidence}
        at = passage.triggered_at.astimezone(UTC)
        row = EventRow(
            PASSAGE,
            passage.id,
            at,
            retention.class_of_passage(passage),
            salted(document),
            evidence,
        )
        self._events.append(row, f"passage {passage.id}")

    def add_event(self, event: GateEvent) -> None:
        """Store an event that is not a passage; raises StoreError as `record` does."""
        document = salted(event_document(event))
        at = event.at.astimezone(UTC)
        row = EventRow(EVENT, event.passage_id, at, retention.class_of_event(event), document)
        self._events.append(row, f"event {event.what}")

    def passages(self, limit: int = 50) -> list[Passage]:
        """The newest passages, newest first."""
        wanted = reader.EventFilter(PASSAGE)
        with self._store.lock:
            found = reader.newest_events(self._store.database, limit, wanted)
            return [event.passage for event in found]

    def unfinished_grants(self) -> tuple[Grant, ...]:
        """Grants left open by the previous run (crash or power cut); they are never repeated.

        Each was recorded as a passage with the barrier "interrupted" when this journal was opened.
        """
        return self._left_over

    def tidy(self, now: datetime, clock_trusted: bool) -> int:
        """Forget what is past its time, by age only with a trusted clock; returns how much.

        To be called every hour or so. Works in batches and waits for no reader.
        """
        forgotten = 0
        self._grants.open()
        if self.problems.get(EVIDENCE, "").startswith(NO_ROOM) and has_room(self._settings):
            self.problems.pop(EVIDENCE, None)
        try:
            self._events.flush()
            while batch := self._tidy_batch(now, clock_trusted):
                forgotten += batch
            if clock_trusted and self._store.durable:
                retention.remove_orphans(self._settings, now)
            with self._store.lock:
                empty_log(self._store.database)
        except (sqlite3.Error, OSError) as error:
            if fault_of(error) is StorageFault.BUSY:
                log.warning("old passages are removed later: another program uses the journal")
            else:
                self._problem(STORE, f"old passages cannot be removed: {error}")
        return forgotten

    def disk_problem(self) -> str | None:
        """Why the disk needs attention: it cannot be written, or has less room than it should."""
        folder = self._settings.dir
        if not self._store.durable:
            return f"the journal is in memory only: {folder} cannot be written"
        try:
            room = has_room(self._settings)
        except OSError as error:
            return f"{folder}: {reason_of(error)}"
        return None if room else f"{NO_ROOM} {self._settings.min_free_mb} MB are free in {folder}"

    def grants_under_way(self) -> tuple[Grant, ...]:
        """Grants whose passage is not recorded yet, oldest first."""
        return self._grants.grants()

    def change(self, work: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """The result of `work` on the database, after storing what waits.

        Raises StoreError, also while the journal is in memory: a change would not last, and the
        passages that it is about are on the disk.
        """
        if not self._store.durable:
            raise StoreError(str(self.disk_problem()))
        with storage_errors(self._settings.dir / FILE_NAME):
            self._events.flush()
            with self._store.lock:
                return work(self._store.database)

    def use(self, settings: JournalSettings) -> None:
        """Apply other settings from now on; the folder stays the one it has."""
        self._settings = settings if self._store.durable else in_memory(settings)
        self._store.use(settings)

    def close(self) -> None:
        """Store what waits, close the files; may be called twice."""
        self._events.close()
        self._store.close()
        self._grants.close()
        if self._owner >= 0:
            os.close(self._owner)
            self._owner = -1

    def _store_row(self, row: EventRow, wait_s: float) -> None:
        self._store.append(row, wait_s)
        if row.kind == PASSAGE and row.passage_id is not None:
            self._recorded.append(row.passage_id)
            if self._store.durable:
                self._grants.remove(row.passage_id)

    def _report_waiting(self, sentence: str | None) -> None:
        if sentence is not None:
            self._problem(STORE, sentence)
        elif self._store.durable:
            self.problems.pop(STORE, None)

    def _store_evidence(
        self, passage: Passage, sighting: PlateSighting | None
    ) -> tuple[EvidenceFile, ...]:
        if not pictures_allowed(self._settings, passage):
            return ()
        try:
            stored = store_evidence(self._settings, passage.id, passage.triggered_at, sighting)
        except (StoreError, OSError) as error:
            self._problem(EVIDENCE, str(error))
            return ()
        if stored or self._settings.evidence == "none":
            self.problems.pop(EVIDENCE, None)
        return stored

    def _settle_grants(self) -> tuple[Grant, ...]:
        """Record each grant that the previous run left open as an interrupted passage."""
        known: set[str] = set()
        try:
            self._events.flush()
        except (sqlite3.Error, OSError) as error:
            # Stored later, and before the passages below: no grant is recorded twice.
            log.error("events of the previous run still wait to be stored: %s", error)
        try:
            waiting = self._grants.grants()
            if not self._store.durable:
                return waiting
            grants = unfinished(self._store.database, waiting)
            known = {grant.passage_id for grant in waiting} - {g.passage_id for g in grants}
        except (sqlite3.Error, OSError) as error:
            self._problem(STORE, f"interrupted grants cannot be settled: {error}")
            return ()
        for passage_id in known:
            self._forget_grant(passage_id)
        settled = []
        for grant in grants:
            log.warning("passage %s was granted and then interrupted", grant.passage_id)
            try:
                self.record(_interrupted(grant))
            except StoreError as error:
                log.error("%s", error)
            settled.append(grant)
        return tuple(settled)

    def _forget_grant(self, passage_id: str) -> None:
        self._grants.remove(passage_id)
        try:
            self._store.forget_grant(passage_id)
        except sqlite3.Error as error:
            log.warning("grant %s is removed at the next start: %s", passage_id, error)

    def _tidy_batch(self, now: datetime, clock_trusted: bool) -> int:
        with self._store.lock:
            forgotten = retention.forget_excess(self._store.database, self._settings, now)
            if clock_trusted:
                forgotten += retention.forget_old(self._store.database, self._settings, now)
                forgotten += hash_unknown(self._store.database, self._settings, now)
            return forgotten

    def _problem(self, name: str, sentence: str) -> None:
        if name not in self.problems:
            log.error("%s: %s", name, sentence)
        self.problems[name] = sentence


def in_memory(settings: JournalSettings) -> JournalSettings:
    """The settings of a journal that is kept in memory: few passages and no pictures."""
    return settings.model_copy(update={"evidence": "none", "passages_max": IN_MEMORY_MAX})


def _interrupted(grant: Grant) -> Passage:
    return Passage(
        id=grant.passage_id,
        lane=grant.lane,
        triggered_at=grant.granted_at,
        trigger="unknown",
        verdict=Verdict(Result.GRANTED, Reason.ALLOWED, plate=grant.plate or None),
        barrier=INTERRUPTED,
    )
