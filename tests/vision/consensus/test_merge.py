# SPDX-License-Identifier: Apache-2.0
"""Joining readings: agreement never lowers, disagreement never raises confidence."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plategate.plates.text import ALPHABET
from plategate.values import CharacterReading, PlateReading, TextAlternative
from plategate.vision.consensus.calibrate import (
    CONFIRMED,
    CONTESTED,
    CUTS,
    UNCALIBRATED,
    UNCONFIRMED,
    Calibration,
    Curve,
)
from plategate.vision.consensus.columns import MOST_SURE
from plategate.vision.consensus.merge import agree_burst, agree_readings, support

quick = settings(max_examples=60, deadline=None)

TINY = 1e-9


def reading(text: str, confidence: float = 0.95, reader: str = "tflite") -> PlateReading:
    return PlateReading(tuple(CharacterReading(c, confidence) for c in text), reader)


def join(*readings: PlateReading) -> PlateReading:
    joined = agree_readings(readings, calibration=UNCALIBRATED)
    assert joined is not None
    return joined


@st.composite
def characters(draw: st.DrawFn) -> CharacterReading:
    char = draw(st.sampled_from(ALPHABET))
    confidence = draw(st.floats(0.3, 1.0))
    other = draw(st.sampled_from(ALPHABET.replace(char, "")))
    open_share = draw(st.floats(0.0, 1.0, allow_subnormal=False))
    share = open_share * min(1.0 - confidence, 0.9 * confidence)
    return CharacterReading(char, confidence, ((other, share),))


readings_of_any = st.builds(
    PlateReading,
    st.lists(characters(), min_size=1, max_size=9).map(tuple),
    st.sampled_from(["tflite", "tesseract"]),
)


def test_ok__no_readings_join_to_none() -> None:
    assert agree_readings([]) is None
    assert agree_burst([PlateReading((), "tflite")]) is None


def overlooked(more: float) -> PlateReading:
    """A reading with doubt whether another I follows."""
    sure = [CharacterReading(c, 0.99) for c in "TR95X"]
    return PlateReading(
        (*sure, CharacterReading("M", 1 - more)), "tflite", (TextAlternative("TR95XMI", more),)
    )


def test_fail__a_reader_that_misses_the_end_does_not_remove_doubt_about_it() -> None:
    short = reading("TR95XM", 0.97, "tesseract")
    assert join(overlooked(0.6), short).confidence < 0.9
    assert join(overlooked(0.001), short).confidence >= 0.97


def test_ok__the_longer_text_wins_if_the_second_cut_has_it() -> None:
    joined = join(overlooked(0.6), reading("TR95XM", 0.97, "tesseract"), reading("TR95XMI", 0.95))
    assert joined.text == "TR95XMI"


def test_ok__readings_of_one_still_are_limited_by_the_greatest_doubt_about_the_end() -> None:
    """All readers of a still may miss the same bar; another still may show it."""
    sure, doubting = overlooked(0.01), overlooked(0.3)
    other = reading("TR95XM", 0.97, "tesseract")
    for readings in itertools.permutations([sure, doubting, other]):
        joined = join(*readings)
        assert joined.text == "TR95XM"
        assert joined.confidence == pytest.approx(0.7, abs=0.01)
        # The longer text is an alternative, so that it can be matched with a list as well.
        assert joined.alternatives[0] == TextAlternative("TR95XMI", 0.3)
    assert join(sure, overlooked(0.05), other).confidence > 0.97
    burst = agree_burst([join(sure, doubting, other), sure, sure])
    assert burst is not None
    assert burst.confidence > 0.9


def test_ok__a_dissenting_text_is_kept_as_an_alternative() -> None:
    half = Calibration(weights={"tesseract": 0.5})
    seen = [reading("LGB5958", 0.9), reading("LEB5958", 0.6, "tesseract")]
    for readings in itertools.permutations(seen):
        joined = agree_readings(readings, calibration=half)
        assert joined is not None
        assert joined.text == "LGB5958"
        told = {one.text: one.confidence for one in joined.alternatives}
        assert told["LEB5958"] == pytest.approx(0.3)


def test_ok__doubt_about_the_end_keeps_the_text_of_a_single_reading() -> None:
    assert join(overlooked(0.3)).text == "TR95XM"


@quick
@given(readings_of_any)
def test_ok__a_single_reading_is_unchanged(one: PlateReading) -> None:
    joined = join(one)
    assert joined.text == one.text
    assert joined.reader == one.reader
    assert joined.confidence == pytest.approx(min(one.confidence, MOST_SURE), abs=1e-6)


@quick
@given(readings_of_any, st.integers(2, 5))
def test_ok__agreement_of_identical_readings_never_lowers(one: PlateReading, times: int) -> None:
    joined = join(*[one] * times)
    assert joined.text == one.text
    for before, after in zip(one.characters, joined.characters, strict=True):
        assert after.confidence >= min(before.confidence, MOST_SURE) - TINY


@quick
@given(st.lists(readings_of_any, min_size=2, max_size=4))
def test_ok__disagreement_never_raises_above_the_best(found: list[PlateReading]) -> None:
    joined = join(*found)
    if any(one.text != joined.text for one in found):
        assert joined.confidence <= max(one.confidence for one in found) + TINY


@quick
@given(st.lists(readings_of_any, min_size=1, max_size=4))
def test_ok__every_character_was_seen_by_a_reader(found: list[PlateReading]) -> None:
    seen = {c.char for one in found for c in one.characters}
    seen |= {char for one in found for c in one.characters for char, _ in c.alternatives}
    joined = join(*found)
    assert set(joined.text) <= seen
    assert joined.text
    assert len(joined.text) <= sum(len(one.text) for one in found)


@quick
@given(st.lists(readings_of_any, min_size=2, max_size=3))
def test_ok__order_of_readings_does_not_matter(found: list[PlateReading]) -> None:
    results = {repr(join(*order)) for order in itertools.permutations(found)}
    assert len(results) == 1


def test_ok__equal_texts_with_different_alternatives_join_alike_in_any_order() -> None:
    doubts = ((("B", 0.3),), (("H", 0.3),))
    first, second = (
        PlateReading((CharacterReading("A", 0.6), CharacterReading("8", 0.6, other)), "one")
        for other in doubts
    )
    assert repr(join(first, second)) == repr(join(second, first))


@quick
@given(st.lists(readings_of_any, min_size=1, max_size=4))
def test_ok__shares_are_probabilities(found: list[PlateReading]) -> None:
    joined = join(*found)
    for c in joined.characters:
        assert 0.0 <= c.confidence <= 1.0
        assert c.char not in dict(c.alternatives)
        assert c.confidence + sum(share for _, share in c.alternatives) <= 1.0 + 1e-6
    shares = [a.confidence for a in joined.alternatives]
    assert shares == sorted(shares, reverse=True)
    assert joined.text not in {a.text for a in joined.alternatives}


def test_ok__a_truncated_reading_is_completed_by_the_other() -> None:
    joined = join(reading("AB12CD", 0.99), reading("B12CDE", 0.99, "tesseract"))
    assert joined.text == "AB12CDE"
    assert joined.confidence < 0.99


def test_ok__a_missing_character_lowers_confidence() -> None:
    whole, cut = reading("AB12CDE", 0.99), reading("AB12CD", 0.99, "tesseract")
    joined = join(whole, cut)
    assert joined.text == "AB12CDE"
    assert joined.confidence < 0.985
    assert "AB12CD" in {a.text for a in joined.alternatives}


def test_ok__a_contradiction_is_not_averaged_away() -> None:
    joined = join(reading("AB12CDE", 0.99), reading("AB12CDF", 0.99, "tesseract"))
    assert joined.reader == "agreed"
    assert joined.text in {"AB12CDE", "AB12CDF"}
    assert joined.confidence < 0.6
    assert joined.characters[0].confidence >= 0.99
    other = {"AB12CDE", "AB12CDF"} - {joined.text}
    assert other <= {a.text for a in joined.alternatives}


def test_ok__the_character_possible_in_both_wins() -> None:
    unsure = PlateReading((CharacterReading("8", 0.55, (("B", 0.44),)),), "tflite")
    other = PlateReading((CharacterReading("B", 0.70, (("E", 0.29),)),), "tesseract")
    joined = join(unsure, other)
    assert joined.text == "B"
    assert joined.confidence <= 0.70


def test_ok__another_plate_is_not_mixed_in() -> None:
    joined = join(reading("AB12CDE", 0.9), reading("AB12CDE", 0.8), reading("WXK 9".strip(), 0.7))
    assert joined.text == "AB12CDE"
    assert joined.confidence < 0.9


def test_ok__noise_from_a_weak_reader_weighs_little() -> None:
    joined = join(reading("AB12CDE", 0.99), reading("I7", 0.05, "tesseract"))
    assert joined.text == "AB12CDE"
    assert joined.confidence == pytest.approx(0.99, abs=0.005)


def test_ok__stills_of_a_burst_outvote_a_bad_one() -> None:
    good, bad = reading("AB12CDE", 0.9, "agreed"), reading("AB12GDE", 0.8, "agreed")
    joined = agree_burst([bad, good, good])
    assert joined is not None
    assert joined.text == "AB12CDE"
    assert joined.confidence <= 0.9


def test_ok__readers_count_by_their_weight() -> None:
    trusted, other = reading("B", 0.9, "tflite"), reading("8", 0.9, "tesseract")
    for weights, expected in (({"tesseract": 0.3}, "B"), ({"tflite": 0.3}, "8")):
        joined = agree_readings([trusted, other], calibration=Calibration(weights=weights))
        assert joined is not None
        assert joined.text == expected


def test_ok__confidences_are_calibrated_before_they_are_joined() -> None:
    boastful = Calibration(curves={"tesseract": Curve(0.2, 0.0)})
    joined = agree_readings(
        [reading("B", 0.8, "tflite"), reading("8", 0.99, "tesseract")], calibration=boastful
    )
    assert joined is not None
    assert joined.text == "B"


def test_ok__the_same_text_from_another_reader_weighs_more_than_a_second_cut() -> None:
    learned = Calibration(agreed={CONFIRMED: Curve(1.0, 2.0), CONTESTED: Curve(1.0, -2.0)})
    first, same, other = reading("AB1", 0.8), reading("AB1", 0.8, "t"), reading("AB7", 0.6, "t")
    confirmed = agree_readings([first, same], calibration=learned)
    contested = agree_readings([first, other], calibration=learned)
    assert confirmed is not None
    assert contested is not None
    assert confirmed.confidence > 0.97
    assert contested.confidence < 0.6
    assert support([first, first], "AB1") == CUTS
    assert support([first, same], "AB1") == CONFIRMED
    assert support([first, other], "AB1") == CONTESTED


@pytest.mark.parametrize("other", ["AB", "A71", "XYZ", "AB12", ""])
def test_ok__another_reader_contests_a_text_only_with_one_different_character(
    other: str,
) -> None:
    first, second = reading("AB1", 0.8), reading(other, 0.6, "t")
    expected = CONTESTED if other == "A71" else UNCONFIRMED
    assert support([first, second], "AB1") == expected


def test_ok__look_alikes_are_folded_before_texts_contest_each_other() -> None:
    first, second = reading("ABO1", 0.8), reading("A80I", 0.6, "t")
    assert support([first, second], "ABO1") == CONTESTED


def test_ok__evidence_decides_between_look_alikes_but_does_not_overrule_the_picture() -> None:
    doubtful = PlateReading((CharacterReading("O", 0.6, (("0", 0.39),)),), "tflite")

    def digits(text: str) -> float:
        return 1.5 if text.isdigit() else 0.0

    joined = agree_readings([doubtful], digits, UNCALIBRATED)
    assert joined is not None
    assert joined.text == "0"
    sure = agree_readings([reading("O", 0.99)], digits, UNCALIBRATED)
    assert sure is not None
    assert sure.text == "O"


def test_ok__equal_evidence_changes_nothing() -> None:
    one = PlateReading((CharacterReading("O", 0.6, (("0", 0.39),)),), "tflite")
    for same in (-2.0, 0.0, 2.0):
        assert agree_readings([one], lambda _, same=same: same, UNCALIBRATED) == join(one)
