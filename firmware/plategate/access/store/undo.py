# SPDX-License-Identifier: Apache-2.0
"""Undo a change of a list: every plate that it touched gets the entries that it had before."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace

from plategate.access.store.generation import put_generation
from plategate.access.store.history import (
    Author,
    ChangeKind,
    ListChange,
    create_history,
    list_history,
    next_number,
    plates_of,
    remember,
)
from plategate.access.store.layers import create_layers
from plategate.access.store.lists import ListName, list_state, table_of
from plategate.access.store.rows import ROW
from plategate.errors import ListError
from plategate.storage import transaction

PAGE = 50  # changes read at once


def undo_change(
    connection: sqlite3.Connection, number: int | None, name: ListName | None, author: Author
) -> ListChange:
    """Give every plate of a change the entries that it had before; returns the new change.

    Without `number` the newest change is undone that is neither undone nor an undo itself, of list
    `name` if that is given. Raises ListError where a later change concerns the same plates, or what
    the change replaced is no longer kept.
    """
    with transaction(connection):
        create_layers(connection)
        create_history(connection)
        found = _change_to_undo(connection, number, name)
        state = list_state(connection, found.name)
        assert state is not None
        undo = next_number(connection)
        connection.execute(
            "INSERT INTO touched SELECT ?, plate FROM touched WHERE change = ?",
            (undo, found.number),
        )
        remember(connection, found.name, undo)
        _restore(connection, found.name, found.number)
        query = f"SELECT count(*) FROM {table_of(found.name)}"
        query_checked = "SELECT checked FROM details WHERE change = ?"
        checked = connection.execute(query_checked, (found.number,)).fetchone()
        change = replace(
            found,
            number=undo,
            generation=state.generation + 1,
            at=author.at,
            who=author.who,
            why=author.why,
            kind=ChangeKind.UNDONE,
            undoes=found.number,
            undone=False,
            was_sync=found.source.startswith("sync "),
            source=f"undo of change {found.number}",
            added=found.removed,
            removed=found.added,
            entries=int(connection.execute(query).fetchone()[0]),
            entries_before=state.entries,
        )
        put_generation(connection, change, state, author, keep_checked=bool(checked and checked[0]))
        if found.kind is ChangeKind.REPLACED or found.undoes is not None:
            # The source of the list is no longer what `source` names: the next sync compares it.
            connection.execute(
                "UPDATE lists SET source = ? WHERE name = ?", (change.source, found.name.value)
            )
    return change


def _change_to_undo(
    connection: sqlite3.Connection, number: int | None, name: ListName | None
) -> ListChange:
    later_ones: list[ListChange] = []
    for found in _newest_first(connection, name):
        if found.number == number or (number is None and _can_be_undone(connection, found)):
            break
        if number is not None and found.number < number:
            raise _unknown(number)
        later_ones.append(found)
    else:
        if number is not None:
            raise _unknown(number)
        raise ListError("no change is left that could be undone")
    if found.undone:
        raise ListError(f"change {number} is undone already; see `list history`")
    if not plates_of(connection, found.number, 1):
        counted = found.added + found.removed + found.changed
        raise ListError(
            f"change {found.number}: "
            + (
                "what it replaced is no longer kept (access.list_undo_days)"
                if counted
                else "it changed no plate"
            )
        )
    for later in later_ones:
        # An undo and a later change that it undid have no effect together.
        both_later = later.undoes is not None and later.undoes > found.number
        counts = not (later.undone or both_later)
        if later.name is found.name and counts:
            _check_apart(connection, found, later)
    return found


def _newest_first(connection: sqlite3.Connection, name: ListName | None) -> Iterator[ListChange]:
    """The changes of a list or of all, read as far as they are needed."""
    before = None
    while page := list_history(connection, name, PAGE, before):
        yield from page
        before = page[-1].number


def _can_be_undone(connection: sqlite3.Connection, change: ListChange) -> bool:
    if change.undone or change.kind is ChangeKind.UNDONE:
        return False
    changed_some = bool(change.added or change.removed or change.changed)
    return changed_some or bool(plates_of(connection, change.number, 1))


def _unknown(number: int) -> ListError:
    return ListError(f"there is no change {number} of this list; see `list history`")


def _check_apart(connection: sqlite3.Connection, found: ListChange, later: ListChange) -> None:
    """Refuse to undo a change if a later one concerns one of its plates."""
    query = (
        "SELECT a.plate FROM touched a JOIN touched b ON a.plate = b.plate"
        " WHERE a.change = ? AND b.change = ? LIMIT 1"
    )
    both = connection.execute(query, (found.number, later.number)).fetchone()
    if both:
        raise ListError(
            f"change {found.number}: change {later.number} concerns {both[0]} as well;"
            f" undo change {later.number} first"
        )


def _restore(connection: sqlite3.Connection, name: ListName, number: int) -> None:
    """Put both layers of all plates of a change back as they were before it."""
    table, of = table_of(name), "(SELECT plate FROM touched WHERE change = ?)"
    connection.execute(f"DELETE FROM {table} WHERE plate IN {of}", (number,))
    for layer in ("hand", "overridden"):
        connection.execute(
            f"DELETE FROM {layer} WHERE list = ? AND plate IN {of}", (name.value, number)
        )
    connection.execute(
        f"INSERT INTO hand (list, made_in, removed, {ROW})"
        f" SELECT ?, made_in, layer = 'removed', {ROW} FROM before"
        " WHERE change = ? AND layer <> 'source' ORDER BY rowid",
        (name.value, number),
    )
    of_hand = "EXISTS (SELECT 1 FROM hand h WHERE h.list = ? AND h.plate = before.plate)"
    connection.execute(
        f"INSERT INTO overridden (list, {ROW}) SELECT ?, {ROW} FROM before"
        f" WHERE change = ? AND layer = 'source' AND {of_hand} ORDER BY rowid",
        (name.value, number, name.value),
    )
    connection.execute(
        f"INSERT INTO {table} ({ROW}) SELECT {ROW} FROM before WHERE change = ?"
        f" AND (layer = 'hand' OR layer = 'source' AND NOT {of_hand}) ORDER BY rowid",
        (number, name.value),
    )
