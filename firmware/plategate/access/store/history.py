# SPDX-License-Identifier: Apache-2.0
"""The history of the lists: who changed what, when and why, and what every plate was before.

The counts of a change are kept for good; the entries that it replaced are kept for
access.list_undo_days, so that it can be shown (`differences`) and undone (`undo`).
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from plategate.access.store.lists import ListName, ListState, table_of
from plategate.access.store.rows import (
    ROW,
    ROW_TYPES,
    has_table,
    stamp_of,
)
from plategate.errors import storable

UNDO_DAYS = 30
LARGEST_NUMBER = 2**63 - 1  # that a column can have
# A source that changes completely every day would fill the card; older changes lose their entries.
MOST_KEPT_PLATES = 2_000_000

_TABLES = (
    "CREATE TABLE IF NOT EXISTS details (change INTEGER PRIMARY KEY, kind TEXT NOT NULL,"
    " why TEXT NOT NULL, undoes INTEGER, checked INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS touched (change INTEGER, plate TEXT, PRIMARY KEY (change, plate))"
    " WITHOUT ROWID",
    f"CREATE TABLE IF NOT EXISTS before (change INTEGER, layer TEXT, made_in INTEGER, {ROW_TYPES})",
    "CREATE INDEX IF NOT EXISTS before_plate ON before (change, plate)",
    # The generations that were written after plates were checked for characters that do not fold.
    "CREATE TABLE IF NOT EXISTS checked (list TEXT PRIMARY KEY, generation INTEGER) WITHOUT ROWID",
)


class ChangeKind(StrEnum):
    """What a change did."""

    REPLACED = "replaced"  # an import or a sync replaced the source
    ADDED = "added"
    EDITED = "edited"
    REMOVED = "removed"
    FOLLOWED = "followed"  # what was changed by hand was withdrawn
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes a list, when and why; `undo_days` is how long the change can be undone.

    `request` is the id of the request for the change, which is followed once (`generation`).
    """

    who: str
    at: datetime
    why: str = ""
    undo_days: int = UNDO_DAYS
    request: str = ""


@dataclass(frozen=True, slots=True)
class ListChange:
    """One change of a list: who, when, why, from where, and how many plates it changed.

    `kept` plates with entries made by hand and `kept_out` plates that were removed by hand, though
    the new source has them, outrank the source. `undoes` is the number of the change that this one
    undid, `was_sync` whether that was a sync; `undone` is set if it was undone itself. `repeated`:
    an earlier request with the same id made it.
    """

    name: ListName
    generation: int
    at: datetime
    who: str
    source: str
    entries: int
    added: int
    removed: int
    changed: int
    entries_before: int
    number: int = 0
    kind: ChangeKind = ChangeKind.REPLACED
    why: str = ""
    undoes: int | None = None
    undone: bool = False
    kept: int = 0
    kept_out: int = 0
    was_sync: bool = False
    repeated: bool = False


def create_history(connection: sqlite3.Connection) -> None:
    """Create the tables where they are missing; called in the transaction of a change."""
    for statement in _TABLES:
        connection.execute(statement)


def next_number(connection: sqlite3.Connection) -> int:
    """The number of the next change."""
    return int(connection.execute("SELECT coalesce(max(id), 0) + 1 FROM history").fetchone()[0])


def list_history(
    connection: sqlite3.Connection,
    name: ListName | None = None,
    limit: int = 50,
    before: int | None = None,
) -> tuple[ListChange, ...]:
    """The last `limit` changes, newest first; only those before number `before` if it is given.

    The history has no end, so that no more of it is read than is returned.
    """
    details = has_table(connection, "details")
    joined = "LEFT JOIN details d ON d.change = h.id" if details else ""
    columns = "d.kind, d.why, d.undoes" if details else "NULL AS kind, NULL AS why, NULL AS undoes"
    rows = connection.execute(
        "SELECT h.*, coalesce((SELECT entries FROM history o WHERE o.list = h.list AND o.id < h.id"
        f" ORDER BY o.id DESC LIMIT 1), 0) AS entries_before, {columns} FROM history h {joined}"
        " WHERE (? IS NULL OR h.list = ?) AND h.id < ? ORDER BY h.id DESC LIMIT ?",
        (name, name, LARGEST_NUMBER if before is None else before, limit),
    ).fetchall()
    undone = cancelled(connection)
    return tuple(
        ListChange(
            name=ListName(row["list"]),
            generation=row["generation"],
            at=datetime.fromisoformat(row["at"]),
            who=row["who"],
            source=row["source"],
            entries=row["entries"],
            added=row["added"],
            removed=row["removed"],
            changed=row["changed"],
            entries_before=row["entries_before"],
            number=row["id"],
            kind=ChangeKind(row["kind"] or ChangeKind.REPLACED),
            why=row["why"] or "",
            undoes=row["undoes"],
            undone=row["id"] in undone,
        )
        for row in rows
    )


