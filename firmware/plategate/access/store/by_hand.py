# SPDX-License-Identifier: Apache-2.0
"""Change single plates of a list by hand.

What is changed by hand outranks the source of the list (`layers`): a sync neither reverts it
nor brings a removed plate back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace

from plategate.access.store.generation import BY_HAND, put_generation
from plategate.access.store.history import (
    Author,
    ChangeKind,
    ListChange,
    create_history,
    next_number,
    remember,
)
from plategate.access.store.layers import (
    PlateState,
    create_layers,
    create_list_table,
    plate_state,
    put_plate_state,
)
from plategate.access.store.lists import ListName, list_state
from plategate.errors import ListError
from plategate.storage import transaction
from plategate.values import ListEntry


def add_by_hand(
    connection: sqlite3.Connection,
    name: ListName,
    entry: ListEntry,
    author: Author,
    *,
    also: bool = False,
) -> ListChange:
    """Put an entry in force; with `also` next to the entries that the plate has already."""

    def added(state: PlateState) -> PlateState:
        if state.in_force and not also:
            raise ListError(
                f"{entry.plate} is on the {name} list already; change it with `list edit`, or give"
                " it a second entry with --also"
            )
        return replace(state, hand=(*state.in_force, entry))

    return _change_plate(connection, name, entry.plate, added, author, ChangeKind.ADDED)


def edit_by_hand(
    connection: sqlite3.Connection, name: ListName, entry: ListEntry, author: Author
) -> ListChange:
    """Replace the only entry of a plate by `entry`."""

    def edited(state: PlateState) -> PlateState:
        only_entry(name, entry.plate, state.in_force)
        return replace(state, hand=(entry,))

    return _change_plate(connection, name, entry.plate, edited, author, ChangeKind.EDITED)


def only_entry(name: ListName, plate: str, entries: tuple[ListEntry, ...]) -> ListEntry:
    """The one entry of a plate; raises ListError if it has none or several."""
    if not entries:
        raise ListError(f"{plate} is not on the {name} list; add it with `list add`")
    if len(entries) > 1:
        raise ListError(
            f"{plate} has {len(entries)} entries on the {name} list; remove it with `list remove`"
            " and add the entries that you want, the second one with --also"
        )
    return entries[0]


def remove_by_hand(
    connection: sqlite3.Connection, name: ListName, plate: str, author: Author
) -> ListChange:
    """Remove all entries of a plate; it stays removed if the source has it."""

    def removed(state: PlateState) -> PlateState:
        if not state.in_force:
            raise ListError(f"{plate} is not on the {name} list")
        return replace(state, hand=() if state.source else None)

    return _change_plate(connection, name, plate, removed, author, ChangeKind.REMOVED)


def follow_source(
    connection: sqlite3.Connection, name: ListName, plate: str, author: Author
) -> ListChange:
    """Withdraw what was changed by hand: the entries of the source are in force again."""

    def followed(state: PlateState) -> PlateState:
        if state.hand is None:
            raise ListError(f"{plate} was not changed by hand on the {name} list")
        if not state.source:
            raise ListError(
                f"the source of the {name} list does not have {plate}; remove it with `list remove`"
            )
        return replace(state, hand=None)

    return _change_plate(connection, name, plate, followed, author, ChangeKind.FOLLOWED)


def forget_plate(connection: sqlite3.Connection, name: ListName, plate: str, note: str) -> bool:
    """Delete what the history keeps of a plate that is on no list and had only entries with a note.

    For entries that are personal data beyond their end, such as those of visitors: their changes
    cannot be undone any more. Returns False, and deletes nothing, for any other plate.
    """
    with transaction(connection):
        create_layers(connection)
        create_history(connection)
        on_a_list = any(
            list_state(connection, each) is not None
            and plate_state(connection, each, plate) != PlateState()
            for each in ListName
        )
        of_list = "change IN (SELECT id FROM history WHERE list = ?)"
        query = f"SELECT 1 FROM before WHERE plate = ? AND note <> ? AND {of_list} LIMIT 1"
        if on_a_list or connection.execute(query, (plate, note, name.value)).fetchone():
            return False
        for table in ("before", "touched"):
            connection.execute(
                f"DELETE FROM {table} WHERE plate = ? AND {of_list}", (plate, name.value)
            )
    return True


def _change_plate(
    connection: sqlite3.Connection,
    name: ListName,
    plate: str,
    changed: Callable[[PlateState], PlateState],
    author: Author,
    kind: ChangeKind,
) -> ListChange:
    with transaction(connection):
        create_layers(connection)
        create_history(connection)
        state = list_state(connection, name)
        if state is None:
            create_list_table(connection, name)
        number = next_number(connection)
        before = plate_state(connection, name, plate)
        after = changed(before)
        connection.execute("INSERT INTO touched VALUES (?, ?)", (number, plate))
        remember(connection, name, number)
        put_plate_state(connection, name, plate, after, number)
        was, now = len(before.in_force), len(after.in_force)
        entries = state.entries if state else 0
        change = ListChange(
            name=name,
            generation=(state.generation if state else 0) + 1,
            at=author.at,
            who=author.who,
            source=BY_HAND,
            entries=entries + now - was,
            added=int(was == 0),
            removed=int(now == 0),
            changed=int(was > 0 and now > 0),
            entries_before=entries,
            number=number,
            kind=kind,
            why=author.why,
            kept_out=int(after.hand == ()),
        )
        put_generation(connection, change, state, author, keep_checked=True)
    return change
