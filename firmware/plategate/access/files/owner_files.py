# SPDX-License-Identifier: Apache-2.0
"""Read a list as owners have it: workbook or CSV, their column names, dates and encoding.

Everything that had to be interpreted is in the notes, for the owner to check. Downloaded lists are
not read in this way but by `entries`, which interprets nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from itertools import islice
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from plategate.access.files.dates import DateColumn, DateOrder, date_column
from plategate.access.files.encodings import WINDOWS, as_utf8
from plategate.access.files.entries import ListFile, entries_of, read_entries
from plategate.access.files.headers import (
    FIRST_NAME,
    IGNORED,
    LAST_NAME,
    SEARCHED_ROWS,
    Header,
    find_header,
)
from plategate.access.files.rows import Row, TableError, unprotected
from plategate.access.files.tables import not_csv, text_lines
from plategate.access.files.workbooks import SIGNATURES, Sheets
from plategate.errors import ListError

_DELIMITERS = ";,\t"
_DATES = ("from", "until")
# Letters of German plates; no other Windows code page has a letter of plates in their places.
_GERMAN = "ÄÖÜäöüß\u00a0"
_NUMBER = "is a number in the workbook; format the column as text, then type the plate again"
_SERIAL = "is a number in the workbook; format the column as date, or write 2026-05-31"

Values = Iterator[tuple[int, Sequence[Any]]]


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """The options of the owner for a file: columns by name, the order of open dates, the sheet."""

    columns: Mapping[str, str] = field(default_factory=dict)
    dates: DateOrder | None = None
    sheet: str | None = None


@dataclass(frozen=True, slots=True)
class OwnerFile:
    """A list file with notes about everything that had to be interpreted."""

    file: ListFile
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Table:
    """The rows of a table, which can be read several times, and notes about them."""

    rows: Callable[[], Values]
    notes: tuple[str, ...] = ()
    guessed: bool = False  # whether the encoding is only a guess


def read_owner_file(
    stream: BinaryIO, origin: str, zone: ZoneInfo, options: ReadingOptions
) -> OwnerFile:
    """Open a list file of an owner; the stream must be seekable.

    Raises ListError, here or while the entries are iterated, as `entries.read_entries` does.
    """
    start = stream.read(4096)
    stream.seek(0)
    if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[", b"<"):
        return OwnerFile(read_entries(stream, origin, zone), ())
    try:
        if start.startswith(SIGNATURES):
            table, header = _in_workbook(Sheets(stream), options)
        else:
            table = _csv_table(stream)
            header = _needed_header(table, options, start)
        dates = _date_columns(table, header, options)
    except TableError as error:
        raise ListError(f"{origin}: {error}") from None
    notes = (*table.notes, header.sentence(), *(column.sentence() for column in dates.values()))
    rows = _rows(table, header, dates)
    file = ListFile(None, None, entries_of(rows, origin, zone))
    return OwnerFile(file, tuple(note for note in notes if note))


def _in_workbook(sheets: Sheets, options: ReadingOptions) -> tuple[_Table, Header]:
    """The sheet that holds the list; the others are named in a note."""
    names = sheets.names()
    if options.sheet is not None:
        if options.sheet not in names:
            reason = f"there is no visible sheet {options.sheet!r}; there are {', '.join(names)}"
            raise TableError(1, "", None, reason)
        names = (options.sheet,)
    found: list[tuple[str, _Table, Header]] = []
    for name in names:
        table = _Table(lambda name=name: sheets.rows(name))  # type: ignore[misc]
        header = _header(table, options)
        if header is not None:
            found.append((name, table, header))
    if not found:
        raise TableError(1, "", None, _no_header(b""))
    if len(found) > 1:
        several = ", ".join(repr(name) for name, _, _ in found)
        reason = f"the sheets {several} have plates; name one with --sheet"
        raise TableError(1, "", None, reason)
    name, table, header = found[0]
    others = [other for other in names if other != name]
    notes = [f"sheet {name!r} is read"] if len(names) > 1 else []
    notes += [f"sheet {other!r} is not read: no column of plates" for other in others]
    return _Table(table.rows, tuple(notes)), header


def _csv_table(stream: BinaryIO) -> _Table:
    """A CSV file; every reading of its rows starts at the beginning of the file."""
    utf8, beginning, note = as_utf8(stream)
    utf8.seek(beginning)
    first = list(islice(text_lines(utf8), SEARCHED_ROWS))
    delimiter = max(_DELIMITERS, key="".join(first).count)
    marked = first[0].rstrip("\r\n").lower() if first else ""  # sep=; names the delimiter
    skipped = marked in [f"sep={each}" for each in _DELIMITERS]
    if skipped:
        delimiter = marked[-1]

    def rows() -> Values:
        utf8.seek(beginning)
        lines = text_lines(utf8)
        if skipped:
            next(lines)
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        while True:
            line = reader.line_num + skipped + 1
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error as problem:
                raise not_csv(line, problem) from None
            if any(value.strip() for value in values):
                yield line, [unprotected(value) for value in values]

    return _Table(rows, (note,) if note else (), note is not None and WINDOWS in note)


def _header(table: _Table, options: ReadingOptions) -> Header | None:
    rows = [
        (line, [cell if isinstance(cell, str) else "" for cell in cells])
        for line, cells in islice(table.rows(), SEARCHED_ROWS)
    ]
    return find_header(rows, options.columns)


def _needed_header(table: _Table, options: ReadingOptions, start: bytes) -> Header:
    header = _header(table, options)
    if header is None:
        raise TableError(1, "", None, _no_header(start))
    return header


def _date_columns(table: _Table, header: Header, options: ReadingOptions) -> dict[str, DateColumn]:
    """The order of the dates of each column that has dates, decided by all of its values."""
    places = {name: header.columns.index(name) for name in _DATES if name in header.columns}
    found = {}
    for name, place in places.items():
        values = (
            (line, cells[place])
            for line, cells in table.rows()
            if line > header.line and place < len(cells) and isinstance(cells[place], str)
        )
        found[name] = date_column(name, values, options.dates)
    return found


def _rows(table: _Table, header: Header, dates: Mapping[str, DateColumn]) -> Iterator[Row]:
    for line, cells in table.rows():
        if line <= header.line:
            continue
        try:
            fields = _fields(line, cells, header, dates)
            if table.guessed:
                _check_guessed(line, fields.get("plate"))
            yield Row(line, fields)
        except TableError as error:
            yield Row(line, {}, error)


def _check_guessed(line: int, plate: object) -> None:
    """Refuse a plate in another encoding: a Cyrillic letter like B, read as "Â", would become A."""
    foreign = [char for char in str(plate) if not char.isascii() and char not in _GERMAN]
    if foreign:
        reason = (
            f"{foreign[0]!r} may be another character, since the file is not UTF-8;"
            ' save it from the spreadsheet as "CSV UTF-8"'
        )
        raise TableError(line, "plate", plate, reason)


def _fields(
    line: int, cells: Sequence[Any], header: Header, dates: Mapping[str, DateColumn]
) -> dict[str, object]:
    fields: dict[str, object] = {}
    for number, cell in enumerate(cells):
        column = header.columns[number] if number < len(header.columns) else ""
        if column == IGNORED or cell is None or (isinstance(cell, str) and not cell.strip()):
            continue
        if not column:
            named = sum(map(bool, header.columns))
            reason = f"{str(cell)[:80]!r} is in column {number + 1}, but only {named} have a name"
            raise TableError(line, "", None, reason)
        text = _text(line, column, cell)
        fields[column] = dates[column].rewritten(line, text) if column in dates else text
    names = [fields.pop(part, "") for part in (FIRST_NAME, "holder", LAST_NAME)]
    holder = " ".join(str(name).strip() for name in names if name)
    return {**fields, "holder": holder} if holder else fields


def _text(line: int, column: str, cell: object) -> str:
    """The text of a cell; raises TableError where a spreadsheet has changed what was typed."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, datetime) and cell.time() == time():
        cell = cell.date()
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if column == "plate":
        reason = "is a date in the workbook" if isinstance(cell, date | time) else _NUMBER
        if reason is not _NUMBER:
            reason += "; format the column as text, then type the plate again"
        raise TableError(line, column, str(cell), reason)
    if column in _DATES and not isinstance(cell, date):
        raise TableError(line, column, str(cell), _SERIAL)
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ", timespec="seconds")
    return str(cell)


def _no_header(start: bytes) -> str:
    """The advice for a table without a row that names its columns."""
    if not start.strip() and start:
        return "the file is empty"
    return (
        f"none of the first {SEARCHED_ROWS} rows names the columns; write plate (or Kennzeichen)"
        " above the plates"
    )
