# SPDX-License-Identifier: Apache-2.0
"""Keep messages about passages until they are delivered; the delivering itself is not done here."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

LONGEST_WAIT = timedelta(hours=1)


@dataclass(frozen=True)
class Message:
    """One undelivered message; `attempts` counts the failed deliveries."""

    id: int
    passage_id: str
    kind: str
    body: str
    attempts: int


def put(
    database: sqlite3.Connection, passage_id: str, kind: str, body: str, now: datetime, most: int
) -> None:
    """Queue a message in the caller's transaction; beyond `most` the oldest is dropped."""
    database.execute(
        "INSERT INTO outbox (passage_id, kind, body, queued_at, next_at) VALUES (?, ?, ?, ?, ?)",
        (passage_id, kind, body, now.isoformat(), now.isoformat()),
    )
    database.execute(
        "DELETE FROM outbox WHERE id <= (SELECT max(id) FROM outbox) - ?",
        (most,),
    )


def due(database: sqlite3.Connection, now: datetime, limit: int = 50) -> list[Message]:
    """Messages to be delivered now, oldest first."""
    rows = database.execute(
        "SELECT id, passage_id, kind, body, attempts FROM outbox WHERE next_at <= ?"
        " ORDER BY id LIMIT ?",
        (now.isoformat(), limit),
    )
    return [Message(*row) for row in rows]


def delivered(database: sqlite3.Connection, message: Message) -> None:
    """Forget a message that arrived."""
    database.execute("DELETE FROM outbox WHERE id = ?", (message.id,))


def failed(database: sqlite3.Connection, message: Message, now: datetime) -> None:
    """Try again later: after 1 s, 2 s, 4 s and so on, at most after an hour."""
    wait = min(timedelta(seconds=2 ** min(message.attempts, 12)), LONGEST_WAIT)
    database.execute(
        "UPDATE outbox SET attempts = attempts + 1, next_at = ? WHERE id = ?",
        ((now + wait).isoformat(), message.id),
    )
