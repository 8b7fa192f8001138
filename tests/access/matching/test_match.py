# SPDX-License-Identifier: Apache-2.0
"""Guards matching: a reading counts as a listed plate only with a margin over all alternatives."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plategate.access.matching.candidates import KEY_CHARACTERS, likely_texts, near_keys, wide_keys
from plategate.access.matching.likelihood import IMPOSSIBLE, ReadingLikelihood
from plategate.access.matching.match import (
    LEVELS,
    LIKELY,
    LOOKALIKE,
    Explanations,
    MatchResult,
    weigh,
)
from plategate.plates.confusions import installed_confusions
from plategate.plates.text import ALPHABET, lookalike_key
from plategate.values import CharacterReading, PlateReading, TextAlternative

PLATES = st.text(ALPHABET, min_size=1, max_size=9)


def read(text: str, sure: float = 0.98, **doubts: tuple[float, str, float]) -> PlateReading:
    """A reading; p3=(0.6, "B", 0.35): character 3 has confidence 0.6 and the alternative B."""
    characters = []
    for place, char in enumerate(text):
        confidence, other, share = doubts.get(f"p{place}", (sure, "", 0.0))
        characters.append(CharacterReading(char, confidence, ((other, share),) if other else ()))
    return PlateReading(tuple(characters), "test")


def score(reading: PlateReading, plate: str) -> float:
    return ReadingLikelihood(reading, installed_confusions()).of(plate)


def outcome(reading, listed, *, known=(), level=LIKELY, fits=lambda _: True):
    found = Explanations(listed, known, likely_texts(reading))
    likelihood = ReadingLikelihood(reading, installed_confusions())
    match = weigh(likelihood, found, level, fits)
    return match.result, match.plate


def test_ok__the_read_text_is_the_likeliest_plate():
    reading = read("AB12CDE")
    best = score(reading, "AB12CDE")
    assert best > score(reading, "A812CDE") > score(reading, "AX12CDE")
    assert best > score(reading, "AB12CD") > IMPOSSIBLE
    assert best > score(reading, "AB12CDEF") > IMPOSSIBLE
    assert score(reading, "AB12") == IMPOSSIBLE


def test_ok__the_text_of_a_contradicted_reading_is_as_likely_as_its_confidence():
    """Contradiction limits all characters, and the other reading is stated as a whole text."""
    characters = tuple(CharacterReading(char, 0.35) for char in "CG10AD0712")
    contradicted = PlateReading(characters, "test", (TextAlternative("10AD0712", 0.9),))
    assert score(contradicted, "CG10AD0712") >= math.log(0.35)
    assert outcome(contradicted, ["CG10AD0712"]) == (MatchResult.MATCHED, "CG10AD0712")


def test_ok__character_alternatives_count():
    doubtful = read("AB12CDE", p1=(0.55, "8", 0.44))
    assert score(doubtful, "A812CDE") > math.log(0.3)
    assert score(read("AB12CDE"), "A812CDE") < math.log(0.01)


def test_ok__text_alternatives_count():
    reading = PlateReading(read("AB12CDE").characters, "test", (TextAlternative("XYZ99", 0.2),))
    assert score(reading, "XYZ99") == pytest.approx(math.log(0.2))


def test_ok__an_uncertain_character_may_match_the_listed_one():
    reading = read("AB12CDE", p1=(0.55, "8", 0.44))
    assert outcome(reading, ["A812CDE"], level=LOOKALIKE) == (MatchResult.MATCHED, "A812CDE")
    assert outcome(reading, ["A812CDE"]) == (MatchResult.MATCHED, "A812CDE")


def test_fail__a_confident_reading_of_an_unlisted_plate_matches_nothing():
    assert outcome(read("AB12CDE"), ["A812CDE"], level=LOOKALIKE)[0] is not MatchResult.MATCHED
    assert outcome(read("AB12CDE"), ["A812CDE"])[0] is not MatchResult.MATCHED
    assert outcome(read("AB12CDE"), ["AB12CDX"])[0] is not MatchResult.MATCHED


@pytest.mark.parametrize(("text", "twin"), [("EO55RXG", "E055RXG"), ("NI2CYA", "N12CYA")])
def test_ok__confidence_does_not_decide_between_twins(text, twin):
    """O and 0, I and 1 are drawn alike: formats and list decide between them."""
    for read_as, listed in ((text, twin), (twin, text)):
        reading = read(read_as, 0.999)
        assert score(reading, listed) > math.log(0.02)
        assert outcome(reading, [listed])[0] is MatchResult.UNSURE
        assert outcome(reading, [listed], level=LOOKALIKE)[0] is MatchResult.UNSURE
        assert outcome(reading, [listed], fits=lambda t, one=listed: t == one) == (
            MatchResult.MATCHED,
            listed,
        )


def test_ok__a_text_without_plate_format_weighs_less():
    reading = read("A812CDE", 0.95, p1=(0.98, "B", 0.01))
    assert outcome(reading, ["AB12CDE"], fits=lambda t: t[1].isalpha())[0] is MatchResult.MATCHED
    assert outcome(reading, ["AB12CDE"])[0] is not MatchResult.MATCHED


def test_fail__two_matching_listed_plates_are_ambiguous():
    reading = read("AB12CDE", p1=(0.5, "8", 0.25), p6=(0.5, "F", 0.25))
    assert outcome(reading, ["A812CDE", "AB12CDF"])[0] is MatchResult.AMBIGUOUS


def test_fail__a_known_plate_never_counts_as_another():
    reading = read("AB12CDE", p1=(0.55, "8", 0.44))
    assert outcome(reading, ["A812CDE"], known=["AB12CDE"])[0] is MatchResult.NONE


def test_fail__another_known_plate_that_matches_is_ambiguous():
    reading = read("AB12CDE", p1=(0.4, "8", 0.3), p6=(0.5, "F", 0.45))
    assert outcome(reading, ["A812CDE"], known=["AB12CDF"])[0] is MatchResult.AMBIGUOUS


def test_fail__the_lookalike_level_accepts_only_look_alikes():
    reading = read("AB12CDE", p6=(0.5, "X", 0.49))
    assert outcome(reading, ["AB12CDX"], level=LOOKALIKE)[0] is MatchResult.NONE
    assert outcome(reading, ["AB12CDX"])[0] is MatchResult.MATCHED


def test_ok__a_missing_last_character_matches():
    reading = read("AB12CD", 0.9)
    assert outcome(reading, ["AB12CDE"], fits=lambda t: len(t) == 7)[0] is MatchResult.MATCHED
    assert outcome(reading, ["AB12CDE"])[0] is not MatchResult.MATCHED


@given(PLATES, PLATES)
def test_ok__a_plate_one_character_away_is_always_looked_up(first, second):
    differ = sum(a != b for a, b in zip(first, second, strict=False)) + abs(
        len(first) - len(second)
    )
    if differ <= 1:
        assert lookalike_key(second) in wide_keys(read(first))


@given(PLATES)
def test_ok__keys_are_bounded(plate):
    reading = read(plate, 0.4)
    assert len(near_keys(reading)) <= 24
    assert len(wide_keys(reading)) <= 24 + (2 * len(plate) + 1) * len(KEY_CHARACTERS) + len(plate)


@given(PLATES, st.floats(0, 1, allow_subnormal=False), st.sampled_from(sorted(LEVELS)))
def test_fail__a_plate_that_is_not_listed_is_never_matched(plate, sure, level):
    found = outcome(read(plate, sure), [], level=LEVELS[level])
    assert found == (MatchResult.NONE, None)


def test_ok__probabilities_of_a_character_sum_to_at_most_one():
    reading = read("A", 0.7, p0=(0.7, "H", 0.6))  # more than 1 in all: brought down
    total = sum(math.exp(score(reading, char)) for char in ALPHABET)
    assert total == pytest.approx(1.0)
