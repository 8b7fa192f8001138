# SPDX-License-Identifier: Apache-2.0
"""The columns of a list entry in the database, and the conversion between entries and rows.

Tables of entries: one for each list in force (`lists`), those of `layers`, and what `history` keeps
for undo. All have the columns ROW.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

from plategate.plates.text import lookalike_key
from plategate.values import ListEntry

COLUMNS = "plate, folded, holder, grp, note, valid_from, valid_until, hours, entries"
ROW = f"{COLUMNS}, digest"
ROW_TYPES = (
    "plate TEXT NOT NULL, folded TEXT, holder TEXT, grp TEXT, note TEXT, valid_from INTEGER,"
    " valid_until INTEGER, hours TEXT, entries INTEGER, digest INTEGER"
)
MARKS = ", ".join("?" * 10)


def entry_of(row: sqlite3.Row | Sequence[Any]) -> ListEntry:
    """The entry of a row that starts with COLUMNS."""
    plate, _, holder, group, note, valid_from, valid_until, hours, entries = row[:9]
    return ListEntry(
        plate=plate,
        holder=holder,
        group=group,
        note=note,
        valid_from=_time(valid_from),
        valid_until=_time(valid_until),
        hours=hours,
        entries=entries,
    )


def row_of(entry: ListEntry) -> tuple[object, ...]:
    """The values of ROW."""
    limits = (_seconds(entry.valid_from), _seconds(entry.valid_until), entry.hours, entry.entries)
    words = (entry.plate, lookalike_key(entry.plate), entry.holder, entry.group, entry.note)
    # Detects changed entries without comparing every column.
    return (*words, *limits, crc32(repr((words, limits)).encode()))


def stamp_of(at: datetime) -> str:
    """A wall time as the database keeps it: ISO 8601 in UTC, in whole seconds."""
    return at.astimezone(UTC).isoformat(timespec="seconds")


def has_table(connection: sqlite3.Connection, name: str) -> bool:
    """Whether the database has a table; files of older versions lack the newer ones."""
    query = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?"
    return connection.execute(query, (name,)).fetchone() is not None


def _time(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _seconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())
