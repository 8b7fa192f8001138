# SPDX-License-Identifier: Apache-2.0
"""Replace a list in one transaction, and keep a history of who changed what and when.

`files.entries` supplies the checked entries; `lists` reads the lists in force.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from zlib import crc32

from plategate.access.store.database import shrink_log
from plategate.access.store.lists import COLUMNS, ListName, ListState, list_state, table_of
from plategate.plates.text import lookalike_key
from plategate.storage import transaction
from plategate.values import ListEntry


@dataclass(frozen=True, slots=True)
class ListChange:
    """One replacement of a list: who, when, from where, and how many plates it changed."""

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


Guard = Callable[[ListChange], None]

# The generations that were written after plates were checked for characters that do not fold.
_CHECKED = """
CREATE TABLE IF NOT EXISTS checked (list TEXT PRIMARY KEY, generation INTEGER) WITHOUT ROWID
"""


class _DryRun(Exception):
    """Rolls the transaction of a dry run back."""


def replace_list(
    connection: sqlite3.Connection,
    name: ListName,
    entries: Iterable[ListEntry],
    *,
    who: str,
    at: datetime,
    source: str,
    serial: int | None = None,
    guard: Guard | None = None,
    dry_run: bool = False,
) -> ListChange:
    """Replace the list `name` by `entries` in one transaction.

    An exception from `entries` or `guard` leaves the list unchanged. `guard` receives the change
    before it is committed and raises to refuse it. A dry run returns the change and rolls back.
    """
    with suppress(_DryRun), transaction(connection):
        before = list_state(connection, name)
        generation = (before.generation if before else 0) + 1
        _fill_incoming(connection, name, generation, entries)
        change = _change(connection, name, generation, before, who=who, at=at, source=source)
        if guard is not None:
            guard(change)
        if dry_run:
            raise _DryRun
        connection.execute(f"DROP TABLE IF EXISTS {table_of(name)}")
        connection.execute(f"ALTER TABLE incoming RENAME TO {table_of(name)}")
        _note_change(connection, change, serial)
    shrink_log(connection)
    return change


def confirm_list(connection: sqlite3.Connection, name: ListName, at: datetime) -> None:
    """Record that the source still has the list that is in force."""
    with transaction(connection):
        connection.execute(
            "UPDATE lists SET confirmed_at = ? WHERE name = ?", (_stamp(at), name.value)
        )


def was_checked(connection: sqlite3.Connection, state: ListState) -> bool:
    """Whether the plates of a list were checked; False for a list of an older version.

    Older versions dropped characters that do not fold, so an entry may be somebody else's plate.
    """
    query = "SELECT 1 FROM sqlite_schema WHERE name = 'checked'"
    if connection.execute(query).fetchone() is None:
        return False
    query = "SELECT 1 FROM checked WHERE list = ? AND generation = ?"
    return connection.execute(query, (state.name.value, state.generation)).fetchone() is not None


def list_history(
    connection: sqlite3.Connection, name: ListName | None = None, limit: int = 50
) -> tuple[ListChange, ...]:
    """The last `limit` changes, newest first."""
    rows = connection.execute(
        "SELECT *, lag(entries, 1, 0) OVER (PARTITION BY list ORDER BY id) AS entries_before"
        " FROM history WHERE ? IS NULL OR list = ? ORDER BY id DESC LIMIT ?",
        (name, name, limit),
    ).fetchall()
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
        )
        for row in rows
    )


def _fill_incoming(
    connection: sqlite3.Connection, name: ListName, generation: int, entries: Iterable[ListEntry]
) -> None:
    connection.execute(
        "CREATE TABLE incoming (plate TEXT NOT NULL, folded TEXT NOT NULL, holder TEXT,"
        " grp TEXT, note TEXT, valid_from INTEGER, valid_until INTEGER, hours TEXT,"
        " entries INTEGER, digest INTEGER)"
    )
    connection.executemany(
        f"INSERT INTO incoming ({COLUMNS}, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (_row(entry) for entry in entries),
    )
    # Created after the rows: sorting a million keys once is much faster than inserting each.
    for column, with_it in (("plate", ", digest"), ("folded", "")):
        index = f"{table_of(name)}_{column}_{generation}"
        connection.execute(f"CREATE INDEX {index} ON incoming ({column}{with_it})")


def _change(
    connection: sqlite3.Connection,
    name: ListName,
    generation: int,
    before: ListState | None,
    *,
    who: str,
    at: datetime,
    source: str,
) -> ListChange:
    def count(query: str) -> int:
        return int(connection.execute(query).fetchone()[0])

    entries = count("SELECT count(*) FROM incoming")
    added, removed, changed = entries, 0, 0
    if before is None:
        added = count("SELECT count(DISTINCT plate) FROM incoming")
    else:
        table = table_of(name)
        missing = "SELECT count(DISTINCT n.plate) FROM {} n WHERE NOT EXISTS (SELECT 1 FROM {} o "
        added = count(missing.format("incoming", table) + "WHERE o.plate = n.plate)")
        removed = count(missing.format(table, "incoming") + "WHERE o.plate = n.plate)")
        same = "WHERE o.plate = n.plate AND o.digest = n.digest)"
        differing = missing.format("incoming", table) + same
        changed = count(differing) - added
    return ListChange(
        name=name,
        generation=generation,
        at=at,
        who=who,
        source=source,
        entries=entries,
        added=added,
        removed=removed,
        changed=changed,
        entries_before=before.entries if before else 0,
    )


def _note_change(connection: sqlite3.Connection, change: ListChange, serial: int | None) -> None:
    stamp = _stamp(change.at)
    connection.execute(_CHECKED)
    connection.execute(
        "INSERT OR REPLACE INTO checked VALUES (?, ?)", (change.name.value, change.generation)
    )
    connection.execute(
        "INSERT OR REPLACE INTO lists VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            *(change.name.value, change.generation, change.entries, serial, change.source),
            *(stamp, stamp),
        ),
    )
    connection.execute(
        "INSERT INTO history (list, generation, at, who, source, entries, added, removed, changed)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(change.name.value, change.generation, stamp, change.who, change.source),
            *(change.entries, change.added, change.removed, change.changed),
        ),
    )


def _row(entry: ListEntry) -> tuple[object, ...]:
    limits = (_seconds(entry.valid_from), _seconds(entry.valid_until), entry.hours, entry.entries)
    words = (entry.plate, lookalike_key(entry.plate), entry.holder, entry.group, entry.note)
    # Detects changed entries; used only for the counts in the history.
    digest = crc32(repr((words, limits)).encode())
    return (*words, *limits, digest)


def _seconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
