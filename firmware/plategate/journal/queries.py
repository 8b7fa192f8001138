# SPDX-License-Identifier: Apache-2.0
"""Read passages and unfinished grants out of the journal's database, newest first."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from plategate.journal.reserve import Grant
from plategate.journal.rows import passage_from_document
from plategate.values import Passage


@dataclass(frozen=True)
class StoredPassage:
    """One row of the journal as it is exported."""

    sequence: int
    document: dict[str, Any]
    evidence: tuple[tuple[str, str], ...]

    @property
    def passage(self) -> Passage:
        """The record that was stored."""
        return passage_from_document(self.document, self.evidence)


def read_rows(
    database: sqlite3.Connection,
    limit: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    passage_id: str | None = None,
) -> Iterator[StoredPassage]:
    """Rows that are not forgotten, newest first, within the limits that are given."""
    rows = database.execute(
        "SELECT sequence, document FROM passages WHERE id IS NOT NULL"
        " AND (:since IS NULL OR triggered_at >= :since)"
        " AND (:until IS NULL OR triggered_at < :until)"
        " AND (:id IS NULL OR id = :id)"
        " ORDER BY sequence DESC LIMIT :limit",
        {
            "since": since.isoformat() if since else None,
            "until": until.isoformat() if until else None,
            "id": passage_id,
            "limit": -1 if limit is None else limit,
        },
    )
    for sequence, document in rows:
        yield StoredPassage(sequence, json.loads(document), _evidence(database, sequence))


def read_grants(database: sqlite3.Connection) -> list[Grant]:
    """Grants whose passage is not in the journal yet, oldest first."""
    return [
        Grant(passage_id, lane, plate, datetime.fromisoformat(granted_at))
        for passage_id, lane, plate, granted_at in database.execute(
            "SELECT passage_id, lane, plate, granted_at FROM grants ORDER BY granted_at"
        )
    ]


def _evidence(database: sqlite3.Connection, sequence: int) -> tuple[tuple[str, str], ...]:
    return tuple(
        database.execute(
            "SELECT kind, file FROM evidence WHERE sequence = ? ORDER BY kind", (sequence,)
        )
    )
