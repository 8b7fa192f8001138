# SPDX-License-Identifier: Apache-2.0
"""Passages on hold: nothing deletes them until the hold ends, because somebody disputes them.

A hold is a row of its own table, which retention asks, and two events: when it began and when it
ended, each with who and why.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime

from plategate.storage import transaction

HELD, HOLD_ENDED = "held", "hold_ended"  # names of the events
# Conditions on rows of `passages`: neither the passage nor an event of it is on hold.
NOT_HELD = (
    "(id IS NULL OR id NOT IN (SELECT passage_id FROM holds))"
    " AND (kind = 'passage' OR NOT EXISTS (SELECT 1 FROM holds"
    " WHERE passage_id = json_extract(document, '$.passage_id')))"
)
LAYOUT = (
    "CREATE TABLE IF NOT EXISTS holds (passage_id TEXT PRIMARY KEY, at TEXT NOT NULL,"
    " who TEXT NOT NULL, why TEXT NOT NULL) WITHOUT ROWID"
)


@dataclass(frozen=True, slots=True)
class Hold:
    """A passage that is kept beyond its time: since when, by whom and why."""

    passage_id: str
    at: datetime
    who: str
    why: str


def put_hold(database: sqlite3.Connection, hold: Hold) -> bool:
    """Keep a passage; False where the journal does not have it. Raises sqlite3.Error."""
    known = "SELECT 1 FROM passages WHERE id = ?"
    with transaction(database):
        if database.execute(known, (hold.passage_id,)).fetchone() is None:
            return False
        row = (hold.passage_id, hold.at.astimezone(UTC).isoformat(), hold.who, hold.why)
        database.execute("INSERT OR REPLACE INTO holds VALUES (?, ?, ?, ?)", row)
    return True


def end_hold(database: sqlite3.Connection, passage_id: str) -> bool:
    """End a hold: the passage is deleted at the end of its time; False where it is not on hold."""
    delete = "DELETE FROM holds WHERE passage_id = ?"
    return database.execute(delete, (passage_id,)).rowcount > 0


def all_holds(database: sqlite3.Connection) -> list[Hold]:
    """Every hold, oldest first; none in a journal of a version without holds."""
    there = "SELECT 1 FROM sqlite_schema WHERE name = 'holds'"
    if database.execute(there).fetchone() is None:
        return []
    rows = database.execute("SELECT passage_id, at, who, why FROM holds ORDER BY at").fetchall()
    return [Hold(name, datetime.fromisoformat(at), who, why) for name, at, who, why in rows]
