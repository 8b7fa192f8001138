# SPDX-License-Identifier: Apache-2.0
"""Keep passages, their evidence and the grants behind every opening, whatever happens to the power.

Kept: text and pictures of plates, which are personal data, for as long as the settings say.
Not kept: who owns a vehicle. One process owns the journal; others read it beside that one.
"""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from plategate.clock import SystemClock
from plategate.errors import StoreError, reason_of, reason_of_own
from plategate.journal import queries, repair, retention, schema
from plategate.journal.evidence import EvidenceFile, store_evidence
from plategate.journal.ledger import Ledger
from plategate.journal.reserve import Grant, GrantReserve
from plategate.journal.rows import encode, passage_document
from plategate.settings.journal import JournalSettings
from plategate.values import Passage, PlateSighting, Reason, Result, Verdict

log = logging.getLogger(__name__)

INTERRUPTED = "interrupted"
IN_MEMORY_MAX = 1000
STORE, EVIDENCE = "journal_store", "evidence"


class Journal:
    """The journal of one gate; every method may be called from any thread.

    `problems` holds the named failures of the moment with a sentence each: "evidence"
    (pictures are not stored) and "journal_store" (passages or grants are not, or only in part).
    """

    def __init__(self, settings: JournalSettings, ledger: Ledger, owner: int) -> None:
        self.problems: dict[str, str] = {}
        self._settings = settings
        self._ledger = ledger
        self._owner = owner
        self._left_over = self._settle_grants()

    @property
    def notices(self) -> tuple[str, ...]:
        """Sentences about damage that was found, and what became of it."""
        return tuple(self._ledger.rebuilt)

    def begin_grant(self, passage_id: str, plate: str, at: datetime, lane: str = "") -> None:
        """Put a grant on the disk; when this returns, the relay may move.

        A full or broken database does not stop it: the grant then goes to the reserve. Raises
        StoreError only where nothing at all can be written.
        """
        try:
            failure = self._ledger.insert_grant(Grant(passage_id, lane, plate, at.astimezone(UTC)))
        except OSError as error:
            raise StoreError(f"a grant cannot be written anywhere: {error.strerror}") from error
        if failure:
            self._problem(STORE, f"grants go to the reserve: {failure}")

    def record(self, passage: Passage, sighting: PlateSighting | None = None) -> None:
        """Store a passage with its evidence; its grant is finished by the same transaction.

        Raises StoreError where the passage cannot be stored; the grant then stays unfinished.
        """
        evidence = self._store_evidence(passage, sighting)
        document = passage_document(passage, sighting)
        document["evidence"] = {item.kind: item.sha256 for item in evidence}
        # Without it the hash that outlives a forgotten passage could be guessed back to a plate.
        document["salt"] = secrets.token_hex(16)
        try:
            self._ledger.insert_passage(passage, encode(document), evidence)
        except (sqlite3.Error, OSError) as error:
            self._problem(STORE, f"passages are not stored: {error}")
            raise StoreError(f"passage {passage.id} cannot be stored: {error}") from error
        if self._ledger.lasting:
            self.problems.pop(STORE, None)

    def passages(self, limit: int = 50) -> list[Passage]:
        """The newest passages, newest first."""
        with self._ledger.lock:
            rows = queries.read_rows(self._ledger.database, limit)
            return [row.passage for row in rows]

    def unfinished_grants(self) -> tuple[Grant, ...]:
        """Grants that the last run began and did not finish; never to be repeated.

        Each got a passage with the barrier "interrupted" when this journal was opened.
        """
        return self._left_over

    def tidy(self, now: datetime, clock_trusted: bool) -> int:
        """Forget what is past its time; by age only with a trusted clock. How much it was.

        To be called every hour or so. It gives way to grants between its batches.
        """
        forgotten = 0
        try:
            while batch := self._tidy_batch(now, clock_trusted):
                forgotten += batch
            with self._ledger.lock:
                if clock_trusted:
                    retention.remove_strays(self._ledger.database, self._settings, now)
                self._ledger.database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except (sqlite3.Error, OSError) as error:
            self._problem(STORE, f"old passages cannot be removed: {error}")
        return forgotten

    def use(self, settings: JournalSettings) -> None:
        """Keep what comes by other settings from now on; the folder stays the one it has."""
        self._settings = settings if self._ledger.lasting else _in_memory(settings)
        self._ledger.use(settings)

    def close(self) -> None:
        """Close the files; may be called twice."""
        self._ledger.close()
        if self._owner >= 0:
            os.close(self._owner)
            self._owner = -1

    def _store_evidence(
        self, passage: Passage, sighting: PlateSighting | None
    ) -> tuple[EvidenceFile, ...]:
        try:
            stored = store_evidence(self._settings, passage.id, passage.triggered_at, sighting)
        except (StoreError, OSError) as error:
            self._problem(EVIDENCE, str(error))
            return ()
        self.problems.pop(EVIDENCE, None)
        return stored

    def _settle_grants(self) -> tuple[Grant, ...]:
        """Give every grant of the last run its passage, so that none is lost and none repeated."""
        try:
            grants = self._ledger.unfinished()
            for grant in grants if self._ledger.lasting else ():
                log.warning("passage %s was granted and then interrupted", grant.passage_id)
                self.record(_interrupted(grant))
        except (sqlite3.Error, OSError, StoreError) as error:
            self._problem(STORE, f"interrupted grants cannot be settled: {error}")
            return ()
        return grants

    def _tidy_batch(self, now: datetime, clock_trusted: bool) -> int:
        with self._ledger.lock:
            forgotten = retention.forget_excess(self._ledger.database, self._settings)
            if clock_trusted:
                forgotten += retention.forget_old(self._ledger.database, self._settings, now)
            return forgotten

    def _problem(self, name: str, sentence: str) -> None:
        if name not in self.problems:
            log.error("%s: %s", name, sentence)
        self.problems[name] = sentence


