# SPDX-License-Identifier: Apache-2.0
"""Read a file of vehicle records, CSV or JSON; one invalid row refuses the whole file.

Columns: plate (required), owner, registered_in, address, make, model, colour, insured_until,
inspected_until, note; any other column is kept as a free field. The format is described in
docs/owner/lists.md. `store.vehicles` stores the records.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from plategate.access.files.fields import (
    check_after_rows,
    check_format,
    clean_text,
    day_field,
    plate_field,
    text_field,
)
from plategate.access.files.rows import ErrorReport, Row, TableError
from plategate.access.files.tables import read_rows
from plategate.errors import RecordError
from plategate.values import VehicleRecord

FORMAT = "plategate-records"
VERSION = 1
COLUMNS = frozenset(
    {"plate", "owner", "registered_in", "address", "make", "model", "colour"}
    | {"insured_until", "inspected_until", "note"}
)
MOST_FREE_FIELDS = 20
LONGEST_FIELD_NAME = 40
_HEADER = frozenset({"format", "version", "made_at", "note"})
_AFTER = check_after_rows("records", FORMAT, VERSION, _HEADER)


@dataclass(frozen=True, slots=True)
class RecordFile:
    """The records of a file; can be iterated once."""

    records: Iterator[VehicleRecord]


def read_records(stream: BinaryIO, origin: str, *, values: bool = True) -> RecordFile:
    """Open a record file.

    Raises RecordError, here or while the records are iterated, that names the line, field, value
    and reason of every invalid row (up to 20). Without `values` errors do not name the value.
    """
    try:
        header, rows = read_rows(stream, "records", _AFTER)
        _check_header(header.values)
    except TableError as error:
        raise RecordError(f"{origin}: {error}") from None
    return RecordFile(_records(rows, origin, values))


def _records(rows: Iterator[Row], origin: str, values: bool) -> Iterator[VehicleRecord]:
    report = ErrorReport(origin, RecordError, values=values)
    try:
        for row in rows:
            try:
                yield _record(row)
            except TableError as error:
                report.add(error)
    except TableError as error:
        report.add(error)
    report.raise_if_any()


def _record(row: Row) -> VehicleRecord:
    if row.error is not None:
        raise row.error
    return VehicleRecord(
        plate=plate_field(row),
        owner=text_field(row, "owner"),
        registered_in=text_field(row, "registered_in"),
        address=text_field(row, "address"),
        make=text_field(row, "make"),
        model=text_field(row, "model"),
        colour=text_field(row, "colour"),
        insured_until=day_field(row, "insured_until"),
        inspected_until=day_field(row, "inspected_until"),
        note=text_field(row, "note"),
        fields=_free_fields(row),
    )


def _free_fields(row: Row) -> tuple[tuple[str, str], ...]:
    names = [name for name in row.fields if name not in COLUMNS]
    if len(names) > MOST_FREE_FIELDS:
        raise TableError(row.line, "", None, f"more than {MOST_FREE_FIELDS} free fields")
    found = []
    for name in names:
        if len(name) > LONGEST_FIELD_NAME or clean_text(row.line, "column name", name) != name:
            raise TableError(row.line, name, None, "not a valid column name")
        value = row.fields[name]
        if isinstance(value, bool) or not isinstance(value, str | int | float | None):
            raise TableError(row.line, name, value, "must be text or a number")
        text = "" if value is None else clean_text(row.line, name, str(value))
        if text:
            found.append((name, text))
    return tuple(found)


def _check_header(values: Mapping[str, object]) -> None:
    for key in values:
        if key not in _HEADER:
            raise TableError(1, key, None, "unknown key before the records")
    check_format(values, FORMAT, VERSION)
