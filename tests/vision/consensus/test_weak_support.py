# SPDX-License-Identifier: Apache-2.0
"""Joining readings that doubt an end, or contradict another cut of the same reader."""

import itertools
from dataclasses import replace

import pytest

from plategate.values import CharacterReading, PlateReading, TextAlternative
from plategate.vision.consensus.calibrate import (
    CONFIRMED,
    CUTS,
    DIVIDED,
    UNCALIBRATED,
    Calibration,
    Curve,
)
from plategate.vision.consensus.merge import agree_readings, support


def reading(text: str, confidence: float, reader: str = "tflite") -> PlateReading:
    return PlateReading(tuple(CharacterReading(c, confidence) for c in text), reader)


def joined_confidence(readings: list[PlateReading], calibration: Calibration) -> float:
    joined = agree_readings(readings, calibration=calibration)
    assert joined is not None
    return joined.confidence


def test_ok__a_lighter_readers_doubt_about_the_end_does_not_lower_a_clear_reading() -> None:
    """The small reader leaves an end open on plates that the main one reads at 0.99."""
    weights = Calibration(weights={"small": 0.05})
    longer = (TextAlternative("TR95XMI", 0.3),)
    unsure = replace(reading("TR95XM", 0.7, "small"), alternatives=longer)
    clear = reading("TR95XM", 0.99)
    for readings in itertools.permutations([clear, unsure]):
        assert joined_confidence(list(readings), weights) >= 0.99
    own = replace(unsure, reader="tflite")
    assert joined_confidence([clear, own], UNCALIBRATED) < 0.75


@pytest.mark.parametrize("confirmed", [False, True])
def test_ok__a_reader_with_another_text_on_another_cut_is_weak_support(confirmed: bool) -> None:
    learned = Calibration(agreed={CONFIRMED: Curve(1.0, 2.0), DIVIDED: Curve(0.5, 0.0)})
    cuts = [reading("DS413MH", 0.9), reading("OS413MH", 0.95)]
    seen = [*cuts, reading("OS413MH", 0.9, "tesseract")] if confirmed else cuts
    assert support(seen, "OS413MH") == DIVIDED
    assert joined_confidence(seen, learned) < 0.9


def test_ok__look_alikes_on_two_cuts_are_no_contradiction() -> None:
    cuts = [reading("AB01", 0.9), reading("ABO1", 0.9)]
    assert support(cuts, "AB01") == CUTS
