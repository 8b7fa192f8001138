# SPDX-License-Identifier: Apache-2.0
"""Read a list file, CSV or JSON, into checked entries; one invalid row refuses the whole file.

Columns: plate (required), holder, group, note, from, until, hours, entries. The format is described
in docs/owner/lists.md. `store.changes` puts the entries in force.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import BinaryIO
from zoneinfo import ZoneInfo

from plategate.access.files.fields import (
    check_after_rows,
    check_columns,
    check_format,
    count_field,
    day_or_time_field,
    plate_field,
    text_field,
)
from plategate.access.files.rows import ErrorReport, Row, TableError
from plategate.access.files.tables import read_rows
from plategate.access.store.lists import ListName
from plategate.errors import ListError
from plategate.schedule.windows import parse_hours
from plategate.values import ListEntry

FORMAT = "plategate-list"
VERSION = 1
COLUMNS = frozenset({"plate", "holder", "group", "note", "from", "until", "hours", "entries"})
_HEADER = frozenset({"format", "version", "list", "serial", "made_at", "note"})
_AFTER = check_after_rows("entries", FORMAT, VERSION, frozenset({"made_at", "note"}))
_END_OF_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ListFile:
    """The header of a list file, and its entries, which can be iterated once."""

    list: ListName | None
    serial: int | None
    entries: Iterator[ListEntry]


def read_entries(stream: BinaryIO, origin: str, zone: ZoneInfo, *, values: bool = True) -> ListFile:
    """Open a list file; days and times without an offset are in `zone`.

    Raises ListError, here or while the entries are iterated, that names the line, field, value and
    reason of every invalid row (up to 20). Without `values` errors do not name the value.
    """
    try:
        header, rows = read_rows(stream, "entries", _AFTER, COLUMNS)
        name, serial = _header(header.values)
    except TableError as error:
        raise ListError(f"{origin}: {error}") from None
    return ListFile(name, serial, entries_of(rows, origin, zone, values=values))


def entry_from(fields: Mapping[str, object], zone: ZoneInfo) -> ListEntry:
    """The entry of one row that is in no file; raises ListError that names field and reason."""
    try:
        return _entry(Row(1, fields), zone)
    except TableError as error:
        raise ListError(error.sentence) from None


def fields_of(entry: ListEntry, zone: ZoneInfo) -> dict[str, str]:
    """The fields of an entry as a list file has them, times in `zone`; `entry_from` reverts it."""
    until = entry.valid_until.astimezone(zone) if entry.valid_until else None
    start = entry.valid_from.astimezone(zone) if entry.valid_from else None
    return {
        "plate": entry.plate,
        "holder": entry.holder,
        "group": entry.group,
        "note": entry.note,
        "from": _written(start, zone, start),
        "until": _written(until, zone, until - _END_OF_DAY if until else None),
        "hours": entry.hours,
        "entries": "" if entry.entries is None else str(entry.entries),
    }


def _written(moment: datetime | None, zone: ZoneInfo, day: datetime | None) -> str:
    """A moment as `day` if it is a midnight; a time has its offset only in a repeated hour."""
    if moment is None or day is None:
        return ""
    if moment.time() == time() and not moment.fold:
        return day.date().isoformat()
    plain = moment.replace(tzinfo=None, fold=0)
    unique = plain.replace(tzinfo=zone).astimezone(UTC) == moment.astimezone(UTC)
    spec = "seconds" if moment.second else "minutes"
    return (plain if unique else moment).isoformat(sep=" ", timespec=spec)


def entries_of(
    rows: Iterator[Row], origin: str, zone: ZoneInfo, *, values: bool = True
) -> Iterator[ListEntry]:
    """The entries of checked rows; raises ListError after the last row if any is invalid."""
    report = ErrorReport(origin, ListError, values=values)
    try:
        for row in rows:
            try:
                yield _entry(row, zone)
            except TableError as error:
                report.add(error)
    except TableError as error:
        report.add(error)
    report.raise_if_any()


def _entry(row: Row, zone: ZoneInfo) -> ListEntry:
    if row.error is not None:
        raise row.error
    check_columns(row, COLUMNS)
    valid_from, valid_until = _start(row, zone), _end(row, zone)
    if valid_from and valid_until and valid_until <= valid_from:
        raise TableError(row.line, "until", row.fields["until"], "must be later than from")
    return ListEntry(
        plate=plate_field(row),
        holder=text_field(row, "holder"),
        group=text_field(row, "group"),
        note=text_field(row, "note"),
        valid_from=valid_from,
        valid_until=valid_until,
        hours=_hours(row),
        entries=count_field(row, "entries"),
    )


def _start(row: Row, zone: ZoneInfo) -> datetime | None:
    found = day_or_time_field(row, "from")
    if found is None or isinstance(found, datetime):
        return found if found is None or found.tzinfo else found.replace(tzinfo=zone)
    return datetime.combine(found, time(), zone)


def _end(row: Row, zone: ZoneInfo) -> datetime | None:
    found = day_or_time_field(row, "until")
    if isinstance(found, datetime) and found.tzinfo is None and found.time() == time():
        # Spreadsheets and programs write the last day so; the time would end it at its beginning.
        day, before = found.date(), found.date() - _END_OF_DAY
        reason = f"write {day} if that day is included, {before} if it is not"
        raise TableError(row.line, "until", row.fields["until"], f"is midnight; {reason}")
    if found is None or isinstance(found, datetime):
        return found if found is None or found.tzinfo else found.replace(tzinfo=zone)
    # The last day is included.
    return datetime.combine(found + _END_OF_DAY, time(), zone)


def _hours(row: Row) -> str:
    text = text_field(row, "hours")
    if text:
        try:
            parse_hours(text)
        except ValueError as error:
            raise TableError(row.line, "hours", text, str(error)) from None
    return text


def _header(values: object) -> tuple[ListName | None, int | None]:
    assert isinstance(values, dict)
    for key in values:
        if key not in _HEADER:
            raise TableError(1, str(key), None, "unknown key before the entries")
    check_format(values, FORMAT, VERSION)
    return _list_name(values.get("list")), _serial(values.get("serial"))


def _list_name(value: object) -> ListName | None:
    if value is None:
        return None
    if value not in tuple(ListName):
        raise TableError(1, "list", value, "must be allow, block or wanted")
    return ListName(str(value))


def _serial(value: object) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**62:
        raise TableError(1, "serial", value, "must be a whole number from 0")
    return value
