# SPDX-License-Identifier: Apache-2.0
"""Find and erase a plate in every table of an SQLite file, free pages and write-ahead log included.

A row whose column `plate` is the plate is deleted. In any other text the plate is replaced by
"(erased)", so that a note about somebody else stays.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from plategate.errors import StoreError
from plategate.plate_data.mention import Mention
from plategate.storage import (
    close_keeping_log,
    empty_log,
    log_bytes,
    open_for_reading,
    open_for_writing,
    storage_errors,
    transaction,
)

WAIT_S = 30.0
PLATE = "plate"
# Keys made from plates: that of another plate may look like the one that is searched.
DERIVED = frozenset({"folded", "words"})


def rows_with(connection: sqlite3.Connection, mention: Mention) -> list[tuple[str, dict[str, Any]]]:
    """Table and values of every row that has the plate in one of its texts."""
    _add_functions(connection, mention)
    found = []
    for table, columns in _tables(connection):
        cursor = connection.execute(
            f"SELECT * FROM {_quoted(table)} WHERE {_any_mention(columns)}",
            {"plate": mention.plate},
        )
        names = [column[0] for column in cursor.description]
        found += [(table, dict(zip(names, row, strict=True))) for row in cursor]
    return found


def erase_rows(connection: sqlite3.Connection, mention: Mention) -> dict[str, int]:
    """Erase the plate in the caller's transaction; returns the number of rows by table."""
    _add_functions(connection, mention)
    counts: dict[str, int] = {}
    for table, columns in _tables(connection):
        changed = 0
        if PLATE in columns:
            delete = f"DELETE FROM {_quoted(table)} WHERE plate = ?"
            changed += connection.execute(delete, (mention.plate,)).rowcount
        for column in (each for each in columns if each != PLATE):
            name = _quoted(column)
            changed += connection.execute(
                f"UPDATE OR REPLACE {_quoted(table)} SET {name} = without_plate({name})"
                f" WHERE has_plate({name})"
            ).rowcount
        if changed:
            counts[table] = changed
    return counts


def purge_free_pages(connection: sqlite3.Connection, file: Path) -> None:
    """Write the file again without free pages and empty its log, so that no deleted text is left.

    Raises StoreError where another program keeps the log in use.
    """
    with storage_errors(file):
        connection.execute(f"PRAGMA busy_timeout = {WAIT_S * 1000:.0f}")
        connection.execute("VACUUM")
        empty_log(connection)
    if log_bytes(file):
        raise StoreError(
            f"{file}-wal: another program reads the database, so the log still has what was erased;"
            " end that program and give the command again"
        )


def find_in_file(file: Path, plate: str) -> list[tuple[str, dict[str, Any]]]:
    """`rows_with` of a file; empty where there is none."""
    with storage_errors(file):
        if not file.exists():
            return []
        with closing(open_for_reading(file, WAIT_S)) as connection:
            return rows_with(connection, Mention(plate))


def erase_in_file(file: Path, plate: str) -> dict[str, int]:
    """Erase the plate in all tables of a file; returns the number of rows by table."""
    with storage_errors(file):
        if not file.exists():
            return {}
        connection = open_for_writing(file, WAIT_S)
        try:
            connection.execute("PRAGMA secure_delete = ON")
            with transaction(connection):
                counts = erase_rows(connection, Mention(plate))
            purge_free_pages(connection, file)
        finally:
            close_keeping_log(connection, file)
    return counts


def _tables(connection: sqlite3.Connection) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Ordinary tables with their columns of text; not those inside a full-text index."""
    listed = connection.execute("SELECT name, type FROM pragma_table_list WHERE schema = 'main'")
    for name, kind in listed.fetchall():
        if kind != "table" or name.startswith("sqlite_"):
            continue
        columns = connection.execute("SELECT name, type FROM pragma_table_info(?)", (name,))
        texts = tuple(c for c, of in columns if of in ("TEXT", "") and c not in DERIVED)
        if texts:
            yield name, texts


def _any_mention(columns: tuple[str, ...]) -> str:
    return " OR ".join(
        "plate = :plate" if column == PLATE else f"has_plate({_quoted(column)})"
        for column in columns
    )


def _add_functions(connection: sqlite3.Connection, mention: Mention) -> None:
    def has_plate(text: object) -> bool:
        return isinstance(text, str) and mention.is_in(text)

    connection.create_function("has_plate", 1, has_plate, deterministic=True)
    connection.create_function("without_plate", 1, mention.removed_from, deterministic=True)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
