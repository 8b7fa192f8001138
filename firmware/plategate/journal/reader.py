# SPDX-License-Identifier: Apache-2.0
"""Read the events of a journal, also while a gate writes to it and while none runs.

A consumer (messages, webhooks, a page) keeps the sequence number of the last event that it has
handled, together with the journal's identity, and asks for what came after it.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from plategate.documents import EVENT, PASSAGE, event_from_document, passage_from_document
from plategate.errors import StoreError
from plategate.journal.database import (
    FILE_NAME,
    NAME_OF_EVENT,
    PASSAGE_OF_EVENT,
    events_of,
    identity,
    open_read_only,
    shown_of,
)
from plategate.journal.grants import Grant, grants_in, unfinished
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
        where, values = "sequence > :after", {"after": sequence}
        return self.read(
            lambda database: _events(database, shown_of(database), where, values, limit=limit)
        )

    def numbered(self, sequences: Sequence[int]) -> list[StoredEvent]:
        """The events with these sequence numbers, oldest first; forgotten ones are left out."""
        where = "sequence IN (SELECT value FROM json_each(:numbers))"
        values = {"numbers": json.dumps(list(sequences))}
        return self.read(lambda database: _events(database, shown_of(database), where, values))

    def newest(self, limit: int | None, wanted: EventFilter) -> list[StoredEvent]:
        """The newest events that pass the filter, newest first."""
        wanted = self._with_hash(wanted)
        return self.read(lambda database: newest_events(database, limit, wanted))

    def passage(self, passage_id: str) -> list[StoredEvent]:
        """One passage, then the other events that belong to it; empty if there is none."""
        return self.read(lambda database: _passage(database, passage_id))

    def pages(self, wanted: EventFilter, after: int = 0) -> Iterator[list[StoredEvent]]:
        """All events that pass the filter, oldest first, each page read for itself."""
        where, values = _condition(self._with_hash(wanted))
        where += " AND sequence > :after"

        def read(database: sqlite3.Connection) -> list[StoredEvent]:
            table = _table_of(database, wanted)
            return _events(database, table, where, values | {"after": after}, limit=PAGE)

        while page := self.read(read):
            yield page
            after = page[-1].sequence

    def newest_sequence(self) -> int:
        """The sequence number of the newest event; 0 where there is none."""
        newest = "SELECT coalesce(max(sequence), 0) FROM passages"
        return self.read(lambda database: int(database.execute(newest).fetchone()[0]))

    def identity(self) -> int:
        """A number that another journal does not have; see `database.identity`."""
        return self.read(identity)

    def unfinished_grants(self) -> list[Grant]:
        """Grants whose passage is not in the journal yet, oldest first."""
        with storage_errors(self._file):
            waiting = grants_in(self._folder)
        return self.read(lambda database: unfinished(database, waiting))

    def read(self, work: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """What `work` reads; it must not leave a cursor open, and may be called again."""
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
    table = _table_of(database, wanted)
    return _events(database, table, where, values, order="DESC", limit=limit)


def _passage(database: sqlite3.Connection, passage_id: str) -> list[StoredEvent]:
    """A passage, then its events; both by an index."""
    values = {"id": passage_id}
    of_passage = f"kind = 'event' AND {PASSAGE_OF_EVENT} = :id"
    return _events(database, shown_of(database), "id = :id", values) + _events(
        database, events_of(database), of_passage, values
    )


def _table_of(database: sqlite3.Connection, wanted: EventFilter) -> str:
    """What is read, as SQL; the indexes of events are on the table itself."""
    return events_of(database) if wanted.kind == EVENT else shown_of(database)


def _condition(wanted: EventFilter) -> tuple[str, dict[str, object]]:
    """The filter as SQL, with only those parts that limit something, and its values."""
    plate, text = (
        f"json_extract(document, '$.{path}')" for path in ("verdict.plate", "reading.text")
    )
    parts: list[tuple[str, object, str]] = [
        ("kind", wanted.kind, "kind = :kind"),
        ("since", _stored_time(wanted.since), "triggered_at >= :since"),
        ("until", _stored_time(wanted.until), "triggered_at < :until"),
        (
            "plate",
            wanted.plate,
            f"({plate} IN (:plate, :hashed) OR {text} IN (:plate, :hashed) OR {PASSAGE_OF_EVENT}"
            f" IN (SELECT id FROM passages WHERE {plate} = :plate))",
        ),
        ("part", wanted.plate_part, f"(instr({plate}, :part) OR instr({text}, :part))"),
        ("result", wanted.result, "json_extract(document, '$.verdict.result') = :result"),
        ("reason", wanted.reason, "json_extract(document, '$.verdict.reason') = :reason"),
        ("lane", wanted.lane, "json_extract(document, '$.lane') = :lane"),
        (
            "whats",
            None if wanted.whats is None else json.dumps(wanted.whats),
            f"{NAME_OF_EVENT} IN (SELECT value FROM json_each(:whats))",
        ),
        ("before", wanted.before, "sequence < :before"),
    ]
    limiting = [part for part in parts if part[1] is not None]
    values: dict[str, object] = {name: value for name, value, _ in limiting}
    where = " AND ".join([sql for _, _, sql in limiting] or ["1"])
    return where, values | {"hashed": wanted.hashed}


def _stored_time(moment: datetime | None) -> str | None:
    """A time as the journal stores it; as texts, times compare only in one zone."""
    return None if moment is None else moment.astimezone(UTC).isoformat()


def _events(
    database: sqlite3.Connection,
    table: str,
    where: str,
    values: Mapping[str, object],
    *,
    order: str = "",
    limit: int | None = None,
) -> list[StoredEvent]:
    """The events of a table (SQL) in the order of their numbers, with their pictures."""
    rows = database.execute(
        f"SELECT sequence, kind, document FROM {table} WHERE document IS NOT NULL AND {where}"
        f" ORDER BY sequence {order} LIMIT :limit",
        {**values, "limit": -1 if limit is None else limit},
    ).fetchall()
    pictures = _pictures(database, [row[0] for row in rows])
    return [
        StoredEvent(sequence, kind, json.loads(document), tuple(pictures[sequence]))
        for sequence, kind, document in rows
    ]


def _pictures(
    database: sqlite3.Connection, sequences: list[int]
) -> defaultdict[int, list[tuple[str, str]]]:
    """Kind and file of the pictures of events, by sequence number."""
    found: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
    query = (
        "SELECT sequence, kind, file FROM evidence"
        " WHERE sequence IN (SELECT value FROM json_each(?)) ORDER BY sequence, kind"
    )
    for sequence, kind, file in database.execute(query, (json.dumps(sequences),)):
        found[sequence].append((kind, file))
    return found