def change_numbered(connection: sqlite3.Connection, number: int) -> ListChange | None:
    """The change of that number."""
    if not 0 < number < LARGEST_NUMBER:
        return None
    newest = list_history(connection, limit=1, before=number + 1)
    return newest[0] if newest and newest[0].number == number else None


def cancelled(connection: sqlite3.Connection) -> set[int]:
    """The numbers of the changes that are undone; undoing an undo makes its change count again."""
    if not has_table(connection, "details"):
        return set()
    query = "SELECT change, undoes FROM details WHERE undoes IS NOT NULL ORDER BY change DESC"
    found: set[int] = set()
    for number, undoes in connection.execute(query):
        if number not in found:
            found.add(undoes)
    return found


def plates_of(connection: sqlite3.Connection, number: int, limit: int) -> tuple[str, ...]:
    """The first plates that a change touched; none once its entries are no longer kept."""
    if not has_table(connection, "touched"):
        return ()
    query = "SELECT plate FROM touched WHERE change = ? ORDER BY plate LIMIT ?"
    return tuple(row[0] for row in connection.execute(query, (number, limit)))


def remember(connection: sqlite3.Connection, name: ListName, number: int) -> None:
    """Copy both layers of every plate that change `number` touches, before it changes them."""
    table, key = table_of(name), (number, name.value)
    into = f"INSERT INTO before (change, layer, made_in, {ROW})"
    row = ", ".join(f"o.{column}" for column in ROW.split(", "))
    connection.execute(
        f"{into} SELECT t.change, 'source', NULL, {row} FROM touched t JOIN {table} o"
        " ON o.plate = t.plate WHERE t.change = ? AND NOT EXISTS"
        " (SELECT 1 FROM hand h WHERE h.list = ? AND h.plate = t.plate) ORDER BY t.plate, o.rowid",
        key,
    )
    for layer, made_in, of in (
        ("'source'", "NULL", "overridden"),
        ("CASE removed WHEN 1 THEN 'removed' ELSE 'hand' END", "made_in", "hand"),
    ):
        connection.execute(
            f"{into} SELECT t.change, {layer}, {made_in}, {row} FROM touched t JOIN {of} o"
            " ON o.plate = t.plate WHERE t.change = ? AND o.list = ? ORDER BY t.plate, o.rowid",
            key,
        )


def note_change(
    connection: sqlite3.Connection, change: ListChange, *, checked_before: bool, undo_days: int
) -> None:
    """Add a change to the history, and forget the entries of changes that are too old to undo."""
    connection.execute(
        "INSERT INTO history (id, list, generation, at, who, source, entries, added, removed,"
        " changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(change.number, change.name.value, change.generation, stamp_of(change.at)),
            *(storable(change.who), storable(change.source)),
            *(change.entries, change.added, change.removed, change.changed),
        ),
    )
    connection.execute(
        "INSERT INTO details VALUES (?, ?, ?, ?, ?)",
        (change.number, change.kind.value, storable(change.why), change.undoes, checked_before),
    )
    forget_old(connection, change.at, undo_days)


def forget_old(connection: sqlite3.Connection, at: datetime, undo_days: int) -> None:
    """Delete what changes replaced that are older than `undo_days`, or are too many plates."""
    if not has_table(connection, "touched"):
        return
    last = stamp_of(at - timedelta(days=undo_days))
    kept = connection.execute(
        "SELECT t.change, count(*), h.at <= ? FROM touched t JOIN history h ON h.id = t.change"
        " GROUP BY t.change ORDER BY t.change DESC",
        (last,),
    ).fetchall()
    plates = 0
    for number, count, old in kept:
        plates += count
        if old or (plates > MOST_KEPT_PLATES and number != kept[0][0]):
            for table in ("touched", "before"):
                connection.execute(f"DELETE FROM {table} WHERE change = ?", (number,))


def was_checked(connection: sqlite3.Connection, state: ListState) -> bool:
    """Whether the plates of a list were checked; False for a list of an older version.

    Older versions dropped characters that do not fold, so an entry may be somebody else's plate.
    """
    if not has_table(connection, "checked"):
        return False
    query = "SELECT 1 FROM checked WHERE list = ? AND generation = ?"
    return connection.execute(query, (state.name.value, state.generation)).fetchone() is not None


def mark_checked(connection: sqlite3.Connection, name: ListName, generation: int) -> None:
    """Record that the plates of a generation were checked."""
    connection.execute("INSERT OR REPLACE INTO checked VALUES (?, ?)", (name.value, generation))
