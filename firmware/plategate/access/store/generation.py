# SPDX-License-Identifier: Apache-2.0
"""Write the next generation of a list after a change in place: its state and its history line."""

from __future__ import annotations

import sqlite3

from plategate.access.store.history import (
    Author,
    ListChange,
    mark_checked,
    note_change,
    was_checked,
)
from plategate.access.store.lists import ListState
from plategate.access.store.rows import stamp_of

BY_HAND = "by hand"  # the source of a list that was never imported


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
