# SPDX-License-Identifier: Apache-2.0
"""Read the events of a journal, also while a gate writes to it and while none runs.

A consumer (messages, webhooks, a page) keeps the sequence number of the last event that it has
handled, together with the journal's identity, and asks for what came after it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from plategate.documents import PASSAGE, event_from_document, passage_from_document
from plategate.errors import StoreError
from plategate.journal.database import FILE_NAME, identity, open_read_only, shown_of
from plategate.journal.grants import Grant, grants_in
from plategate.journal.unknown import hash_in_journal
from plategate.storage import is_current, storage_errors
from plategate.values import GateEvent, Passage

ATTEMPTS = 5
PAGE = 500

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class StoredEvent:
    """One event of the journal: a passage, or something else that happened at the gate.

    `kind` is "passage" or "event". `evidence` are kinds and paths (relative to the journal's
    folder) of the pictures.
    """

    sequence: int
    kind: str
    document: dict[str, Any]
    evidence: tuple[tuple[str, str], ...]

    @property
    def passage(self) -> Passage:
        """The passage; only where `kind` says so."""
        return passage_from_document(self.document, self.evidence)

    @property
    def event(self) -> GateEvent:
        """What happened; only where `kind` is not "passage"."""
        return event_from_document(self.document)

    def public_document(self) -> dict[str, Any]:
        """The document as it is shown and exported, with sequence number and pictures."""
        document = {"sequence": self.sequence, **self.document}
        document.pop("salt", None)
        if self.kind == PASSAGE:
            document["evidence"] = dict(self.evidence)
        return document


@dataclass(frozen=True)
class EventFilter:
    """Which events to read; None means no limit.

    Times are aware; `plate` is canonical, `plate_part` a part of one; `before` is a sequence
    number; `result` and `reason` are those of a verdict, `whats` names of events. The reader fills
    in `hashed`, by which it finds passages of `plate` that were hashed.
    """

    kind: str | None = PASSAGE
    since: datetime | None = None
    until: datetime | None = None
    passage_id: str | None = None
    plate: str | None = None
    hashed: str | None = None
    plate_part: str | None = None
    result: str | None = None
    reason: str | None = None
    lane: str | None = None
    whats: tuple[str, ...] | None = None
    before: int | None = None


class JournalReader:
    """Reads one journal; not to be shared between threads. Every method raises StoreError."""

    def __init__(self, folder: Path) -> None:
        """Open nothing yet."""
        self._folder = folder
        self._file = folder / FILE_NAME
        self._opened: tuple[sqlite3.Connection, tuple[int, int]] | None = None

    def events_after(self, sequence: int, limit: int = 100) -> list[StoredEvent]:
        """The next events after a sequence number, oldest first; forgotten ones are left out."""
        return self._read(
            lambda database: _events(
                database, "sequence > :after", "sequence", limit, {"after": sequence}
            )
        )

    def newest(self, limit: int | None, wanted: EventFilter) -> list[StoredEvent]:
        """The newest events that pass the filter, newest first."""
        wanted = self._with_hash(wanted)
        return self._read(lambda database: newest_events(database, limit, wanted))

    def passage(self, passage_id: str) -> list[StoredEvent]:
        """One passage, then the other events that belong to it; empty if there is none."""
        where, values = _condition(EventFilter(kind=None, passage_id=passage_id))
        order = "kind = 'passage' DESC, sequence"
        return self._read(lambda database: _events(database, where, order, None, values))

    def pages(self, wanted: EventFilter, after: int = 0) -> Iterator[list[StoredEvent]]:
        """All events that pass the filter, oldest first, each page read for itself."""
        where, values = _condition(self._with_hash(wanted))
        while page := self._read(
            lambda database, after=after: _events(  # type: ignore[misc]
                database,
                f"{where} AND sequence > :after",
                "sequence",
                PAGE,
                values | {"after": after},
            )
        ):
            yield page
            after = page[-1].sequence

    def newest_sequence(self) -> int:
        """The sequence number of the newest event; 0 where there is none."""
        newest = "SELECT coalesce(max(sequence), 0) FROM passages"
        return self._read(lambda database: int(database.execute(newest).fetchone()[0]))

    def identity(self) -> int:
        """A number that another journal does not have; see `database.identity`."""
        return self._read(identity)

    def unfinished_grants(self) -> list[Grant]:
        """Grants whose passage is not in the journal yet, oldest first."""
        with storage_errors(self._file):
            waiting = grants_in(self._folder)
        return self._read(lambda database: unfinished(database, waiting))

    def read(self, work: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """What `work` reads; it must not leave a cursor open, and may be called again."""
        return self._read(work)

    def close(self) -> None:
        """Close the database; the next call opens it again."""
        if self._opened is not None:
            self._opened[0].close()
            self._opened = None

    def _with_hash(self, wanted: EventFilter) -> EventFilter:
        """The filter that finds passages of its plate also by their hash."""
        if wanted.plate is None:
            return wanted
        return replace(wanted, hashed=hash_in_journal(self._folder, wanted.plate))

    def _read(self, work: Callable[[sqlite3.Connection], Answer]) -> Answer:
        for _ in range(ATTEMPTS):
            with storage_errors(self._file):
                database = self._database()
                try:
                    answer = work(database)
                except sqlite3.Error:
                    if is_current(database):
                        raise
                else:
                    if is_current(database):
                        return answer
            self.close()
        raise StoreError(f"{self._file}: changes faster than it can be read; try again")

    def _database(self) -> sqlite3.Connection:
        """The open database; another one where its file was replaced."""
        try:
            stat = self._file.stat()
        except FileNotFoundError:
            self.close()
            raise StoreError(f"there is no journal yet: {self._file}") from None
        found = (stat.st_dev, stat.st_ino)
        if self._opened is None or self._opened[1] != found or not is_current(self._opened[0]):
            self.close()
            self._opened = (open_read_only(self._file), found)
        return self._opened[0]


def newest_events(
    database: sqlite3.Connection, limit: int | None, wanted: EventFilter
) -> list[StoredEvent]:
    """The newest events that pass the filter, newest first."""
    where, values = _condition(wanted)
    return _events(database, where, "sequence DESC", limit, values)


def unfinished(database: sqlite3.Connection, waiting: tuple[Grant, ...]) -> list[Grant]:
    """Those of the grants that are `waiting`, or in the database, that have no passage."""
    stored = database.execute("SELECT passage_id, lane, plate, granted_at FROM grants")
    grants = {grant.passage_id: grant for grant in waiting}
    for passage_id, lane, plate, granted_at in stored:
        grants.setdefault(
            passage_id, Grant(passage_id, lane, plate, datetime.fromisoformat(granted_at))
        )
    found = [grant for grant in grants.values() if not is_recorded(database, grant.passage_id)]
    return sorted(found, key=lambda grant: grant.granted_at)


def is_recorded(database: sqlite3.Connection, passage_id: str) -> bool:
    """Whether a passage is in the journal."""
    found = database.execute("SELECT 1 FROM passages WHERE id = ?", (passage_id,))
    return found.fetchone() is not None


def _condition(wanted: EventFilter) -> tuple[str, dict[str, object]]:
    where = (
        "(:kind IS NULL OR kind = :kind)"
        " AND (:since IS NULL OR triggered_at >= :since)"
        " AND (:until IS NULL OR triggered_at < :until)"
        " AND (:id IS NULL OR id = :id OR json_extract(document, '$.passage_id') = :id)"
        " AND (:plate IS NULL OR json_extract(document, '$.verdict.plate') = :plate"
        "  OR json_extract(document, '$.reading.text') = :plate"
        "  OR json_extract(document, '$.verdict.plate') = :hashed"
        "  OR json_extract(document, '$.reading.text') = :hashed"
        "  OR json_extract(document, '$.passage_id') IN (SELECT id FROM passages"
        "   WHERE json_extract(document, '$.verdict.plate') = :plate))"
        " AND (:part IS NULL OR instr(json_extract(document, '$.verdict.plate'), :part)"
        "  OR instr(json_extract(document, '$.reading.text'), :part))"
        " AND (:result IS NULL OR json_extract(document, '$.verdict.result') = :result)"
        " AND (:reason IS NULL OR json_extract(document, '$.verdict.reason') = :reason)"
        " AND (:lane IS NULL OR json_extract(document, '$.lane') = :lane)"
        " AND (:whats IS NULL OR json_extract(document, '$.what')"
        "  IN (SELECT value FROM json_each(:whats)))"
        " AND (:before IS NULL OR sequence < :before)"
    )
    return where, {
        "kind": wanted.kind,
        "since": _stored_time(wanted.since),
        "until": _stored_time(wanted.until),
        "id": wanted.passage_id,
        "plate": wanted.plate,
        "hashed": wanted.hashed,
        "part": wanted.plate_part,
        "result": wanted.result,
        "reason": wanted.reason,
        "lane": wanted.lane,
        "whats": None if wanted.whats is None else json.dumps(wanted.whats),
        "before": wanted.before,
    }


def _stored_time(moment: datetime | None) -> str | None:
    """A time as the journal stores it; as texts, times compare only in one zone."""
    return None if moment is None else moment.astimezone(UTC).isoformat()


def _events(
    database: sqlite3.Connection,
    where: str,
    order: str,
    limit: int | None,
    values: dict[str, object],
) -> list[StoredEvent]:
    rows = database.execute(
        f"SELECT sequence, kind, document FROM {shown_of(database)}"
        f" WHERE document IS NOT NULL AND {where} ORDER BY {order} LIMIT :limit",
        values | {"limit": -1 if limit is None else limit},
    ).fetchall()
    return [
        StoredEvent(sequence, kind, json.loads(document), _evidence(database, sequence))
        for sequence, kind, document in rows
    ]


def _evidence(database: sqlite3.Connection, sequence: int) -> tuple[tuple[str, str], ...]:
    return tuple(
        database.execute(
            "SELECT kind, file FROM evidence WHERE sequence = ? ORDER BY kind", (sequence,)
        ).fetchall()
    )
