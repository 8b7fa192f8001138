# SPDX-License-Identifier: Apache-2.0
"""Read the allow, block and wanted lists in force: their state, and entries by canonical plate.

`changes` replaces lists; `policy` decides who may pass.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from plategate.access.store.database import batches
from plategate.access.store.rows import COLUMNS, entry_of
from plategate.values import ListEntry


class ListName(StrEnum):
    """The three lists of a gate."""

    ALLOW = "allow"
    BLOCK = "block"
    WANTED = "wanted"


@dataclass(frozen=True, slots=True)
class ListState:
    """The generation of a list that is in force, and how recent it is."""

    name: ListName
    generation: int
    entries: int
    serial: int | None
    source: str
    replaced_at: datetime
    confirmed_at: datetime  # when its source last confirmed it


def list_state(connection: sqlite3.Connection, name: ListName) -> ListState | None:
    """The state of a list; None if it was never imported."""
    row = connection.execute("SELECT * FROM lists WHERE name = ?", (name.value,)).fetchone()
    if row is None:
        return None
    return ListState(
        name=name,
        generation=row["generation"],
        entries=row["entries"],
        serial=row["serial"],
        source=row["source"],
        replaced_at=datetime.fromisoformat(row["replaced_at"]),
        confirmed_at=datetime.fromisoformat(row["confirmed_at"]),
    )


def entries_of_plate(
    connection: sqlite3.Connection, name: ListName, plate: str
) -> tuple[ListEntry, ...]:
    """All entries of a canonical plate, in file order."""
    return _select(connection, name, "WHERE plate = ? ORDER BY rowid", (plate,))


def entries_like(
    connection: sqlite3.Connection, name: ListName, keys: Iterable[str]
) -> tuple[ListEntry, ...]:
    """All entries whose look-alike key is one of `keys`."""
    found: list[ListEntry] = []
    for batch in batches(keys):
        marks = ",".join("?" * len(batch))
        found += _select(connection, name, f"WHERE folded IN ({marks})", batch)
    return tuple(found)


def plates_like(
    connection: sqlite3.Connection, name: ListName, keys: Iterable[str]
) -> tuple[str, ...]:
    """The plates of a list whose look-alike key is one of `keys`."""
    return tuple(dict.fromkeys(entry.plate for entry in entries_like(connection, name, keys)))


def all_entries(
    connection: sqlite3.Connection, name: ListName, limit: int | None = None
) -> Iterator[ListEntry]:
    """Every entry in file order, read one by one."""
    if list_state(connection, name) is None:
        return
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM {table_of(name)} ORDER BY rowid LIMIT ?",
        (-1 if limit is None else limit,),
    )
    for row in rows:
        yield entry_of(row)


def groups_of(connection: sqlite3.Connection, name: ListName) -> set[str]:
    """The groups of a list, as its entries spell them."""
    if list_state(connection, name) is None:
        return set()
    rows = connection.execute(f"SELECT DISTINCT grp FROM {table_of(name)} WHERE grp <> ''")
    return {row[0] for row in rows}


def entries_containing(
    connection: sqlite3.Connection, name: ListName, plate: str, holder: str, offset: int, limit: int
) -> tuple[ListEntry, ...]:
    """Entries with `plate` in their plate or `holder` in their holder, in file order."""
    where = (
        "WHERE instr(plate, ?) OR instr(lower(holder), lower(?)) ORDER BY rowid LIMIT ? OFFSET ?"
    )
    return _select(connection, name, where, (plate, holder, limit, offset))


def table_of(name: ListName) -> str:
    """The table of a list; it exists once the list has been imported."""
    return f"list_{name.value}"


def _select(
    connection: sqlite3.Connection, name: ListName, where: str, values: tuple[str | int, ...]
) -> tuple[ListEntry, ...]:
    try:
        rows = connection.execute(
            f"SELECT {COLUMNS} FROM {table_of(name)} {where}", values
        ).fetchall()
    except sqlite3.OperationalError:
        if list_state(connection, name) is None:
            return ()
        raise
    return tuple(entry_of(row) for row in rows)
