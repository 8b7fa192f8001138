# SPDX-License-Identifier: Apache-2.0
"""Guards lists as owners make them: read as meant and said so, or refused with advice.

The files in tests/data/spreadsheets were made by LibreOffice (scripts/make_spreadsheets); the
others are made here, one of each kind.
"""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import xlsxwriter

from plategate.access.files import workbooks
from plategate.access.files.dates import DateOrder
from plategate.access.files.headers import parse_column_options
from plategate.access.files.owner_files import ReadingOptions, read_owner_file
from plategate.errors import ListError
from plategate.values import ListEntry

BERLIN = ZoneInfo("Europe/Berlin")
MADE = Path(__file__).parents[2] / "data" / "spreadsheets"
EVENING = datetime(2026, 6, 30, 18, 0)  # noqa: DTZ001 -- workbooks know no time zone
A1 = ("B-AB 1", "Anna")


def read(data: bytes, **options):
    options["columns"] = parse_column_options(options.get("columns", ()))
    opened = read_owner_file(io.BytesIO(data), "f", BERLIN, ReadingOptions(**options))
    return list(opened.file.entries), opened.notes


def book(*rows, **sheets) -> bytes:
    """A workbook as Excel would save it: dates have a date format, everything else is as given."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as made:
        day = made.add_format({"num_format": "dd.mm.yyyy"})
        for name, content in {**({"Tabelle1": rows} if rows else {}), **sheets}.items():
            sheet = made.add_worksheet(name.replace("_", " "))
            if name.startswith("hidden"):
                sheet.hide()
            for number, row in enumerate(content):
                for column, value in enumerate(row):
                    if isinstance(value, date):
                        sheet.write_datetime(number, column, value, day)
                    elif value not in ("", None):
                        sheet.write(number, column, value)
    return file.getvalue()


def last(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), BERLIN)


@pytest.mark.parametrize("file", sorted(MADE.iterdir()), ids=lambda file: file.name)
def test_ok__files_made_by_libreoffice_are_all_the_same_list(file: Path) -> None:
    entries, notes = read(file.read_bytes())
    first, second, third = entries
    assert [e.plate for e in entries] == ["BAB123", "HHXY99", "TOLK5"]
    assert [e.holder for e in entries] == ["Jörg Müller", "Cleaning", "Zoë Ångström"]
    assert (first.group, second.note, third.note) == ("Wohnung 7", "=1+1", "blue; van")
    ends = [last(date(2026, 12, 31)), last(date(2027, 3, 4)), None]
    assert [e.valid_until for e in entries] == ends
    columns = (
        "columns: Kennzeichen is plate, Name is holder, Gruppe is group, gültig bis is until,"
        " Bemerkung is note"
    )
    order = "month, day, year" if file.name.startswith("us") else "day, month, year"
    dates = f"until: dates are read as {order}"
    converted = "the text is not UTF-8; it is read as Windows-1252; check names such as 'gültig'"
    expected = [columns] if file.suffix != ".csv" else [columns, dates]
    assert list(notes) == ([converted] if "1252" in file.name else []) + expected


GOOD = {
    "a workbook with our names": (book(("plate", "holder"), A1), []),
    "a title and an empty row above": (
        book(("Anwohner 2026",), (), ("Kennzeichen", "Inhaber"), A1),
        ["columns: Kennzeichen is plate, Inhaber is holder"],
    ),
    "empty rows and columns": (
        book((), ("", "plate", "", "holder"), (), ("", "B-AB 1", "", "Anna"), ()),
        [],
    ),
    "first and last name": (
        book(("Nachname", "Vorname", "Kfz-Kennzeichen:"), ("Anna", "", "B-AB 1")),
        ["columns: Nachname is last name, Vorname is first name, Kfz-Kennzeichen: is plate"],
    ),
    "English names in capitals": (
        book(("LICENSE PLATE", "Full_Name"), A1),
        ["columns: LICENSE PLATE is plate, Full_Name is holder"],
    ),
    "a second sheet without plates": (
        book(list=(("plate", "holder"), A1), notes=(("call the caretaker",),)),
        ["sheet 'list' is read", "sheet 'notes' is not read: no column of plates"],
    ),
    "a hidden sheet with plates": (
        book(list=(("plate", "holder"), A1), hidden=(("plate",), ("X 1",))),
        [],
    ),
    "an Excel text file in UTF-16": (
        "plate\tholder\nB-AB 1\tAnna\n".encode("utf-16"),
        ["the text is not UTF-8; it is read as UTF-16"],
    ),
    "a CSV with a title": (b"Anwohner;;\r\n;;\r\nplate;holder;\r\nB-AB 1;Anna;\r\n", []),
    "a CSV with sep": (b"sep=;\r\nplate;holder\r\nB-AB 1;Anna\r\n", []),
    "a CSV with a byte order mark": (b"\xef\xbb\xbfplate,holder\nB-AB 1,Anna\n", []),
    "old Macintosh lines": (b"plate;holder\rB-AB 1;Anna\r", []),
    "JSON": (b'[{"plate": "B-AB 1", "holder": "Anna"}]', []),
}


@pytest.mark.parametrize("kind", GOOD)
def test_ok__owners_files_are_read(kind: str) -> None:
    data, notes = GOOD[kind]
    assert read(data) == ([ListEntry("BAB1", holder="Anna")], tuple(notes))


def test_ok__the_whole_column_decides_on_its_dates() -> None:
    rows = ["1/2/2026", "3/4/26", "12/31/2026 6:30 PM"]
    text = "plate,until\n" + "".join(f"A{n},{day}\n" for n, day in enumerate(rows))
    found = [entry.valid_until for entry in read(text.encode())[0]]
    evening = datetime(2026, 12, 31, 18, 30, tzinfo=BERLIN)
    assert found == [last(date(2026, 1, 2)), last(date(2026, 3, 4)), evening]
    text = text.replace("12/31/2026 6:30 PM", "31/12/2026")
    assert read(text.encode())[0][0].valid_until == last(date(2026, 2, 1))


def test_ok__cells_of_a_workbook_keep_their_meaning() -> None:
    rows = (
        ("plate", "group", "from", "until", "entries", "hours"),
        ("A1", 7, date(2026, 6, 1), EVENING, 3.0, "mon 07:00-18:00"),
        ("B2", 2.5, "", "30.06.2026", "", ""),
    )
    (first, second), notes = read(book(*rows))
    assert (first.group, first.entries, first.hours) == ("7", 3, "mon 07:00-18:00")
    assert first.valid_from == datetime(2026, 6, 1, tzinfo=BERLIN)
    assert first.valid_until == datetime(2026, 6, 30, 18, tzinfo=BERLIN)
    assert (second.group, second.valid_until) == ("2.5", last(date(2026, 6, 30)))
    assert notes == ("until: dates are read as day, month, year",)


def test_ok__the_owner_decides_what_the_file_leaves_open() -> None:
    data = b"plate;until;Telefon;Nr.\nB-AB 1;3/4/2026;555;1\n"
    options = {"columns": ["Telefon=note", "Nr.=-"]}
    (entry,), notes = read(data, dates=DateOrder.MONTH_FIRST, **options)
    assert (entry.note, entry.valid_until) == ("555", last(date(2026, 3, 4)))
    assert notes[0] == "columns: Telefon is note, Nr. is ignored"
    (entry,), _ = read(data, dates=DateOrder.DAY_FIRST, **options)
    assert entry.valid_until == last(date(2026, 4, 3))
    two = book(north=(("plate",), ("A1",)), south=(("plate",), ("B2",)))
    assert [entry.plate for entry in read(two, sheet="south")[0]] == ["B2"]


REFUSED = {
    "a plate that is a number": (
        book(("plate",), (123456,)),
        r"line 2: plate = '123456': is a number in the workbook; format the column",
    ),
    "a plate that is a date": (
        book(("plate",), (date(2012, 3, 1),)),
        "plate = '2012-03-01': is a date in the workbook; format",
    ),
    "a plate in scientific notation": (
        b"plate\n1.20E+06\n",
        "looks like a number made by a spreadsheet; format the column as text",
    ),
    "a decimal plate": (b"plate;holder\n123456,0;x\n", "looks like a number made by a spreadsheet"),
    "a date that is a number": (
        book(("plate", "until"), ("A1", 46387)),
        "until = '46387': is a number in the workbook; format the column as",
    ),
    "dates that can be both": (
        b"plate;until\nA1;3/4/2026\n",
        r"line 2: until = '3/4/2026': day or month first\? .* use --dates dmy",
    ),
    "dates that contradict": (
        b"plate;until\nA1;31.12.2026\nB2;12/31/2026\n",
        "line 3: until = '12/31/2026': is written in another order than '31.12.2026' in line 2",
    ),
    "a day that does not exist": (
        b"plate;until\nA1;31.02.2026\n",
        r"'31.02.2026': is no date; write the year first",
    ),
    "an unknown column": (
        b"Kennzeichen;Stellplatz\nA1;7\n",
        'Stellplatz: unknown column; .*--column "Stellplatz=note"',
    ),
    "two columns of plates": (
        b"Kennzeichen;Kfz\nA1;B2\n",
        "2 columns are plate: 'Kennzeichen', 'Kfz'; write one plate per row",
    ),
    "two holders": (b"plate;Name;Fahrer\nA1;x;y\n", "2 columns are holder"),
    "no names of columns": (
        book(A1, ("B-AB 2", "Bert")),
        "none of the first 10 rows names the columns; write plate",
    ),
    "two sheets with plates": (
        book(north=(("plate",), ("A1",)), south=(("plate",), ("B2",))),
        "the sheets 'north', 'south' have plates; name one with --sheet",
    ),
    "a value without column": (
        book(("plate",), ("A1", "Anna")),
        "line 2: 'Anna' is in column 2, but only 1 have a name",
    ),
    "two plates in a cell": (book(("plate",), ("B-AB 1/B-AB 2",)), "write one plate per row"),
    "a web page": (b"<html>", "an HTML or XML page"),
    "another zip file": (b"PK\x03\x04" + b"\0" * 60, "a damaged workbook"),
    "bytes of no encoding": (
        b"plate;holder\nA1;M\x81ller\n",
        "neither UTF-8 nor Windows-1252 text",
    ),
    "Cyrillic letters in Windows-1251": (
        "plate;holder\nА123ВС77;Anna\n".encode("cp1251"),  # noqa: RUF001
        "line 2: plate = 'À123ÂÑ77': 'À' may be another character, since the file is not UTF-8",
    ),
    "a German plate of an old DOS program": ("plate\nTÖL A 1\nÜB A 1\n".encode("cp850"), "line 2"),
    "midnight of the last day": (
        b"plate;until\nA1;31.12.2026 00:00\n",
        "is midnight; write 2026-12-31 if that day is included, 2026-12-30 if it is not",
    ),
    "an empty file": (b"", "none of the first 10 rows|the file is empty"),
    "an empty workbook": (book(empty=()), "none of the first 10 rows"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_fail__what_is_doubtful_is_refused_with_advice(kind: str) -> None:
    data, says = REFUSED[kind]
    with pytest.raises(ListError, match=says):
        read(data)


def test_fail__a_sheet_that_is_not_there_is_named() -> None:
    with pytest.raises(ListError, match="no visible sheet 'east'; there are list"):
        read(book(list=(("plate",), ("A1",))), sheet="east")


def test_fail__a_workbook_that_would_fill_the_memory_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a", "w") as big:
        for _ in range(1100):
            big.write(b"\0" * 1_048_576)
    with pytest.raises(ListError, match="unpacks to more than 1 GiB"):
        read(file.getvalue())
    with pytest.raises(ListError, match="larger than 33554432 bytes"):
        read(b"PK\x03\x04" + b"\0" * workbooks.MOST_BYTES)


def test_ok__the_template_is_empty_and_can_be_filled_in() -> None:
    assert read(workbooks.write_template()) == (
        [],
        ("sheet 'plates' is read", "sheet 'help' is not read: no column of plates"),
    )


def test_ok__a_written_workbook_has_no_formula_and_no_link() -> None:
    row = dict.fromkeys((field for field, _, _ in workbooks.COLUMNS), "")
    texts = ["=1+1", "{=1}", "http://x.example", "mailto:a@x", "00123", "+5"]
    rows = [{**row, "plate": f"A{n}", "note": text} for n, text in enumerate(texts)]
    rows[0]["until"], rows[1]["until"] = "2026-06-30", "2026-06-30 18:00"
    data, count = workbooks.write_workbook(rows)
    assert count == len(texts)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    entries, _ = read(data)
    assert [entry.note for entry in entries] == texts
    assert entries[0].valid_until == last(date(2026, 6, 30))
    assert entries[1].valid_until == datetime(2026, 6, 30, 16, tzinfo=UTC)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "cp1252"])
def test_ok__umlauts_of_a_plate_are_read_in_the_encodings_of_german_spreadsheets(encoding):
    ((entry,), notes) = read("plate;holder\nTÖL A 1;Zoë\n".encode(encoding))
    assert (entry.plate, entry.holder) == ("TOLA1", "Zoë")
    assert "it is read as" in notes[0]
