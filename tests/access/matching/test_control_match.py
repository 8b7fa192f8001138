# SPDX-License-Identifier: Apache-2.0
"""Guards look-alike matches: they open only if the settings allow it, and alarm if wanted."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from plategate.access.control import open_access
from plategate.access.store.lists import ListName
from plategate.plates.text import ALPHABET
from plategate.values import (
    CharacterReading,
    ListEntry,
    PlateReading,
    Reason,
    Result,
    VehicleRecord,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def judge(settings):
    opened = []

    def verdict(reading, strictness="lookalike", fits=None):
        changed = settings.model_copy(update={"strictness": strictness})
        opened.append(open_access(changed, fits))
        return opened[-1].judge(reading, NOW, True)

    yield verdict
    for control in opened:
        control.close()


def doubtful(text: str, place: int, other: str) -> PlateReading:
    """A confident reading in which one character has an almost equally likely alternative."""
    characters = [CharacterReading(char, 0.98) for char in text]
    characters[place] = CharacterReading(text[place], 0.52, ((other, 0.46),))
    return PlateReading(tuple(characters), "test")


def test_ok__a_lookalike_opens_if_the_strictness_allows_it(settings, fill, judge):
    fill(settings.file, ListName.ALLOW, ListEntry("A812CDE", holder="Anna"))
    reading = doubtful("AB12CDE", 1, "8")
    assert judge(reading, "exact").result is not Result.GRANTED
    verdict = judge(reading, "lookalike")
    assert (verdict.result, verdict.reason) == (Result.GRANTED, Reason.ALLOWED_LOOKALIKE)
    assert (verdict.plate, verdict.entry.holder) == ("A812CDE", "Anna")


def test_fail__a_confident_reading_of_an_unknown_plate_does_not_open(
    settings, fill, judge, reading
):
    fill(settings.file, ListName.ALLOW, ListEntry("A812CDE"))
    for strictness in ("exact", "lookalike", "likely"):
        verdict = judge(reading("AB12CDE", 0.98), strictness)
        assert (verdict.result, verdict.reason) == (Result.REFUSED, Reason.NOT_LISTED)


def test_fail__a_reading_that_equals_a_recorded_plate_does_not_open(settings, fill, judge):
    fill(
        settings.file,
        ListName.ALLOW,
        ListEntry("A812CDE"),
        records=[VehicleRecord("AB12CDE", owner="a neighbour")],
    )
    verdict = judge(doubtful("AB12CDE", 1, "8"))
    assert verdict.result is not Result.GRANTED
    assert verdict.record.owner == "a neighbour"


def test_fail__two_matching_listed_plates_are_ambiguous(settings, fill, judge):
    fill(settings.file, ListName.ALLOW, ListEntry("A812C0E"), ListEntry("A812CDE"))
    characters = [CharacterReading(char, 0.98) for char in "A812CQE"]
    characters[5] = CharacterReading("Q", 0.5, (("D", 0.27), ("0", 0.2)))
    verdict = judge(PlateReading(tuple(characters), "test"))
    assert (verdict.result, verdict.reason) == (Result.UNSURE, Reason.AMBIGUOUS)


def test_ok__a_possible_wanted_plate_alarms_and_never_opens(settings, fill, judge, reading):
    fill(settings.file, ListName.ALLOW, ListEntry("X1"))
    fill(settings.file, ListName.WANTED, ListEntry("A812CDE", note="stolen"))
    verdict = judge(reading("AB12CDE"))
    assert (verdict.result, verdict.reason) == (Result.REFUSED, Reason.WANTED_POSSIBLE)
    assert (verdict.alarm, verdict.entry.note) == ("possible", "stolen")


def test_ok__an_exact_match_that_looks_like_a_wanted_plate_opens_with_alarm(
    settings, fill, judge, reading
):
    fill(settings.file, ListName.ALLOW, ListEntry("AB12CDE"))
    fill(settings.file, ListName.WANTED, ListEntry("A812CDE"))
    verdict = judge(reading("AB12CDE"))
    assert (verdict.result, verdict.alarm) == (Result.GRANTED, "possible")


def test_fail__a_lookalike_match_that_may_be_wanted_is_unsure(settings, fill, judge):
    fill(settings.file, ListName.ALLOW, ListEntry("A812CDE"))
    fill(settings.file, ListName.WANTED, ListEntry("AB12C0E"))
    verdict = judge(doubtful("AB12CDE", 1, "8"))
    assert verdict.result is Result.UNSURE
    assert (verdict.reason, verdict.alarm) == (Reason.WANTED_POSSIBLE, "possible")


def test_ok__a_dissimilar_misread_opens_only_at_the_level_likely(settings, fill, judge):
    fill(settings.file, ListName.ALLOW, ListEntry("AB12CDX"))
    reading = doubtful("AB12CDE", 6, "X")
    assert judge(reading, "lookalike").result is not Result.GRANTED
    assert judge(reading, "likely").result is Result.GRANTED


PLATES = st.text(ALPHABET, min_size=2, max_size=8)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(listed=st.sets(PLATES, max_size=5), read=PLATES, sure=st.floats(0, 1, allow_subnormal=False))
def test_fail__exact_never_grants_what_is_not_on_the_list(
    settings, fill, judge, reading, listed, read, sure
):
    fill(settings.file, ListName.ALLOW, *(ListEntry(plate) for plate in listed))
    verdict = judge(reading(read, sure), "exact")
    if read not in listed:
        assert verdict.result is not Result.GRANTED
    elif sure >= settings.min_confidence:
        assert verdict.result is Result.GRANTED


@pytest.mark.parametrize("name", [ListName.BLOCK, ListName.WANTED])
def test_fail__a_lookalike_of_a_forbidden_plate_is_refused(settings, fill, judge, name):
    """Block and wanted outrank allow also for the plate that a misreading matches."""
    fill(settings.file, ListName.ALLOW, ListEntry("A812CDE"))
    fill(settings.file, name, ListEntry("A812CDE"))
    for strictness in ("lookalike", "likely"):
        assert judge(doubtful("AB12CDE", 1, "8"), strictness).result is not Result.GRANTED
