# SPDX-License-Identifier: Apache-2.0
"""Guards files as spreadsheets and editors save them: read as meant, or refused with advice."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from plategate.access.files.entries import read_entries
from plategate.access.files.tables import CHUNK
from plategate.access.files.vehicles import read_records
from plategate.errors import ListError, RecordError

BERLIN = ZoneInfo("Europe/Berlin")


def entries(data: bytes | str):
    raw = data.encode() if isinstance(data, str) else data
    return list(read_entries(io.BytesIO(raw), "f", BERLIN).entries)


def plates(data: bytes | str):
    return [entry.plate for entry in entries(data)]


@pytest.mark.parametrize(
    "text",
    [
        "plate;holder;;;\r\nB-AB 1;Anna;;;\r\n",
        "plate;;holder\nB-AB 1;;Anna\n",
        "plate;holder\nB-AB 1;Anna;;;\n",
        "plate;holder;;\nB-AB 1;Anna; ;\n;;;\n ;\t; ;\n",
        ";plate;holder\n;B-AB 1;Anna\n",
    ],
)
def test_ok__empty_columns_and_rows_are_ignored(text: str) -> None:
    assert [(entry.plate, entry.holder) for entry in entries(text)] == [("BAB1", "Anna")]


def test_fail__a_value_in_a_column_without_name_is_refused() -> None:
    with pytest.raises(ListError, match=r"line 3: 'x' is in column 3, but only 2 columns have"):
        entries("plate;holder;;\nB-AB 1;Anna;;\nB-AB 2;Bert;x;\n")
    with pytest.raises(RecordError, match=r"line 2: 'x' is in column 2"):
        list(read_records(io.BytesIO(b"plate;;owner\nA1;x;Anna\n"), "f").records)


@pytest.mark.parametrize("ending", ["\r", "\r\n", "\n"])
def test_ok__lines_may_end_with_cr_crlf_or_lf(ending: str) -> None:
    rows = ["plate;note", *(f"A{number};{'x' * 50}" for number in range(5000))]
    text = ending.join(rows) + ending
    assert len(text) > 3 * CHUNK
    assert plates(text) == [f"A{number}" for number in range(5000)]
    assert plates(text.rstrip(ending)) == plates(text)
    with pytest.raises(ListError, match="f: line 5002: plate = '---'"):
        entries(text + "---;" + ending)


@pytest.mark.parametrize("padding", range(8))
def test_ok__a_crlf_may_be_cut_by_the_end_of_a_chunk(padding: int) -> None:
    note = "x" * 400
    text = f"plate;note\r\nA1;{'y' * padding}\r\n" + f"B2;{note}\r\n" * 400
    assert plates(text) == ["A1", *["B2"] * 400]


@pytest.mark.parametrize("text", ["plate\nA1\rB2\n", "plate\r\nA1\rB2\r\n", "plate\rA1\nB2\r"])
def test_fail__a_stray_line_break_does_not_split_a_row(text: str) -> None:
    with pytest.raises(ListError, match="line 2: not valid CSV: a line break in a cell without"):
        entries(text)


def test_ok__a_quoted_cell_may_have_any_line_break() -> None:
    text = 'plate,note\nA1,"a\rb\r\nc"\nB2,x\n'
    assert [entry.note for entry in entries(text)] == ["a b c", "x"]


def test_fail__a_line_without_end_is_refused_early() -> None:
    with pytest.raises(ListError, match="line 2: longer than 65536 bytes"):
        entries("plate\nA" + "1" * 200_000)


def workbook() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (workbook(), 'this is a workbook (.xlsx or .ods) or another zip file; save it'),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "this is an Excel workbook (.xls); save it from"),
        ("plate\nA1\n".encode("utf-16"), "this is UTF-16 text; save it"),
        (b"\x1f\x8b\x08\x00", "this is compressed (gzip)"),
        (b"%PDF-1.7", "this is a PDF document"),
        (b"<!DOCTYPE html><html>", "this is an HTML or XML page; a list must be CSV or JSON"),
        ("plate;holder\nA1;Müller\n".encode("cp1252"), 'line 2: not UTF-8 text; save it from the'),
        ("plate;until\nA1;31.12.2026\n", "31.12.2026': not a day or time; write 2026-12-31"),
        ("plate;until\nA1;31.12.2026 18:00\n", "not a day or time; write 2026-12-31"),
        ("plate;until\nA1;12/31/2026\n", "write the year first, such as 2026-05-31"),
        ("plate;until\nA1;31.12.26\n", "write the year first"),
        ("plate;until\nA1;46387\n", "not a day or time"),
        ("plate;until\nA1;2026-W53-4\n", "not a day or time"),
        ("plate;until\nA1;20261331\n", "not a day or time"),
    ],
)  # fmt: skip
def test_fail__other_files_are_refused_with_advice(data: bytes | str, says: str) -> None:
    with pytest.raises(ListError) as error:
        entries(data)
    assert says in str(error.value)


@pytest.mark.parametrize("day", ["2026-12-31", "20261231"])
def test_ok__the_last_day_counts_as_a_whole_however_it_is_written(day: str) -> None:
    (entry,) = entries(f"plate;from;until\nA1;{day};{day}\n")
    assert entry.valid_from == datetime(2026, 12, 31, tzinfo=BERLIN)
    assert entry.valid_until == datetime(2027, 1, 1, tzinfo=BERLIN)


@pytest.mark.parametrize("text", ["2026-12-31 00:00:00", "2026-12-31T00:00", "20261231T0000"])
def test_fail__midnight_of_the_last_day_is_not_taken_for_its_end_or_beginning(text: str) -> None:
    with pytest.raises(ListError, match="is midnight; write 2026-12-31 if that day is included"):
        entries(f"plate;until\nA1;{text}\n")


def test_ok__midnight_with_an_offset_is_a_time() -> None:
    (entry,) = entries("plate;until\nA1;2027-01-01T00:00+01:00\n")
    assert entry.valid_until == datetime(2027, 1, 1, tzinfo=BERLIN)


@pytest.mark.parametrize("text", ["2026-12-31T18:00", "2026-12-31 18:00:00", "20261231T1800"])
def test_ok__a_time_is_that_time_however_it_is_written(text: str) -> None:
    (entry,) = entries(f"plate;until\nA1;{text}\n")
    assert entry.valid_until == datetime(2026, 12, 31, 18, tzinfo=BERLIN)
