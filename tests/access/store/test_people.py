# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF001
"""Guards the search for owners: names are found without accents, strokes and exact spelling."""

from __future__ import annotations

from contextlib import closing

import pytest

from plategate.access.store.database import open_for_writing
from plategate.access.store.people import plain_words
from plategate.access.store.vehicles import record_of_plate, records_of_person, replace_records
from plategate.values import VehicleRecord

OWNERS = (
    "Łukasz Żak",
    "Søren Østergård",
    "Eva Groß",
    "Đorđe Ćirić",
    "Þór Æsir",
    "Jörg Müller-Lüdenscheidt",
    "Seán O'Brien",
    "Işık Yılmaz",
    "Вера Иванова",
)


@pytest.fixture
def find(tmp_path):
    with closing(open_for_writing(tmp_path / "lists.sqlite")) as store:
        records = (VehicleRecord(f"A{number}", owner) for number, owner in enumerate(OWNERS))
        assert replace_records(store, records) == len(OWNERS)
        yield lambda name: [record.owner for record in records_of_person(store, name)]


@pytest.mark.parametrize(
    ("asked", "owner"),
    [
        ("lukasz zak", "Łukasz Żak"),
        ("ŁUKASZ", "Łukasz Żak"),
        ("lucasz", "Łukasz Żak"),
        ("soren", "Søren Østergård"),
        ("soeren ostergard", "Søren Østergård"),
        ("gross", "Eva Groß"),
        ("Groß", "Eva Groß"),
        ("GROSS", "Eva Groß"),
        ("dorde ciric", "Đorđe Ćirić"),
        ("thor aesir", "Þór Æsir"),
        ("muller ludenscheidt", "Jörg Müller-Lüdenscheidt"),
        ("mueller joerg", "Jörg Müller-Lüdenscheidt"),
        ("sean o'brien", "Seán O'Brien"),
        ("isik yilmaz", "Işık Yılmaz"),
        ("вера", "Вера Иванова"),
    ],
)
def test_ok__finds_owners_without_accents_and_strokes(find, asked: str, owner: str) -> None:
    assert find(asked) == [owner]


@pytest.mark.parametrize("asked", ["gros gross", "anna", "", "---"])
def test_ok__every_word_must_match(find, asked: str) -> None:
    assert find(asked) == ([OWNERS[2]] if asked.startswith("gros") else [])


def test_ok__the_plain_form_has_no_marks() -> None:
    assert plain_words("Ľudovít ŠTÚR-Æð, Ǿ") == "ludovit stur aed o"


def test_ok__records_of_an_older_version_can_be_read(tmp_path) -> None:
    with closing(open_for_writing(tmp_path / "lists.sqlite")) as store:
        replace_records(store, [VehicleRecord("A1", "Anna", colour="blue")])
        store.execute("DROP TABLE people")
        store.execute("ALTER TABLE vehicles DROP COLUMN words")
        found = record_of_plate(store, "A1")
        assert found == VehicleRecord("A1", "Anna", colour="blue")
