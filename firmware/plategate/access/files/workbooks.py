# SPDX-License-Identifier: Apache-2.0
"""Read the sheets of a workbook (XLSX, ODS, XLS), and write a list or a template as XLSX.

Cells are read as their values: formulas are not calculated, and nothing is executed.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO

from plategate.access.files.rows import TableError

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

MOST_BYTES = 33_554_432  # of the file; a list of a million entries has about half
MOST_UNPACKED_BYTES = 1_073_741_824
MOST_ROWS = 1_048_576  # of a sheet, in every spreadsheet program
SIGNATURES = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")

# Columns of the template: field, width in characters, advice.
COLUMNS = (
    ("plate", 16, "required; as on the car, such as B-AB 123; one plate per row"),
    ("holder", 28, "name"),
    ("group", 18, "company, flat or any other group"),
    ("note", 36, "any text, up to 500 characters"),
    ("from", 14, "first day, such as 2026-06-01; empty: at once"),
    ("until", 14, "last day, inclusive; empty: for good"),
    ("hours", 30, "weekly windows, such as mon-fri 07:00-18:00; sat 08:00-12:00; empty: always"),
    ("entries", 10, "how many times the barrier may open; empty: without limit"),
)
_DAYS = ("from", "until")
_EMPTY_ROWS = 2000  # of the template that have the formats of their columns


class Sheets:
    """The visible sheets of an open workbook."""

    def __init__(self, stream: BinaryIO) -> None:
        """Open a workbook; raises TableError for one that cannot be read or is too large."""
        data = stream.read(MOST_BYTES + 1)
        _check_size(data)
        self._book = _open(data)

    def names(self) -> tuple[str, ...]:
        """The names of the visible sheets, in order."""
        from python_calamine import SheetTypeEnum, SheetVisibleEnum

        return tuple(
            sheet.name
            for sheet in self._book.sheets_metadata
            if sheet.visible == SheetVisibleEnum.Visible and sheet.typ == SheetTypeEnum.WorkSheet
        )

    def rows(self, name: str) -> Iterator[tuple[int, Sequence[Any]]]:
        """The rows of a sheet that have a value, each with its number in the sheet."""
        sheet: CalamineSheet = self._book.get_sheet_by_name(name)
        start = sheet.start
        if start is None:
            return
        for number, cells in enumerate(sheet.iter_rows(), start=start[0] + 1):
            if any(cell not in ("", None) for cell in cells):
                yield number, cells


def write_workbook(rows: Iterable[Mapping[str, str]]) -> tuple[bytes, int]:
    """A list as XLSX, with plates as text and days as dates; returns the file and its entries."""
    import xlsxwriter

    file = BytesIO()
    # No text becomes a formula, a link or a number.
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    count = 0
    with xlsxwriter.Workbook(file, options) as book:
        text, day = book.add_format({"num_format": "@"}), book.add_format({"num_format": _ISO})
        sheet = book.add_worksheet("plates")
        _write_head(book, sheet)
        for count, row in enumerate(rows, start=1):
            if count >= MOST_ROWS:
                raise TableError(count, "", None, "too many entries for a workbook; use CSV")
            for column, (field, _, _) in enumerate(COLUMNS):
                value = row[field]
                if not value:
                    continue
                if field in _DAYS and len(value) == len("2026-06-30"):
                    sheet.write_datetime(count, column, datetime.fromisoformat(value), day)
                elif field == "entries":
                    sheet.write_number(count, column, int(value))
                else:
                    sheet.write_string(count, column, value, text)
    return file.getvalue(), count


def write_template() -> bytes:
    """An empty workbook to fill in: plates are text, days are dates; a second sheet explains it."""
    import xlsxwriter

    file = BytesIO()
    with xlsxwriter.Workbook(file) as book:
        text, day = book.add_format({"num_format": "@"}), book.add_format({"num_format": _ISO})
        sheet = book.add_worksheet("plates")
        _write_head(book, sheet)
        for row in range(1, _EMPTY_ROWS):
            for column, (field, _, _) in enumerate(COLUMNS):
                sheet.write_blank(row, column, None, day if field in _DAYS else text)
        help_sheet = book.add_worksheet("help")
        help_sheet.set_column(0, 0, 100)
        for row, (field, _, advice) in enumerate(COLUMNS):
            help_sheet.write_string(row, 0, f"Column {field}: {advice}")
    return file.getvalue()


_ISO = "yyyy-mm-dd"


def _write_head(book: Any, sheet: Any) -> None:
    bold = book.add_format({"bold": True, "bottom": 1})
    for column, (field, width, _) in enumerate(COLUMNS):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, field, bold)
    sheet.freeze_panes(1, 0)


def _check_size(data: bytes) -> None:
    """Refuse files that would fill the memory: workbooks are compressed."""
    if len(data) > MOST_BYTES:
        raise TableError(1, "", None, f"larger than {MOST_BYTES} bytes; save it as CSV UTF-8")
    if not data.startswith(b"PK"):
        return
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise TableError(1, "", None, f"a damaged workbook: {error}") from None
    if unpacked > MOST_UNPACKED_BYTES:
        raise TableError(1, "", None, "unpacks to more than 1 GiB; save it as CSV UTF-8")


def _open(data: bytes) -> CalamineWorkbook:
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    try:
        return CalamineWorkbook.from_filelike(BytesIO(data))
    except PasswordError:
        reason = "protected by a password; save it without one"
    except (CalamineError, ValueError, OSError) as error:
        reason = f"not a workbook that can be read ({error}); save it as XLSX or CSV UTF-8"
    raise TableError(1, "", None, reason)
