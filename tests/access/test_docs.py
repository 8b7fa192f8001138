# SPDX-License-Identifier: Apache-2.0
"""Guards docs/owner/lists.md: every list and record file that it shows can be imported."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from plategate.access.files.entries import COLUMNS, read_entries
from plategate.access.files.vehicles import read_records
from plategate.plates.written import PlateTextError, parse_plate

PAGE = Path(__file__).parents[2] / "docs" / "owner" / "lists.md"
BLOCKS = [
    "\n".join(line[4:] for line in block.splitlines())
    for block in re.findall(r"(?:^    .*\n)+", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
]


def shown(start: str) -> str:
    return next(block for block in BLOCKS if block.startswith(start))


@pytest.mark.parametrize("start", ["plate;holder", '{\n  "format"'])
def test_ok__list_files(start):
    file = read_entries(io.BytesIO(shown(start).encode()), "lists.md", ZoneInfo("Europe/Berlin"))
    assert [entry.plate for entry in file.entries] == ["BAB123", "HHXY99"]


def test_ok__record_files():
    (record,) = read_records(io.BytesIO(shown("plate;owner").encode()), "lists.md").records
    assert (record.plate, record.fields) == ("BAB123", (("bay", "17"),))


def test_ok__the_json_schema_has_the_columns_of_the_parser():
    schema = json.loads(shown('{\n  "$schema"'))
    entry = schema["properties"]["entries"]["items"]["properties"]
    assert set(entry) == COLUMNS


def test_ok__the_table_of_refused_plates_is_true():
    page = PAGE.read_text(encoding="utf-8")
    table = page[page.index("| refused | example |") : page.index("The message names the char")]
    rows = [line.split("|")[2] for line in table.splitlines()[2:] if line]
    examples = [example for row in rows for example in re.findall("`([^`]+)`", row)]
    assert len(examples) >= 12
    for example in examples:
        with pytest.raises(PlateTextError):
            parse_plate(example)
    with pytest.raises(PlateTextError) as error:
        parse_plate("B839HAЖR")
    assert f"residents.csv: line 7: plate = 'B839HAЖR': {error.value}\n" in page
