# SPDX-License-Identifier: Apache-2.0
"""The two layers of a list: what its source supplied, and what people changed by hand.

For each plate the layer made by hand, if there is one, replaces all entries of the source. The list
in force (`lists`) is the result. Source entries that a plate of the upper layer hides are kept in
the table `overridden`, so that they are in force again when the change by hand is withdrawn.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from plategate.access.store.lists import ListName, entries_of_plate, table_of
from plategate.access.store.rows import COLUMNS, MARKS, ROW, ROW_TYPES, entry_of, has_table, row_of
from plategate.values import ListEntry

# `made_in` is the number of the change in the history.
_TABLES = (
    f"CREATE TABLE IF NOT EXISTS hand (list TEXT, made_in INTEGER, removed INTEGER, {ROW_TYPES})",
    "CREATE INDEX IF NOT EXISTS hand_plate ON hand (list, plate)",
    f"CREATE TABLE IF NOT EXISTS overridden (list TEXT, {ROW_TYPES})",
    "CREATE INDEX IF NOT EXISTS overridden_plate ON overridden (list, plate)",
)
_OF_HAND = "(SELECT plate FROM hand WHERE list = ?)"


@dataclass(frozen=True, slots=True)
class PlateState:
    """Both layers of one plate; `hand` is None if unchanged, () if removed by hand."""

    source: tuple[ListEntry, ...] = ()
    hand: tuple[ListEntry, ...] | None = None

    @property
    def in_force(self) -> tuple[ListEntry, ...]:
        """The entries that count."""
        return self.source if self.hand is None else self.hand


@dataclass(frozen=True, slots=True)
class HandMade:
    """One plate that was added, edited or removed by hand: its entries, and who did it when."""

    plate: str
    entries: tuple[ListEntry, ...]  # empty: removed
    in_source: bool  # whether the source has the plate too
    at: datetime
    who: str
    why: str


def create_layers(connection: sqlite3.Connection) -> None:
    """Create the tables where they are missing; called in the transaction of a change."""
    for statement in _TABLES:
        connection.execute(statement)


def create_list_table(connection: sqlite3.Connection, name: ListName) -> None:
    """Create the empty table of a list that was never imported."""
    connection.execute(f"CREATE TABLE IF NOT EXISTS {table_of(name)} ({ROW_TYPES})")
    index_entries(connection, table_of(name), name, 0)


def index_entries(
    connection: sqlite3.Connection, table: str, name: ListName, generation: int
) -> None:
    """Create the indexes of a table of entries; `generation` makes their names unique."""
    for column, with_it in (("plate", ", digest"), ("folded", "")):
        index = f"{table_of(name)}_{column}_{generation}"
        connection.execute(f"CREATE INDEX IF NOT EXISTS {index} ON {table} ({column}{with_it})")


def plate_state(connection: sqlite3.Connection, name: ListName, plate: str) -> PlateState:
    """Both layers of a canonical plate."""
    in_force = entries_of_plate(connection, name, plate)
    if not has_table(connection, "hand"):
        return PlateState(in_force)
    rows = connection.execute(
        f"SELECT {COLUMNS}, removed FROM hand WHERE list = ? AND plate = ? ORDER BY rowid",
        (name.value, plate),
    ).fetchall()
    if not rows:
        return PlateState(in_force)
    hidden = connection.execute(
        f"SELECT {COLUMNS} FROM overridden WHERE list = ? AND plate = ? ORDER BY rowid",
        (name.value, plate),
    ).fetchall()
    hand = tuple(entry_of(row) for row in rows if not row["removed"])
    return PlateState(tuple(map(entry_of, hidden)), hand)


def put_plate_state(
    connection: sqlite3.Connection, name: ListName, plate: str, state: PlateState, made_in: int
) -> None:
    """Replace both layers of a plate, and its entries in force."""
    connection.execute(f"DELETE FROM {table_of(name)} WHERE plate = ?", (plate,))
    for table in ("hand", "overridden"):
        connection.execute(f"DELETE FROM {table} WHERE list = ? AND plate = ?", (name.value, plate))
    _insert(connection, table_of(name), ROW, (), state.in_force)
    if state.hand is None:
        return
    _insert(connection, "overridden", f"list, {ROW}", (name.value,), state.source)
    head = (name.value, made_in, 0)
    _insert(connection, "hand", f"list, made_in, removed, {ROW}", head, state.hand)
    if not state.hand:
        connection.execute(
            "INSERT INTO hand (list, made_in, removed, plate) VALUES (?, ?, 1, ?)",
            (name.value, made_in, plate),
        )


def split_arriving(connection: sqlite3.Connection, name: ListName) -> None:
    """Put the layer made by hand over the table `incoming`; what it hides goes to `arriving`."""
    connection.execute(f"CREATE TABLE arriving ({ROW_TYPES})")
    key = (name.value,)
    connection.execute(
        f"INSERT INTO arriving ({ROW}) SELECT {ROW} FROM incoming WHERE plate IN {_OF_HAND}"
        " ORDER BY rowid",
        key,
    )
    connection.execute(f"DELETE FROM incoming WHERE plate IN {_OF_HAND}", key)
    connection.execute(
        f"INSERT INTO incoming ({ROW}) SELECT {ROW} FROM hand WHERE list = ? AND NOT removed"
        " ORDER BY rowid",
        key,
    )


def put_arriving(connection: sqlite3.Connection, name: ListName) -> None:
    """Replace the hidden entries of a list by those of `arriving`."""
    connection.execute("DELETE FROM overridden WHERE list = ?", (name.value,))
    connection.execute(
        f"INSERT INTO overridden (list, {ROW}) SELECT ?, {ROW} FROM arriving ORDER BY rowid",
        (name.value,),
    )
    connection.execute("DROP TABLE arriving")


def count_hand(connection: sqlite3.Connection, name: ListName) -> tuple[int, int]:
    """How many plates of a list have entries made by hand, and how many were removed by hand."""
    if not has_table(connection, "hand"):
        return 0, 0
    query = "SELECT count(DISTINCT plate) FROM hand WHERE list = ? AND removed = ?"
    made, removed = (
        int(connection.execute(query, (name.value, flag)).fetchone()[0]) for flag in (0, 1)
    )
    return made, removed


def made_by_hand(connection: sqlite3.Connection, name: ListName) -> tuple[HandMade, ...]:
    """Every plate of a list that was changed by hand, the newest change first."""
    if not has_table(connection, "hand"):
        return ()
    rows = connection.execute(
        "SELECT h.plate, max(h.made_in) AS number, c.at, c.who, d.why FROM hand h"
        " JOIN history c ON c.id = h.made_in LEFT JOIN details d ON d.change = h.made_in"
        " WHERE h.list = ? GROUP BY h.plate ORDER BY number DESC, h.plate",
        (name.value,),
    ).fetchall()
    found = []
    for row in rows:
        state = plate_state(connection, name, row["plate"])
        at = datetime.fromisoformat(row["at"])
        entries = state.hand or ()
        made = HandMade(row["plate"], entries, bool(state.source), at, row["who"], row["why"] or "")
        found.append(made)
    return tuple(found)


def _insert(
    connection: sqlite3.Connection,
    table: str,
    columns: str,
    head: tuple[object, ...],
    entries: Iterable[ListEntry],
) -> None:
    marks = "?, " * len(head) + MARKS
    connection.executemany(
        f"INSERT INTO {table} ({columns}) VALUES ({marks})",
        ((*head, *row_of(entry)) for entry in entries),
    )
