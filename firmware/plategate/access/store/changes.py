# SPDX-License-Identifier: Apache-2.0
"""Replace what the source of a list supplied, in one transaction.

`files.entries` supplies the checked entries; `by_hand` changes single plates, and what it changed
outranks the source (`layers`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime

from plategate.access.store.database import shrink_log
from plategate.access.store.generation import note_request
from plategate.access.store.history import (
    UNDO_DAYS,
    ChangeKind,
    ListChange,
    create_history,
    mark_checked,
    next_number,
    note_change,
    remember,
    was_checked,
)
from plategate.access.store.layers import (
    count_hand,
    create_layers,
    create_list_table,
    index_entries,
    put_arriving,
    split_arriving,
)
from plategate.access.store.lists import ListName, ListState, list_state, table_of
from plategate.access.store.rows import MARKS, ROW, ROW_TYPES, row_of, stamp_of
from plategate.errors import storable
from plategate.storage import transaction
from plategate.values import ListEntry

Guard = Callable[[ListChange], None]
Inspect = Callable[[sqlite3.Connection, ListChange], None]


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
    why: str = "",
    serial: int | None = None,
    guard: Guard | None = None,
    inspect: Inspect | None = None,
    drop_by_hand: bool = False,
    undo_days: int = UNDO_DAYS,
    request: str = "",
    dry_run: bool = False,
) -> ListChange:
    """Replace the source of list `name` by `entries` in one transaction.

    Plates changed by hand stay as they are unless `drop_by_hand` is set. An exception from
    `entries`, `guard` or `inspect` leaves the list unchanged. `guard` receives the change before it
    is made and raises to refuse it; `inspect` may read the changed lists and the history. `request`
    is the id of the request for it. A dry run returns the change and rolls back.
    """
    with suppress(_DryRun), transaction(connection):
        create_layers(connection)
        create_history(connection)
        before = list_state(connection, name)
        number, generation = next_number(connection), (before.generation if before else 0) + 1
        if before is None:
            create_list_table(connection, name)
        _fill_incoming(connection, name, generation, entries)
        if not drop_by_hand:
            split_arriving(connection, name)
        _touch_differing(connection, number, table_of(name), "incoming")
        change = _change(
            connection, name, number, before,
            who=who, at=at, source=source, why=why, drop_by_hand=drop_by_hand,
        )  # fmt: skip
        if guard is not None:
            guard(change)
        _touch_layers(connection, name, number, drop_by_hand=drop_by_hand)
        remember(connection, name, number)
        if drop_by_hand:
            for table in ("hand", "overridden"):
                connection.execute(f"DELETE FROM {table} WHERE list = ?", (name.value,))
        else:
            put_arriving(connection, name)
        connection.execute(f"DROP TABLE {table_of(name)}")
        connection.execute(f"ALTER TABLE incoming RENAME TO {table_of(name)}")
        checked = before is None or was_checked(connection, before)
        mark_checked(connection, name, generation)
        _put_state(connection, change, serial)
        note_change(connection, change, checked_before=checked, undo_days=undo_days)
        note_request(connection, request, change.number)
        if inspect is not None:
            inspect(connection, change)
        if dry_run:
            raise _DryRun
    shrink_log(connection)
    return change


def confirm_list(connection: sqlite3.Connection, name: ListName, at: datetime) -> None:
    """Record that the source still has the list that is in force."""
    with transaction(connection):
        connection.execute(
            "UPDATE lists SET confirmed_at = ? WHERE name = ?", (stamp_of(at), name.value)
        )


def _fill_incoming(
    connection: sqlite3.Connection, name: ListName, generation: int, entries: Iterable[ListEntry]
) -> None:
    connection.execute(f"CREATE TABLE incoming ({ROW_TYPES})")
    connection.executemany(
        f"INSERT INTO incoming ({ROW}) VALUES ({MARKS})", (row_of(entry) for entry in entries)
    )
    # Created after the rows: sorting a million keys once is much faster than inserting each.
    index_entries(connection, "incoming", name, generation)


def _touch_differing(
    connection: sqlite3.Connection, number: int, old: str, new: str, where: str = ""
) -> None:
    """Note the plates whose entries differ between two tables of entries.

    `where` is a condition on the old table, which is called `o`.
    """
    same = "o.plate = n.plate AND o.digest = n.digest"
    condition = f" AND {where}" if where else ""
    connection.execute(
        f"INSERT OR IGNORE INTO touched SELECT ?, n.plate FROM {new} n WHERE NOT EXISTS"
        f" (SELECT 1 FROM {old} o WHERE {same}{condition}) ORDER BY n.plate",
        (number,),
    )
    connection.execute(
        f"INSERT OR IGNORE INTO touched SELECT ?, o.plate FROM {old} o WHERE NOT EXISTS"
        f" (SELECT 1 FROM {new} n WHERE {same}){condition} ORDER BY o.plate",
        (number,),
    )


def _touch_layers(
    connection: sqlite3.Connection, name: ListName, number: int, *, drop_by_hand: bool
) -> None:
    """Note the plates of which only the hidden entries or the layer made by hand change."""
    if drop_by_hand:
        connection.execute(
            "INSERT OR IGNORE INTO touched SELECT ?, plate FROM hand WHERE list = ?",
            (number, name.value),
        )
    else:
        where = f"o.list = '{name.value}'"
        _touch_differing(connection, number, "overridden", "arriving", where)


def _change(
    connection: sqlite3.Connection,
    name: ListName,
    number: int,
    before: ListState | None,
    *,
    who: str,
    at: datetime,
    source: str,
    why: str,
    drop_by_hand: bool,
) -> ListChange:
    def count(query: str) -> int:
        return int(connection.execute(query).fetchone()[0])

    touched = f"SELECT count(*) FROM touched t WHERE t.change = {number}"
    known = "EXISTS (SELECT 1 FROM {} k WHERE k.plate = t.plate)"
    added = count(f"{touched} AND NOT {known.format(table_of(name))}")
    removed = count(f"{touched} AND NOT {known.format('incoming')}")
    kept = kept_out = 0
    if not drop_by_hand:
        kept, _ = count_hand(connection, name)
        kept_out = count(
            "SELECT count(DISTINCT a.plate) FROM arriving a JOIN hand h ON h.plate = a.plate"
            f" WHERE h.list = '{name.value}' AND h.removed"
        )
    return ListChange(
        name=name,
        generation=(before.generation if before else 0) + 1,
        at=at,
        who=who,
        source=source,
        entries=count("SELECT count(*) FROM incoming"),
        added=added,
        removed=removed,
        changed=count(touched) - added - removed,
        entries_before=before.entries if before else 0,
        number=number,
        kind=ChangeKind.REPLACED,
        why=why,
        kept=kept,
        kept_out=kept_out,
    )


def _put_state(connection: sqlite3.Connection, change: ListChange, serial: int | None) -> None:
    at = stamp_of(change.at)
    connection.execute(
        "INSERT OR REPLACE INTO lists VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            change.name.value,
            change.generation,
            change.entries,
            serial,
            storable(change.source),
            at,
            at,
        ),
    )
