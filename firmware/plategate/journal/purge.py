# SPDX-License-Identifier: Apache-2.0
"""The purge log: an event for everything that was deleted, and the check that nothing else was.

The event is written in the same transaction as the deletion. It says how much was deleted and how
many events are kept, so that an event which disappeared in any other way is missed.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from plategate.documents import EVENT, event_document
from plategate.journal.chain import content_hash
from plategate.journal.database import PRESENT, events_of, has_reduced
from plategate.journal.events import EventRow, insert_event, salted
from plategate.values import GateEvent

PURGED, HASHED, ERASED = "purged", "hashed", "erased"  # names of the events
PURGE, ERASURE = "purge", "erasure"  # their classes
_CLASSES = {PURGED: PURGE, HASHED: PURGE, ERASED: ERASURE}
_KEPT = f"{PRESENT} AND class != '{PURGE}'"
# The same rows, which only the index `passages_by_age` is read for: a row that is forgotten or
# erased loses its class.
_KEPT_IN_INDEX = f"class IS NOT NULL AND class != '{PURGE}'"
HASH_LENGTH = 32  # hexadecimal digits that prove the content of a reduced document


@dataclass(frozen=True)
class PurgeReport:
    """What the purge log says, and sentences about what contradicts it."""

    purges: int
    deleted: int
    erasures: int
    wrong: tuple[str, ...]


def note_purge(
    database: sqlite3.Connection, what: str, at: datetime, lane: str, detail: dict[str, Any]
) -> None:
    """Add an event to the purge log, in the transaction that deletes."""
    (newest,) = database.execute("SELECT coalesce(max(sequence), 0) FROM passages").fetchone()
    (kept,) = database.execute(
        f"SELECT count(*) FROM passages WHERE {_KEPT_IN_INDEX} AND sequence <= ?", (newest,)
    ).fetchone()
    moment = at.astimezone(UTC)
    event = GateEvent(
        id=f"{what}-{moment:%Y%m%dT%H%M%S}-{newest}",
        lane=lane,
        at=moment,
        what=what,
        detail=json.dumps(
            detail | {"kept": kept, "newest": newest}, ensure_ascii=False, sort_keys=True
        ),
    )
    document = salted(event_document(event))
    insert_event(database, EventRow(EVENT, None, moment, _CLASSES[what], document))


def verify_purges(database: sqlite3.Connection) -> PurgeReport:
    """Compare the events that are there with what the purge log says."""
    purges = deleted = erasures = 0
    wrong: list[str] = []
    last: tuple[int, dict[str, Any]] | None = None
    for sequence, what, detail in _log(database):
        last = (sequence, detail)
        if what == HASHED:
            wrong += _changed_hashes(database, sequence, detail)
            continue
        deleted += int(detail.get("events", 0)) + int(detail.get("passages", 0))
        if what == ERASED:
            erasures += 1
            wrong += _not_erased(database, sequence, detail)
        else:
            purges += 1
    if last is not None:
        sequence, detail = last
        (kept,) = database.execute(
            f"SELECT count(*) FROM passages WHERE {_KEPT} AND sequence <= ?", (detail["newest"],)
        ).fetchone()
        if kept != detail["kept"]:
            wrong.append(
                f"{detail['kept'] - kept} events up to number {detail['newest']} are missing,"
                f" and the purge log (event number {sequence}) does not say why"
            )
    return PurgeReport(purges, deleted, erasures, tuple(wrong))


def ranges(sequences: Iterable[int]) -> str:
    """Sequence numbers in a short form: "12-15,19"."""
    found: list[list[int]] = []
    for number in sorted(sequences):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in found)


def _log(database: sqlite3.Connection) -> Iterator[tuple[int, str, dict[str, Any]]]:
    if not has_reduced(database):
        return  # a journal that no gate of this version has opened
    rows = database.execute(
        f"SELECT sequence, document FROM {events_of(database)} WHERE document IS NOT NULL"
        " AND class IN (?, ?) ORDER BY sequence",
        (PURGE, ERASURE),
    ).fetchall()
    for sequence, text in rows:
        document = json.loads(text)
        yield sequence, document["what"], json.loads(document["detail"])


def _not_erased(
    database: sqlite3.Connection, sequence: int, detail: dict[str, Any]
) -> Iterator[str]:
    for part in filter(None, detail["sequences"].split(",")):
        first, _, last = part.partition("-")
        (left,) = database.execute(
            f"SELECT count(*) FROM passages WHERE sequence BETWEEN ? AND ? AND {PRESENT}",
            (int(first), int(last or first)),
        ).fetchone()
        if left:
            yield f"event number {sequence}: {left} of the events {part} are not erased"


def _changed_hashes(
    database: sqlite3.Connection, sequence: int, detail: dict[str, Any]
) -> Iterator[str]:
    for number, proof in detail["documents"].items():
        row = database.execute(
            "SELECT reduced FROM passages WHERE sequence = ?", (int(number),)
        ).fetchone()
        if row and row[0] is not None and content_hash(row[0]).hex()[:HASH_LENGTH] != proof:
            yield f"event number {number}: changed after its plate was hashed (number {sequence})"
