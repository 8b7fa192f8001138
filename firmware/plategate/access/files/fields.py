# SPDX-License-Identifier: Apache-2.0
"""Convert the fields of a row into checked values: plate, text, day, time, count."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime

from plategate.access.files.json_rows import CheckAfter
from plategate.access.files.rows import Row, TableError, unknown_column
from plategate.plates.written import PlateTextError, parse_plate

LONGEST_TEXT = 500  # characters
LARGEST_COUNT = 1_000_000
FIRST_YEAR, LAST_YEAR = 1900, 9000

_NO_LIMIT = "leave the cell empty if there is no limit"
_DAY = re.compile(r"\d{4}-\d\d-\d\d|\d{8}", re.ASCII)
_TIME = re.compile(
    r"(?:\d{4}-\d\d-\d\d|\d{8})[T ]\d\d(?::?\d\d(?::?\d\d(?:[.,]\d+)?)?)?"
    r"(?:Z|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII | re.IGNORECASE,
)
_OTHER_DATE = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d\d)(?:\s.*)?", re.ASCII)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_DIRECTIONS = re.compile(r"[\u202a-\u202e\u2066-\u2069]")  # they reverse the text after them


def check_format(header: Mapping[str, object], name: str, version: int) -> None:
    """Raise TableError where the header of a JSON file names another format or version."""
    for key, wanted in (("format", name), ("version", version)):
        if header and header.get(key) != wanted:
            reason = f'must start with "format": "{name}", "version": {version}'
            raise TableError(1, key, header.get(key), reason)


def check_after_rows(items: str, name: str, version: int, harmless: frozenset[str]) -> CheckAfter:
    """The check for the keys after the array: format, version and `harmless` keys only.

    Some programs write keys in alphabetical order. A key that decides what the file is, such as
    `list`, comes too late there.
    """

    def check(line: int, after: Mapping[str, object]) -> None:
        for key, wanted in (("format", name), ("version", version)):
            if key in after and after[key] != wanted:
                raise TableError(line, key, after[key], f"must be {wanted!r}")
        for key in after.keys() - harmless - {"format", "version"}:
            raise TableError(line, key, None, f"must come before {items!r}, or is unknown")

    return check


def check_columns(row: Row, known: frozenset[str]) -> None:
    """Raise TableError where a row has an unknown column."""
    for column in row.fields:
        if column not in known:
            raise unknown_column(row.line, column, known)


def text_field(row: Row, column: str) -> str:
    """The text with runs of white space collapsed; "" where the field is missing or empty."""
    value = row.fields.get(column)
    if value is None or value == "":
        return ""
    if not isinstance(value, str):
        raise TableError(row.line, column, value, "must be text")
    return clean_text(row.line, column, value)


def clean_text(line: int, column: str, value: str) -> str:
    """`value` with runs of white space collapsed; raises TableError if too long or unprintable."""
    text = " ".join(value.split())
    if len(text) > LONGEST_TEXT:
        raise TableError(line, column, value, f"longer than {LONGEST_TEXT} characters")
    if reason := unsafe_characters(text):
        raise TableError(line, column, value, f"{reason}; type it again")
    return text


def unsafe_characters(text: str) -> str | None:
    """What makes a text unsafe to show at a terminal or on a page; None if it is safe."""
    if text.isprintable():
        return None
    if _CONTROLS.search(text):
        return "contains control characters"
    return "contains invisible characters that reverse text" if _DIRECTIONS.search(text) else None


def plate_field(row: Row) -> str:
    """The canonical form of the column `plate`."""
    value = row.fields.get("plate")
    if value is None or value == "":
        raise TableError(row.line, "plate", "", "missing")
    if not isinstance(value, str):
        raise TableError(row.line, "plate", value, "must be text")
    try:
        return parse_plate(value)
    except PlateTextError as error:
        raise TableError(row.line, "plate", value, str(error)) from None


def count_field(row: Row, column: str) -> int | None:
    """A whole number from 1 to LARGEST_COUNT; None where the field is missing or empty."""
    value = row.fields.get(column)
    if value is None or value == "":
        return None
    if isinstance(value, str) and re.fullmatch(r"\s*\d{1,9}\s*", value, re.ASCII):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= LARGEST_COUNT:
        raise TableError(
            row.line, column, value, f"must be a whole number from 1 to {LARGEST_COUNT}"
        )
    return value


def day_or_time_field(row: Row, column: str) -> date | datetime | None:
    """A day (2026-05-31, 20260531) or a time (2026-05-31T18:00, with or without offset)."""
    text = text_field(row, column)
    if not text:
        return None
    found: date | datetime | None = None
    with suppress(ValueError):
        if _DAY.fullmatch(text):
            found = date.fromisoformat(text)
        elif _TIME.fullmatch(text):
            found = datetime.fromisoformat(text.upper())
    if found is None:
        raise TableError(row.line, column, text, f"not a day or time; write {_example(text)}")
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise TableError(
            row.line, column, text, f"year must be {FIRST_YEAR} to {LAST_YEAR}; {_NO_LIMIT}"
        )
    return found


def _example(text: str) -> str:
    """How to write the date that is meant, if that is clear; else an example."""
    if (other := _OTHER_DATE.fullmatch(text)) and len(other[4]) == 4 and other[2] == ".":
        with suppress(ValueError):
            return date(int(other[4]), int(other[3]), int(other[1])).isoformat()
    if other:
        return "the year first, such as 2026-05-31"
    return "2026-05-31 or 2026-05-31T18:00"


def day_field(row: Row, column: str) -> date | None:
    """A day (2026-05-31); None where the field is missing or empty."""
    found = day_or_time_field(row, column)
    if isinstance(found, datetime):
        raise TableError(row.line, column, row.fields[column], "must be a day, without a time")
    return found
