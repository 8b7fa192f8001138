# SPDX-License-Identifier: Apache-2.0
"""Read the rows of a CSV or JSON file one by one, each with its line number.

The meaning of the columns is defined in `entries` and `vehicles`. Only one row is held in memory
at a time, so memory does not depend on the size of the file.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import BinaryIO

from plategate.access.files.json_rows import JsonHeader, json_rows
from plategate.access.files.rows import Row, TableError, unknown_column

LONGEST_LINE = 65_536  # bytes
NEEDED = "plate"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DELIMITERS = ";,\t"


def read_rows(
    stream: BinaryIO, items: str, known: frozenset[str] | None = None
) -> tuple[JsonHeader, Iterator[Row]]:
    """The header of a file (empty for CSV) and its rows, in order.

    The stream must be seekable. `items` is the key of the JSON array. `known` are the columns that
    a CSV file may have; None allows any. Raises TableError, also while the rows are being read.
    """
    start = stream.read(4096)
    stream.seek(len(_BYTE_ORDER_MARK) if start.startswith(_BYTE_ORDER_MARK) else 0)
    if start.removeprefix(_BYTE_ORDER_MARK).lstrip()[:1] in (b"{", b"["):
        header, rows = json_rows(stream, items)
        return header, (Row(line, fields) for line, fields in rows)
    return JsonHeader(), _csv_rows(stream, known)


def _csv_rows(stream: BinaryIO, known: frozenset[str] | None) -> Iterator[Row]:
    lines = _lines(stream)
    head, first, delimiter = _head(lines)
    columns = _columns(head, first, delimiter)
    _check_columns(head, columns, known)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + head + 1  # the row starts after line_num
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as problem:
            raise TableError(line, "", None, f"not valid CSV: {problem}") from None
        if not any(values):
            continue
        error = None
        if len(values) > len(columns):
            reason = f"{len(values)} fields, but the first line names {len(columns)} columns"
            error = TableError(line, "", None, reason)
        yield Row(line, dict(zip(columns, values, strict=False)), error)


def _head(lines: Iterator[str]) -> tuple[int, str, str]:
    """The number and text of the line that names the columns, and the delimiter.

    Excel may write a line with the delimiter before it: `sep=;`.
    """
    first = next(lines, "")
    delimiter = first.rstrip("\r\n").lower().removeprefix("sep=")
    if first.lower().startswith("sep=") and delimiter in tuple(_DELIMITERS):
        return 2, next(lines, ""), delimiter
    return 1, first, max(_DELIMITERS, key=first.count)


def _columns(line: int, first: str, delimiter: str) -> list[str]:
    try:
        names = next(csv.reader([first], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise TableError(line, "", None, f"not valid CSV: {error}") from None
    return [name.strip().lower() for name in names]


def _lines(stream: BinaryIO) -> Iterator[str]:
    number = 0
    while raw := stream.readline(LONGEST_LINE + 1):
        number += 1
        if len(raw) > LONGEST_LINE:
            raise TableError(number, "", None, f"longer than {LONGEST_LINE} bytes")
        try:
            yield raw.decode("utf-8")
        except UnicodeDecodeError:
            raise TableError(number, "", None, "not UTF-8 text") from None


def _check_columns(line: int, columns: list[str], known: frozenset[str] | None) -> None:
    if not any(columns):
        raise TableError(line, "", None, "the file is empty")
    if NEEDED not in columns:
        reason = f"the first line names the columns, and one of them must be {NEEDED}"
        raise TableError(line, "", None, reason)
    for column in columns:
        if not column:
            raise TableError(line, "", None, "a column has no name")
        if columns.count(column) > 1:
            raise TableError(line, column, None, "this column appears twice")
        if known is not None and column not in known:
            raise unknown_column(line, column, known)
