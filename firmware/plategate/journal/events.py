# SPDX-License-Identifier: Apache-2.0
"""The rows of events: what is stored of one, and how it is added to the end of the hash chain."""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from plategate.documents import PASSAGE, encode
from plategate.journal.chain import content_hash, link, newest_hash
from plategate.journal.evidence import EvidenceFile

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


def salted(document: dict[str, Any]) -> str:
    """Without the salt, the plate could be guessed from the hash that a forgotten event leaves."""
    return encode(document | {"salt": secrets.token_hex(16)})


def insert_event(database: sqlite3.Connection, row: EventRow) -> None:
    """Add an event in the caller's transaction; a passage finishes its grant."""
    content = content_hash(row.document)
    if row.waited and _is_stored(database, content):
        return
    cursor = database.execute(
        "INSERT INTO passages (kind, id, triggered_at, class, document, content_hash, chain_hash)"
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


def _is_stored(database: sqlite3.Connection, content: bytes) -> bool:
    """Whether an event that waited was stored just before the process ended."""
    found = database.execute(
        "SELECT 1 FROM passages WHERE content_hash = ?"
        " AND sequence > (SELECT max(sequence) FROM passages) - ?",
        (content, RECENT_EVENTS),
    )
    return found.fetchone() is not None
