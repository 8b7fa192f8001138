# SPDX-License-Identifier: Apache-2.0
"""Read the rows of a CSV or JSON file one by one, each with its line number.

The meaning of the columns is defined in `entries` and `vehicles`. Only one row is held in memory
at a time, so memory does not depend on the size of the file.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import BinaryIO

from plategate.access.files.json_rows import CheckAfter, JsonHeader, json_rows
from plategate.access.files.rows import Row, TableError, unknown_column, unprotected

LONGEST_LINE = 65_536  # bytes
NEEDED = "plate"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DELIMITERS = ";,\t"
_BLANK = _DELIMITERS + " \r\n\0"
CHUNK = 65_536  # bytes read at a time
_SAVE_AS = 'save it from the spreadsheet as "CSV UTF-8"'
_FOREIGN = {
    b"PK\x03\x04": f"a workbook (.xlsx or .ods) or another zip file; {_SAVE_AS}",
    b"\xd0\xcf\x11\xe0": f"an Excel workbook (.xls); {_SAVE_AS}",
    b"\xff\xfe": f"UTF-16 text; {_SAVE_AS}",
    b"\xfe\xff": f"UTF-16 text; {_SAVE_AS}",
    b"\x1f\x8b": "compressed (gzip); decompress it first",
    b"%PDF": "a PDF document; a list must be CSV or JSON",
    b"<": "an HTML or XML page; a list must be CSV or JSON",
}


def read_rows(
    stream: BinaryIO, items: str, check_after: CheckAfter, known: frozenset[str] | None = None
) -> tuple[JsonHeader, Iterator[Row]]:
    """The header of a file (empty for CSV) and its rows, in order.

    The stream must be seekable. `items` is the key of the JSON array, and `check_after` checks the
    keys after it. `known` are the columns that
    a CSV file may have; None allows any. Raises TableError, also while the rows are being read.
    """
    start = stream.read(4096)
    stream.seek(len(_BYTE_ORDER_MARK) if start.startswith(_BYTE_ORDER_MARK) else 0)
    text = start.removeprefix(_BYTE_ORDER_MARK).lstrip()
    for signature, kind in _FOREIGN.items():
        if text.startswith(signature):
            raise TableError(1, "", None, f"this is {kind}")
    if b"\0" in text[:2] and len(text) > 2:
        raise TableError(1, "", None, f"this is UTF-16 text; {_SAVE_AS}")
    if text[:1] in (b"{", b"["):
        header, rows = json_rows(stream, items, check_after)
        return header, (Row(line, fields) for line, fields in rows)
    return JsonHeader(), _csv_rows(stream, known)


def _csv_rows(stream: BinaryIO, known: frozenset[str] | None) -> Iterator[Row]:
    lines = text_lines(stream)
    head, first, delimiter = _head(lines)
    columns = _columns(head, first, delimiter)
    _check_columns(head, columns, known)
    all_named = all(columns)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + head + 1  # the row starts after line_num
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as problem:
            raise not_csv(line, problem) from None
        if not any(value.strip() for value in values):
            continue
        complete = all_named and len(values) <= len(columns)
        error = None if complete else _extra_value(line, columns, values)
        fields = dict(zip(columns, map(unprotected, values), strict=False))
        fields.pop("", None)
        yield Row(line, fields, error)


def _extra_value(line: int, columns: list[str], values: list[str]) -> TableError | None:
    """The error for a value in a column that has no name; spreadsheets leave empty columns."""
    for number, value in enumerate(values, start=1):
        if value.strip() and not (number <= len(columns) and columns[number - 1]):
            named = sum(map(bool, columns))
            reason = f"{value[:80]!r} is in column {number}, but only {named} columns have a name"
            return TableError(line, "", None, reason)
    return None


def _head(lines: Iterator[str]) -> tuple[int, str, str]:
    """The number and text of the line that names the columns, and the delimiter.

    Lines without a name before it are skipped.
    Excel may write a line with the delimiter before it: `sep=;`.
    """
    number, first = next(
        ((number, line) for number, line in enumerate(lines, start=1) if line.strip(_BLANK)),
        (1, ""),
    )
    delimiter = first.rstrip("\r\n").lower().removeprefix("sep=")
    if first.lower().startswith("sep=") and delimiter in tuple(_DELIMITERS):
        return number + 1, next(lines, ""), delimiter
    return number, first, max(_DELIMITERS, key=first.count)


def _columns(line: int, first: str, delimiter: str) -> list[str]:
    try:
        names = next(csv.reader([first], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise not_csv(line, error) from None
    return [name.strip().lower() for name in names]


def not_csv(line: int, error: csv.Error) -> TableError:
    """The error for a line that is not valid CSV."""
    reason = str(error)
    if "unexpected end" in reason:
        reason += "; a quotation mark is never closed"
    elif "expected after" in reason:
        reason = "text after a closing quotation mark; write a mark inside a cell twice"
    elif "new-line" in reason:
        reason = "a line break in a cell without quotes; use the same line ending everywhere"
    return TableError(line, "", None, f"not valid CSV: {reason}")


def text_lines(stream: BinaryIO) -> Iterator[str]:
    """The lines; they end as the first one does: with LF (or CRLF), or (old Macintosh) with CR."""
    chunk = stream.read(CHUNK)
    first = re.search(rb"\r\n?|\n", chunk)
    ending = b"\r" if first is not None and first[0] == b"\r" else b"\n"
    number, rest = 0, b""
    while chunk or rest:
        *whole, rest = (rest + chunk).split(ending)
        lines = [line + ending for line in whole]
        if not chunk or len(rest) > LONGEST_LINE:
            lines, rest = [*lines, *filter(None, [rest])], b""
        for raw in lines:
            number += 1
            if len(raw) > LONGEST_LINE:
                raise TableError(number, "", None, f"longer than {LONGEST_LINE} bytes")
            try:
                yield raw.decode("utf-8")
            except UnicodeDecodeError:
                raise TableError(number, "", None, f"not UTF-8 text; {_SAVE_AS}") from None
        chunk = stream.read(CHUNK)


def _check_columns(line: int, columns: list[str], known: frozenset[str] | None) -> None:
    if not any(columns):
        raise TableError(line, "", None, "the file is empty")
    if NEEDED not in columns:
        reason = f"the first line names the columns, and one of them must be {NEEDED}"
        raise TableError(line, "", None, reason)
    for column in filter(None, columns):
        if columns.count(column) > 1:
            raise TableError(line, column, None, "this column appears twice")
        if known is not None and column not in known:
            raise unknown_column(line, column, known)
