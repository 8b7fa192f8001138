# SPDX-License-Identifier: Apache-2.0
"""What a change of a list did: the entries in force of each plate before and after it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from plategate.access.store.history import ListChange, plates_of
from plategate.access.store.lists import entries_of_plate
from plategate.access.store.rows import COLUMNS, entry_of
from plategate.values import ListEntry

MOST_READ_AT_ONCE = 20_000  # plates of later changes


@dataclass(frozen=True, slots=True)
class PlateDifference:
    """The entries in force of one plate before and after a change."""

    plate: str
    before: tuple[ListEntry, ...]
    after: tuple[ListEntry, ...]


def differences(connection: sqlite3.Connection, change: ListChange) -> Iterator[PlateDifference]:
    """What a change did to the entries in force, plate by plate, in the order of the plates."""
    plates = plates_of(connection, change.number, -1)
    if not plates:
        return
    next_change = _next_changes(connection, change)
    for plate in plates:
        later = next_change(plate)
        after = (
            _snapshot(connection, later, plate)
            if later is not None
            else entries_of_plate(connection, change.name, plate)
        )
        before = _snapshot(connection, change.number, plate)
        if before != after:
            yield PlateDifference(plate, before, after)


def _next_changes(
    connection: sqlite3.Connection, change: ListChange
) -> Callable[[str], int | None]:
    """The number of the next change of the same list that touched a plate, or None.

    Later changes that touched few plates are read once; of more, each is asked for each plate.
    """
    later = "change > ? AND change IN (SELECT id FROM history WHERE list = ?)"
    key = (change.number, change.name.value)
    rows = connection.execute(
        f"SELECT plate, change FROM touched WHERE {later} ORDER BY change DESC LIMIT ?",
        (*key, MOST_READ_AT_ONCE + 1),
    ).fetchall()
    if len(rows) <= MOST_READ_AT_ONCE:
        return {row["plate"]: int(row["change"]) for row in rows}.get

    def asked(plate: str) -> int | None:
        query = f"SELECT min(change) FROM touched WHERE plate = ? AND {later}"
        (number,) = connection.execute(query, (plate, *key)).fetchone()
        return None if number is None else int(number)

    return asked


def _snapshot(connection: sqlite3.Connection, number: int, plate: str) -> tuple[ListEntry, ...]:
    """The entries of a plate that were in force before change `number`."""
    rows = connection.execute(
        f"SELECT {COLUMNS}, layer FROM before WHERE change = ? AND plate = ? ORDER BY rowid",
        (number, plate),
    ).fetchall()
    layers = {row["layer"] for row in rows}
    if "removed" in layers:
        return ()
    counting = "hand" if "hand" in layers else "source"
    return tuple(entry_of(row) for row in rows if row["layer"] == counting)
