# SPDX-License-Identifier: Apache-2.0
"""Vehicle records in the database: replace all of them, look them up by plate or by owner.

Records are personal data: the caller decides who may see them. `files.vehicles` reads the files.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from datetime import date

from plategate.access.store.database import batches, shrink_log
from plategate.access.store.people import people_query, plain_words
from plategate.plates.text import lookalike_key
from plategate.storage import transaction
from plategate.values import VehicleRecord

_COLUMNS = (
    "plate, folded, owner, registered_in, address, make, model, colour, insured_until,"
    " inspected_until, note, fields, words"
)


def replace_records(
    connection: sqlite3.Connection,
    records: Iterable[VehicleRecord],
    guard: Callable[[int, int], None] | None = None,
) -> int:
    """Replace all records in one transaction; returns their number.

    `guard` receives the number of records before and after, and raises to refuse the change.
    """
    with transaction(connection):
        before = _count(connection) if has_records(connection) else 0
        connection.execute("DROP TABLE IF EXISTS vehicles")
        connection.execute(
            "CREATE TABLE vehicles (id INTEGER PRIMARY KEY, plate TEXT NOT NULL,"
            " folded TEXT NOT NULL, owner TEXT, registered_in TEXT, address TEXT, make TEXT,"
            " model TEXT, colour TEXT, insured_until TEXT, inspected_until TEXT, note TEXT,"
            " fields TEXT, words TEXT)"
        )
        marks = ", ".join("?" * 13)
        connection.executemany(
            f"INSERT INTO vehicles ({_COLUMNS}) VALUES ({marks})", map(_row, records)
        )
        connection.execute("CREATE INDEX vehicles_plate ON vehicles (plate)")
        connection.execute("CREATE INDEX vehicles_folded ON vehicles (folded)")
        index_people(connection)
        count = _count(connection)
        if guard is not None:
            guard(before, count)
    shrink_log(connection)
    return count


def index_people(connection: sqlite3.Connection) -> None:
    """Create the index of owners again from the records; called in a transaction."""
    for table in ("people", "people_words"):
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    connection.execute(
        "CREATE VIRTUAL TABLE people USING fts5(words, content='vehicles', content_rowid='id',"
        " detail='none', tokenize='unicode61 remove_diacritics 2')"
    )
    connection.execute("INSERT INTO people(people) VALUES ('rebuild')")
    # A separate table: a look-up takes a tenth of one in the vocabulary of the FTS index.
    connection.execute("CREATE TABLE people_words (term TEXT PRIMARY KEY) WITHOUT ROWID")
    connection.execute("CREATE VIRTUAL TABLE people_terms USING fts5vocab('people', 'row')")
    connection.execute("INSERT INTO people_words SELECT term FROM people_terms")
    connection.execute("DROP TABLE people_terms")


def record_of_plate(connection: sqlite3.Connection, plate: str) -> VehicleRecord | None:
    """The record of a canonical plate; the last one if the file has several."""
    rows = _select(connection, "WHERE plate = ? ORDER BY id DESC LIMIT 1", (plate,))
    return rows[0] if rows else None


def record_plates_like(connection: sqlite3.Connection, keys: Iterable[str]) -> tuple[str, ...]:
    """The plates of all records whose look-alike key is one of `keys`."""
    if not has_records(connection):
        return ()
    found: dict[str, None] = {}
    for batch in batches(keys):
        marks = ",".join("?" * len(batch))
        query = f"SELECT plate FROM vehicles WHERE folded IN ({marks})"
        found |= dict.fromkeys(row[0] for row in connection.execute(query, batch))
    return tuple(found)


def records_of_person(
    connection: sqlite3.Connection, name: str, limit: int = 20
) -> tuple[VehicleRecord, ...]:
    """Records whose owner has all words of `name`, each within one typing error."""
    if not has_records(connection):
        return ()
    query = people_query(connection, name)
    if query is None:
        return ()
    found = "WHERE id IN (SELECT rowid FROM people WHERE people MATCH ? LIMIT ?)"
    return _select(connection, found, (query, limit))


def has_records(connection: sqlite3.Connection) -> bool:
    """Whether records have been imported."""
    query = "SELECT 1 FROM sqlite_schema WHERE name = 'vehicles'"
    return connection.execute(query).fetchone() is not None


def _count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM vehicles").fetchone()[0])


def _select(
    connection: sqlite3.Connection, where: str, values: tuple[object, ...]
) -> tuple[VehicleRecord, ...]:
    try:
        rows = connection.execute(f"SELECT * FROM vehicles {where}", values).fetchall()
    except sqlite3.OperationalError:
        if not has_records(connection):
            return ()
        raise
    return tuple(_record(row) for row in rows)


def _row(record: VehicleRecord) -> tuple[object, ...]:
    return (
        *(record.plate, lookalike_key(record.plate), record.owner, record.registered_in),
        *(record.address, record.make, record.model, record.colour),
        *(_text(record.insured_until), _text(record.inspected_until), record.note),
        json.dumps(record.fields, ensure_ascii=False) if record.fields else "",
        plain_words(record.owner),
    )


def _record(row: sqlite3.Row) -> VehicleRecord:
    return VehicleRecord(
        plate=row["plate"],
        owner=row["owner"],
        registered_in=row["registered_in"],
        address=row["address"],
        make=row["make"],
        model=row["model"],
        colour=row["colour"],
        insured_until=_day(row["insured_until"]),
        inspected_until=_day(row["inspected_until"]),
        note=row["note"],
        fields=tuple((name, value) for name, value in json.loads(row["fields"] or "[]")),
    )


def _text(day: date | None) -> str:
    return day.isoformat() if day else ""


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
