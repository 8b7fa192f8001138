# SPDX-License-Identifier: Apache-2.0
"""Guards list and record files: read as documented, invalid ones refused with their own error."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plategate.access.files.entries import read_entries
from plategate.access.files.json_rows import CHUNK
from plategate.access.files.vehicles import read_records
from plategate.access.store.lists import ListName
from plategate.errors import ListError, RecordError
from plategate.values import ListEntry

BERLIN = ZoneInfo("Europe/Berlin")


def entries(data: bytes | str):
    raw = data.encode() if isinstance(data, str) else data
    return list(read_entries(io.BytesIO(raw), "f", BERLIN).entries)


def records(data: bytes | str):
    raw = data.encode() if isinstance(data, str) else data
    return list(read_records(io.BytesIO(raw), "f").records)


def as_json(*rows, **header):
    head = {"format": "plategate-list", "version": 1, **header}
    return json.dumps({**head, "entries": list(rows)})


FULL = ListEntry(
    "AB12CDE",
    holder="Anna, B.",
    group="staff",
    note="two words",
    valid_from=datetime(2026, 6, 1, tzinfo=BERLIN),
    valid_until=datetime(2026, 7, 1, tzinfo=BERLIN),
    hours="mon-fri 07:00-18:00; sat",
    entries=3,
)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("comma", [",", ";", "\t"])
def test_ok__csv_with_any_delimiter_line_ending_and_byte_order_mark(mark, ending, comma):
    rows = [
        ["Plate", "holder", "group", "note", "from", "until", "hours", "entries"],
        *[["ab 12-cde", '"Anna, B."', "staff", '" two\n words"', "2026-06-01", "2026-06-30"]],
    ]
    rows[1] += ['"mon-fri 07:00-18:00; sat"', "3"]
    text = ending.join(comma.join(row) for row in rows) + ending + ending
    assert entries(mark + text.encode()) == [FULL]


@pytest.mark.parametrize(("separator", "comma"), [("sep=;", ";"), ("SEP=,", ","), ("sep=\t", "\t")])
def test_ok__the_sep_line_of_excel(separator, comma):
    note = "a;b" if comma != ";" else "a,b"
    text = f"{separator}\r\nplate{comma}note\r\nA1{comma}{note}\r\n"
    assert entries("\ufeff" + text) == [ListEntry("A1", note=note)]
    with pytest.raises(ListError, match="line 4: plate = '---'"):
        entries(text + f"---{comma}\r\n")


def test_ok__json_with_and_without_header():
    row = {"plate": "AB12 CDE", "holder": "Anna, B.", "group": "staff", "note": "two words"}
    row |= {"from": "2026-06-01", "until": "2026-06-30", "hours": FULL.hours, "entries": 3}
    assert entries(as_json(row)) == [FULL]
    assert entries(json.dumps([row])) == [FULL]
    assert entries("\ufeff" + json.dumps([row], indent=2)) == [FULL]
    assert entries(as_json({"plate": "A1", "holder": None})) == [ListEntry("A1")]


def test_ok__the_header_names_list_and_serial():
    found = read_entries(io.BytesIO(as_json(list="wanted", serial=7).encode()), "f", BERLIN)
    assert (found.list, found.serial, list(found.entries)) == (ListName.WANTED, 7, [])


def test_ok__harmless_keys_may_come_after_the_entries():
    text = json.dumps(
        {"entries": [{"plate": "A1"}], "format": "plategate-list", "note": "x", "version": 1}
    )
    assert entries(text) == [ListEntry("A1")]


def test_ok__times_with_and_without_offset():
    rows = "plate,until\nA1,2026-06-30T18:00\nB2,2026-06-30T18:00Z\nC3,2026-06-30T18:00+05:30\n"
    ends = [entry.valid_until.astimezone(UTC).hour for entry in entries(rows)]
    assert ends == [16, 18, 12]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: the file is empty"),
        ("\r\x00", "line 1: the file is empty"),
        ('"plate', "line 1: not valid CSV: unexpected end of data"),
        ('"plate', "a quotation mark is never closed"),
        ('plate,note\n"A" 1,x\n', "line 2: not valid CSV: text after a closing quotation mark"),
        (as_json({"plate": "A1", "note": 0}).replace("0", "[" * 9999), "nested too deeply"),
        ('{"serial": ' + "9" * 5000, "not valid JSON: a number is too long"),
        ("plate,until\nA1,9999-12-31\n", "9000; leave the cell empty if there is no limit"),
        ("plate\nA1\n".encode("utf-16-be"), "this is UTF-16 text; save it"),
        ("plate\nA1\n".encode("utf-16-le"), "this is UTF-16 text; save it"),
        ("\n;;\nplate\nA1\nA\n", "line 5: plate = 'A'"),
        (
            "holder\nAnna\n",
            "line 1: the first line names the columns, and one of them must be plate",
        ),
        ("holder,plate\nAnna,\n", "line 2: plate = '': missing"),
        ("sep=;\nholder;note\n", "line 2: the first line names the columns"),
        ("sep=\nplate\nA1\n", "line 1: the first line names the columns"),
        ("plate,plate\n", "line 1: plate: this column appears twice"),
        ("plate,\nA1,x\n", "line 2: 'x' is in column 2, but only 1 columns have a name"),
        ("plate,colour\nA1,red\n", "line 1: colour: unknown column; known are entries,"),
        (
            "plate\nA1,extra\n",
            "line 2: plate = 'A1,extra': character 3 is ',' (U+002C COMMA): write one",
        ),
        ("plate,note\nA1,x,y\n", "line 2: 'y' is in column 3, but only 2 columns"),
        ("plate\n---\n", "line 2: plate = '---': must have 2 to 12 letters and digits"),
        ("plate\nABCDEFGHIJKLM\n", "must have 2 to 12"),
        ("plate,entries\nA1,0\n", "line 2: entries = 0: must be a whole number from 1"),
        ("plate,entries\nA1,two\n", "line 2: entries = 'two'"),
        (
            "plate,from,until\nA1,2026-06-02,2026-06-01\n",
            "line 2: until = '2026-06-01': must be later than from",
        ),
        ("plate,from\nA1,0001-01-01\n", "year must be 1900"),
        ("plate,hours\nA1,always\n", "line 2: hours = 'always': 'always': not a day"),
        ("plate,note\nA1,\x07\n", "line 2: note = '\\x07': contains control characters"),
        ("plate,note\nA1," + "x" * 501 + "\n", "longer than 500 characters"),
        ('plate,note\nA1,"open\n', "line 2: not valid CSV: unexpected end of data"),
        ("plate\n" + "A" * 70_000 + "\n", "line 2: longer than 65536 bytes"),
        ('{"version": 1}', "array 'entries' is missing"),
        ('{"entries": [{"plate": "A1"}], }', "expected a key"),
        ('[{"plate": "A1"},]', "line 1: trailing comma"),
        ('[{"plate": "A1"} {"plate": "B2"}]', "expected ']', found '{'"),
        ('[\n{"plate": "A1"},\n{"plate": 7}]', "line 3: plate = 7: must be text"),
        ('[{"plate": "A1", "plate": "B2"}]', "a key appears twice"),
        ('[{"plate": "A1", "entries": true}]', "entries = True"),
        ('[{"plate": "A1", "entries": 1.5}]', "entries = 1.5"),
        ('[{"plate": "A1", "note": NaN}]', "NaN is not JSON"),
        ('[{"plate": "A1", "note": "\\ud800"}]', "control characters"),
        ('[["A1"]]', "a row must be an object"),
        ('[{"plate": "A1"}] x', "unexpected content after the end"),
        ('[{"plate": "A1"', "not valid JSON"),
        ("[" * 100_000, "a row must be an object"),
        ('[{"plate": ' + "[" * 60_000, "not valid JSON"),
        ('{"entries": 5}', "'entries' must be an array"),
        ('{"format": "other", "version": 1, "entries": []}', "must start with"),
        ('{"format": "plategate-list", "version": 2, "entries": []}', "version = 2: must start"),
        ('{"speed": 1, "entries": []}', "unknown key before the entries"),
        ('{"entries": [], "list": "block"}', "list: must come before 'entries', or is unknown"),
        ('{"entries": [], "serial": 3}', "serial: must come before 'entries'"),
        ('{"entries": [], "speed": 3}', "speed: must come before 'entries', or is unknown"),
        ('{"entries": [], "version": 2}', "version = 2: must be 1"),
        (as_json(list="friends"), "list = 'friends': must be allow, block or wanted"),
        (as_json(serial=-1), "serial = -1"),
        ('{"version": 1' + "0" * 5000 + ', "entries": []}', "not valid JSON"),
    ],
)
def test_fail__an_invalid_file_names_line_field_value_and_reason(text, said):
    with pytest.raises(ListError) as error:
        entries(text)
    assert said in str(error.value)
    assert str(error.value).startswith("f: line ")


def test_fail__bytes_that_are_not_utf8_name_the_line():
    with pytest.raises(ListError, match="f: line 3: not UTF-8 text"):
        entries(b"plate\nA1\nB\xff2\n")
    with pytest.raises(ListError, match="f: line 2: not UTF-8 text"):
        entries(b'[{"plate": "A1"},\n{"plate": "B\xff2"}]')


def test_fail__up_to_twenty_invalid_lines_are_listed():
    with pytest.raises(ListError) as error:
        entries("plate\n" + "?\n" * 30)
    lines = str(error.value).splitlines()
    assert (len(lines), lines[-1]) == (21, "f: and 10 more")


def test_fail__a_wrong_header_is_reported_once_and_a_long_row_hides_no_other_error():
    with pytest.raises(ListError) as error:
        entries("plate,colour\n" + "A1,red\n" * 30)
    assert len(str(error.value).splitlines()) == 1
    with pytest.raises(ListError) as error:
        entries("plate,note\nA1,x,y\n?,x\n")
    assert [line[:9] for line in str(error.value).splitlines()] == ["f: line 2", "f: line 3"]


def test_ok__json_values_may_cross_chunks():
    rows = [{"plate": f"A{number}", "note": "ü" * (number % 7)} for number in range(9000)]
    text = as_json(*rows)
    assert len(text) > 3 * CHUNK
    assert [entry.plate for entry in entries(text)] == [row["plate"] for row in rows]


def test_ok__a_number_at_the_end_of_a_chunk_is_complete():
    head = '{"format": "plategate-list", "version": 1, "serial": '
    for digits in range(1, 6):
        padding = " " * (CHUNK - len(head) - digits)
        text = head + padding + "12345, " + '"entries": []}'
        assert read_entries(io.BytesIO(text.encode()), "f", BERLIN).serial == 12345


def test_ok__unknown_record_columns_are_free_fields():
    (found,) = records(
        "plate;owner;Registered_in;insured_until;Bay\nAB 12;Jörg;Ulm;2027-01-31;07\n"
    )
    assert (found.plate, found.owner, found.registered_in) == ("AB12", "Jörg", "Ulm")
    assert (found.insured_until, found.fields) == (date(2027, 1, 31), (("bay", "07"),))
    assert records('[{"plate": "A1", "bay": 7}]')[0].fields == (("bay", "7"),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plate,insured_until\nA1,2027-01-31T08:00\n", "must be a day, without a time"),
        ('[{"plate": "A1", "tags": ["x"]}]', "tags = ['x']: must be text or a number"),
        ("plate," + ",".join(f"f{n}" for n in range(21)) + "\nA1" + ",x" * 21, "more than 20"),
        ("plate," + "f" * 41 + "\nA1,x\n", "not a valid column name"),
        ('{"format": "plategate-list", "version": 1, "records": []}', "must start with"),
        ('{"size": 1, "records": []}', "unknown key before the records"),
    ],
)
def test_fail__an_invalid_record_file_names_the_reason(text, said):
    with pytest.raises(RecordError) as error:
        records(text)
    assert said in str(error.value)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_subnormal=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["plate", "entries", "until", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)
CELLS = st.text(max_size=12) | st.sampled_from(["A1", "2026-06-01", "mon 07:00-18:00", "3", '"'])


@given(st.binary(max_size=300))
def test_ok__any_bytes_are_read_or_refused(data):
    for read in (entries, records):
        try:
            read(data)
        except (ListError, RecordError):
            continue


@given(JSON)
def test_ok__any_json_is_read_or_refused(value):
    for text in (json.dumps(value), json.dumps({"entries": value}), as_json(value)):
        for read in (entries, records):
            try:
                read(text)
            except (ListError, RecordError):
                continue


@given(st.lists(st.lists(CELLS, min_size=1, max_size=9), max_size=5))
def test_ok__any_table_is_read_or_refused(rows):
    head = "plate;holder;group;note;from;until;hours;entries\n"
    text = head + "\n".join(";".join(row) for row in rows)
    try:
        found = entries(text.encode("utf-8", "replace"))
    except ListError:
        return
    assert all(2 <= len(entry.plate) <= 12 for entry in found)


@given(st.data())
def test_fail__a_truncated_file_is_refused(data):
    text = as_json(*({"plate": f"A{number}"} for number in range(5)))
    kept = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises(ListError):
        entries(text[:kept])
