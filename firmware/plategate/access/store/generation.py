# SPDX-License-Identifier: Apache-2.0
"""Keep the state of a list right: after a change in place, and after an older version wrote it.

The id of the request for a change is stored in the transaction of the change: a sender that got no
answer sends its request again with the same id, and a request that is known is not followed twice,
also after a crash.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime

from plategate.access.store.history import (
    Author,
    ListChange,
    change_numbered,
    forget_old,
    mark_checked,
    note_change,
    was_checked,
)
from plategate.access.store.layers import PlateState, plate_state, put_plate_state
from plategate.access.store.lists import ListName, ListState, entries_of_plate, table_of
from plategate.access.store.rows import has_table, stamp_of
from plategate.storage import transaction

BY_HAND = "by hand"  # the source of a list that was never imported
MOST_REQUESTS = 10_000
_REQUESTS = (
    "CREATE TABLE IF NOT EXISTS requests (number INTEGER PRIMARY KEY AUTOINCREMENT,"
    " id TEXT NOT NULL UNIQUE, change INTEGER NOT NULL)"
)


def put_generation(
    connection: sqlite3.Connection,
    change: ListChange,
    state: ListState | None,
    author: Author,
    *,
    keep_checked: bool,
) -> None:
    """Write the state of a list whose table was changed in place; `state` is the old one.

    `keep_checked` is False where plates of an older version may have come back.
    """
    checked = state is None or was_checked(connection, state)
    if checked and keep_checked:
        mark_checked(connection, change.name, change.generation)
    at = stamp_of(change.at)
    if state is None:
        connection.execute(
            "INSERT INTO lists VALUES (?, ?, ?, NULL, ?, ?, ?)",
            (change.name.value, change.generation, change.entries, BY_HAND, at, at),
        )
    else:
        # The age of a list is that of its source; a list made by hand alone has no other.
        connection.execute(
            "UPDATE lists SET generation = ?, entries = ?, replaced_at = ?, confirmed_at ="
            " CASE source WHEN ? THEN ? ELSE confirmed_at END WHERE name = ?",
            (change.generation, change.entries, at, BY_HAND, at, change.name.value),
        )
    note_change(connection, change, checked_before=checked, undo_days=author.undo_days)
    note_request(connection, author.request, change.number)


def settle_lists(connection: sqlite3.Connection, at: datetime, undo_days: int) -> None:
    """Forget what is too old to undo, and apply again what an older version did not know.

    A version without changes by hand replaces a list as if there were none. When this version runs
    again, they count again.
    """
    with transaction(connection):
        forget_old(connection, at, undo_days)
        if has_table(connection, "hand"):
            for name in ListName:
                _apply_hand_again(connection, name)


def _apply_hand_again(connection: sqlite3.Connection, name: ListName) -> None:
    query = "SELECT max(id) FROM history WHERE list = ?"
    newest = connection.execute(query, (name.value,)).fetchone()[0]
    query = "SELECT 1 FROM details WHERE change = ?"
    if newest is None or connection.execute(query, (newest,)).fetchone():
        return
    query = "SELECT plate, max(made_in) FROM hand WHERE list = ? GROUP BY plate"
    for plate, made_in in connection.execute(query, (name.value,)).fetchall():
        hand = plate_state(connection, name, plate).hand
        state = PlateState(entries_of_plate(connection, name, plate), hand)
        put_plate_state(connection, name, plate, state, made_in)
    connection.execute(
        f"UPDATE lists SET entries = (SELECT count(*) FROM {table_of(name)}) WHERE name = ?",
        (name.value,),
    )
    connection.execute("INSERT INTO details VALUES (?, 'replaced', '', NULL, 1)", (newest,))


def note_request(connection: sqlite3.Connection, request: str, change: int) -> None:
    """Store the id of the request for a change; called in the transaction of the change.

    An empty id is not stored. The newest MOST_REQUESTS are kept.
    """
    if not request:
        return
    connection.execute(_REQUESTS)
    connection.execute("INSERT INTO requests (id, change) VALUES (?, ?)", (request, change))
    connection.execute(
        "DELETE FROM requests WHERE number <= (SELECT max(number) FROM requests) - ?",
        (MOST_REQUESTS,),
    )


def change_of_request(connection: sqlite3.Connection, request: str) -> ListChange | None:
    """The change that an earlier request with this id made, marked as repeated; else None."""
    if not request or not has_table(connection, "requests"):
        return None
    query = "SELECT change FROM requests WHERE id = ?"
    row = connection.execute(query, (request,)).fetchone()
    if row is None:
        return None
    change = change_numbered(connection, row[0])
    return change and replace(change, repeated=True)
