# SPDX-License-Identifier: Apache-2.0
"""Write a list to a file that `entries` reads again: CSV, JSON or XLSX, by the ending of its name.

No cell of a CSV file starts a formula when a spreadsheet opens it: an apostrophe goes before it,
which `entries` removes again.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

from plategate.access.files.entries import FORMAT, VERSION, fields_of
from plategate.access.files.rows import TableError, protected
from plategate.access.files.workbooks import COLUMNS, write_workbook
from plategate.access.store.lists import ListName
from plategate.errors import ListError, reason_of
from plategate.output_files import whole_file
from plategate.values import ListEntry

FIELDS = tuple(field for field, _, _ in COLUMNS)
_PRIVATE = 0o600  # a list is personal data

Write = Callable[[BinaryIO, Iterable[ListEntry], ZoneInfo, ListName], int]


def export_file(
    file: Path,
    entries: Iterable[ListEntry],
    zone: ZoneInfo,
    name: ListName,
    *,
    form: str | None = None,
    replace: bool = False,
) -> int:
    """Write a list to a file, completely or not at all; returns the number of entries.

    `form` is the format; None takes the ending of the name. Raises ListError for an unknown one, an
    existing file unless `replace` is set, and whatever the disk reports.
    """
    write = writer_for(form or file.suffix.removeprefix("."))
    if file.exists() and not replace:
        raise ListError(f"{file}: exists already; use --force to replace it")
    try:
        with whole_file(file, mode=_PRIVATE) as stream:
            count = write(stream, entries, zone, name)
    except OSError as error:
        raise ListError(f"{file}: cannot be written: {reason_of(error)}") from error
    return count


def writer_for(form: str) -> Write:
    """The function that writes a format: csv, json or xlsx."""
    try:
        return _WRITERS[form.lower()]
    except KeyError:
        known = ", ".join(sorted(_WRITERS))
        raise ListError(f"format {form!r}: unknown; known are {known}") from None


def _write_csv(
    stream: BinaryIO, entries: Iterable[ListEntry], zone: ZoneInfo, name: ListName
) -> int:
    del name  # a CSV file has no header for it
    count = 0
    with _text(stream, "utf-8-sig") as text:
        writer = csv.writer(text)
        writer.writerow(FIELDS)
        for count, row in enumerate(_rows(entries, zone), start=1):  # noqa: B007 -- the result
            writer.writerow(protected(row[field]) for field in FIELDS)
    return count


def _write_json(
    stream: BinaryIO, entries: Iterable[ListEntry], zone: ZoneInfo, name: ListName
) -> int:
    count = 0
    with _text(stream, "utf-8") as text:
        text.write(f'{{"format": "{FORMAT}", "version": {VERSION}, "list": "{name}", "entries": [')
        for count, row in enumerate(_rows(entries, zone), start=1):
            document: dict[str, object] = {key: value for key, value in row.items() if value}
            if row["entries"]:
                document["entries"] = int(row["entries"])
            text.write(",\n" if count > 1 else "\n")
            text.write(json.dumps(document, ensure_ascii=False))
        text.write("\n]}\n")
    return count


def _write_xlsx(
    stream: BinaryIO, entries: Iterable[ListEntry], zone: ZoneInfo, name: ListName
) -> int:
    del name
    try:
        data, count = write_workbook(_rows(entries, zone))
    except TableError as error:
        raise ListError(str(error)) from None
    stream.write(data)
    return count


def _rows(entries: Iterable[ListEntry], zone: ZoneInfo) -> Iterator[Mapping[str, str]]:
    return (fields_of(entry, zone) for entry in entries)


@contextmanager
def _text(stream: BinaryIO, encoding: str) -> Iterator[TextIOWrapper]:
    """Text on a binary stream, which stays open."""
    text = TextIOWrapper(stream, encoding, newline="", write_through=False)
    try:
        yield text
        text.flush()
    finally:
        text.detach()


_WRITERS: dict[str, Write] = {"csv": _write_csv, "json": _write_json, "xlsx": _write_xlsx}