def open_journal(settings: JournalSettings) -> Journal:
    """Open the journal as its one owner, mend what is damaged, settle what was interrupted.

    On a full or read-only disk it is kept in memory, which is a problem and not an error. Raises
    StoreError where the folder cannot be used at all or another process owns the journal.
    """
    owner = _own(settings.dir)
    try:
        reserve = GrantReserve(settings.dir)
        ledger = _open_ledger(settings, reserve)
    except (OSError, sqlite3.Error) as error:
        os.close(owner)
        raise StoreError(
            f"the journal in {settings.dir} cannot be opened: {reason_of(error)}"
        ) from error
    if ledger.lasting:
        return Journal(settings, ledger, owner)
    journal = Journal(_in_memory(settings), ledger, owner)
    journal.problems[STORE] = "the disk cannot be written; passages are kept in memory"
    return journal


def _in_memory(settings: JournalSettings) -> JournalSettings:
    return settings.model_copy(update={"evidence": "none", "passages_max": IN_MEMORY_MAX})


def _open_ledger(settings: JournalSettings, reserve: GrantReserve) -> Ledger:
    try:
        database, notice = repair.open_or_rebuild(settings.dir, SystemClock().wall())
    except sqlite3.OperationalError as error:
        log.error("the journal cannot be opened on the disk: %s", error)
        database = schema.open_database(None)
        return Ledger(settings, database, reserve, lasting=False)
    ledger = Ledger(settings, database, reserve, lasting=True)
    if notice:
        log.error("%s", notice)
        ledger.rebuilt.append(notice)
    return ledger


def _own(folder: Path) -> int:
    """Lock the folder for as long as this process lives; needs no space on the disk."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        owner = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise StoreError(
            f"the journal's folder {folder} cannot be used: {reason_of_own(error)}"
        ) from error
    try:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(owner)
        raise StoreError(f"another process runs a gate with the journal in {folder}") from None
    return owner


def _interrupted(grant: Grant) -> Passage:
    return Passage(
        id=grant.passage_id,
        lane=grant.lane,
        triggered_at=grant.granted_at,
        trigger="unknown",
        verdict=Verdict(Result.GRANTED, Reason.ALLOWED, plate=grant.plate),
        barrier=INTERRUPTED,
    )
