# SPDX-License-Identifier: Apache-2.0
"""Guards the list check: every kind of problem is found and named."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from plategate.access.matching.list_check import ProblemKind, check_lists, check_plate
from plategate.access.matching.match import EXACT, LIKELY, LOOKALIKE
from plategate.access.matching.misreadings import misreadings, one_confusion_away
from plategate.access.matching.search import known_among
from plategate.access.store.database import open_for_reading, open_for_writing
from plategate.access.store.lists import ListName
from plategate.plates.formats import all_formats
from plategate.values import ListEntry, VehicleRecord

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def problems(settings, fill):
    def found(*allow, block=(), wanted=(), fits=lambda _: True):
        fill(settings.file, ListName.ALLOW, *allow)
        fill(settings.file, ListName.BLOCK, *block)
        fill(settings.file, ListName.WANTED, *wanted)
        store = open_for_reading(settings.file)
        try:
            return [(f.kind, f.list, f.plate) for f in check_lists(store, NOW, fits)]
        finally:
            store.close()

    return found


def test_ok__a_clean_list_has_no_problems(problems):
    assert problems(ListEntry("AB12CDE"), ListEntry("XY34ZZT")) == []


def test_ok__duplicates_and_shadowed_entries(problems):
    once, limited = ListEntry("A1"), ListEntry("B2", hours="mon")
    assert problems(once, once, limited, ListEntry("B2")) == [
        (ProblemKind.DUPLICATE, ListName.ALLOW, "A1"),
        (ProblemKind.SHADOWED, ListName.ALLOW, "B2"),
    ]
    assert problems(ListEntry("B2", hours="mon"), ListEntry("B2", hours="tue")) == []
    assert problems(ListEntry("B2", holder="Anna"), ListEntry("B2", holder="Ben")) == [
        (ProblemKind.DUPLICATE, ListName.ALLOW, "B2")
    ]
    assert problems(ListEntry("A1"), block=[ListEntry("A1")]) == [
        (ProblemKind.SHADOWED, ListName.ALLOW, "A1")
    ]


def test_ok__expired_entries_and_no_format(problems):
    old = ListEntry("A1", valid_until=NOW - timedelta(days=1))
    assert problems(old, ListEntry("ZZ"), fits=lambda text: text != "ZZ") == [
        (ProblemKind.EXPIRED, ListName.ALLOW, "A1"),
        (ProblemKind.NO_FORMAT, ListName.ALLOW, "ZZ"),
    ]


def test_ok__look_alikes_on_the_list_and_of_wanted_plates(problems):
    assert problems(ListEntry("AB12"), ListEntry("A812")) == [
        (ProblemKind.TWIN, ListName.ALLOW, "A812")
    ]
    assert problems(ListEntry("AM12"), ListEntry("AN12")) == [
        (ProblemKind.TWIN, ListName.ALLOW, "AM12")
    ]
    assert problems(ListEntry("AB12"), wanted=[ListEntry("A812")]) == [
        (ProblemKind.NEAR_WANTED, ListName.ALLOW, "AB12")
    ]


@pytest.mark.parametrize("plate", ["AB12", "A812", "AM12", "AN12", "ZZ", "A1", "XY34ZZT", "B9"])
def test_ok__a_plate_has_the_same_problems_before_and_after_it_is_listed(settings, fill, plate):
    def fits(text):
        return text != "ZZ"

    others = [ListEntry("A812"), ListEntry("AN12")]
    fill(settings.file, ListName.BLOCK, ListEntry("A1"))
    fill(settings.file, ListName.WANTED, ListEntry("89"))
    before, after = set(), set()
    for kinds, listed in ((before, others), (after, [*others, ListEntry(plate)])):
        fill(settings.file, ListName.ALLOW, *{entry.plate: entry for entry in listed}.values())
        with closing(open_for_reading(settings.file)) as store:
            if kinds is before:
                kinds.update(
                    found.kind for found in check_plate(store, ListName.ALLOW, plate, fits)
                )
                continue
            for found in check_lists(store, NOW, fits):
                if plate in (found.plate, *found.sentence.split()):
                    kinds.add(found.kind)
    assert before == after


def test_ok__misreadings_of_a_plate(settings, fill):
    fill(settings.file, ListName.ALLOW, ListEntry("AB12"), records=[VehicleRecord("A812")])
    store = open_for_reading(settings.file)

    def accepted(level):
        known = misreadings("AB12", level, lambda t: known_among(store, t, "AB12"), lambda _: True)
        return {found.text: found for found in known}

    assert accepted(EXACT) == {}
    assert "A812" not in accepted(LOOKALIKE)  # somebody has it
    assert accepted(LOOKALIKE)["ABI2"].if_in_doubt
    assert not accepted(LOOKALIKE)["ABI2"].if_sure
    assert set(accepted(LIKELY)) > set(accepted(LOOKALIKE))
    store.close()


def test_ok__one_confusion_changes_one_character():
    for text in one_confusion_away("AB12CDE"):
        assert sum(a != b for a, b in zip(text, "AB12CDE", strict=True)) == 1


def test_ok__plates_that_older_versions_let_in(problems):
    formats = all_formats()
    found = problems(
        *(ListEntry(p) for p in ("120E06", "BAB1BAB2", "AB12UNDCD34")), fits=formats.fits
    )
    assert set(found) == {
        (ProblemKind.SPREADSHEET, ListName.ALLOW, "120E06"),
        (ProblemKind.TWO_PLATES, ListName.ALLOW, "BAB1BAB2"),
        (ProblemKind.TWO_PLATES, ListName.ALLOW, "AB12UNDCD34"),
    }
    assert problems(ListEntry("B839HAЖR"), ListEntry("AB12", note="a\x1b[2J")) == [
        (ProblemKind.NOT_A_PLATE, ListName.ALLOW, "B839HAЖR"),
        (ProblemKind.UNSAFE_TEXT, ListName.ALLOW, "AB12"),
    ]


def test_ok__a_list_of_an_older_version_has_to_be_imported_again(settings, fill, problems):
    assert problems(ListEntry("AB12")) == []
    store = open_for_writing(settings.file)
    store.execute("DELETE FROM checked")
    unchecked = [(p.kind, p.list, p.plate) for p in check_lists(store, NOW, lambda _: True)]
    assert unchecked == [(ProblemKind.UNCHECKED, name, "") for name in ListName]
    store.execute("DROP TABLE checked")
    assert len(list(check_lists(store, NOW, lambda _: True))) == 3
    store.close()
    assert problems(ListEntry("AB12")) == []
