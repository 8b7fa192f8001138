# SPDX-License-Identifier: Apache-2.0
"""Telling plates from other lettering, and the file with its weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from plategate.errors import ModelError
from plategate.values import CharacterReading, PlateReading, PlateRegion
from plategate.vision.consensus.lettering import PlateTest, load_plate_test


def region(confidence: float, localizer: str = "tflite") -> PlateRegion:
    return PlateRegion(((0, 0), (90, 0), (90, 20), (0, 20)), confidence, localizer)


def reading(text: str, confidence: float = 0.99) -> PlateReading:
    return PlateReading(tuple(CharacterReading(char, confidence) for char in text), "tflite")


@pytest.fixture(scope="module")
def shipped() -> PlateTest:
    return load_plate_test()


@pytest.mark.parametrize("text", ["SUZUKI", "POLICE", "TAXI", "02088515551"])
def test_ok__signs_and_badges_that_the_localizer_doubts_are_no_plates(
    shipped: PlateTest, text: str
) -> None:
    assert not shipped.passes(region(0.3), reading(text))


@pytest.mark.parametrize("text", ["AB12CDE", "B97TWD", "KA05MG1909", "7ARE988", "R1", "TONY"])
def test_ok__what_the_localizer_is_sure_of_is_a_plate(shipped: PlateTest, text: str) -> None:
    assert shipped.passes(region(0.9), reading(text))


def test_ok__a_usual_registration_is_a_plate_though_the_localizer_doubts(
    shipped: PlateTest,
) -> None:
    assert shipped.passes(region(0.45), reading("AB12CDE"))


def test_ok__regions_of_another_localizer_are_not_judged(shipped: PlateTest) -> None:
    assert shipped.passes(region(0.01, "contour"), reading("POLICE"))


def test_ok__a_reading_without_text_is_not_judged(shipped: PlateTest) -> None:
    assert shipped.passes(region(0.01), reading(""))


GOOD = """localizer = "tflite"
least = 0.5
offset = 1.0

[weights]
region = 1.0
confidence = 0.0
digits_only = 0.0
one_sided = 0.0
long = 0.0
"""


@pytest.fixture
def models(tmp_path: Path) -> Path:
    (tmp_path / "MANIFEST.toml").touch()
    return tmp_path


def test_ok__the_probability_follows_from_the_weights(models: Path) -> None:
    (models / "lettering.toml").write_text(GOOD)
    found = load_plate_test(models).probability(region(0.5), reading("AB12CDE"))
    assert found == pytest.approx(0.7311, abs=1e-4)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("least = 0.5", "least = 1.5", "least 1.5 is not between 0 and 1"),
        ("offset = 1.0", "offset = nan", "a weight is not a finite number"),
        ("offset = 1.0\n", "", "'offset' is missing or invalid"),
        ("long = 0.0", "long = 'x'", "is missing or invalid"),
        ("long = 0.0", "", "'long' is missing or invalid"),
        ("offset = 1.0", "offset = ", "is damaged"),
    ],
)
def test_fail__a_file_that_cannot_be_used_is_named(
    models: Path, old: str, new: str, named: str
) -> None:
    (models / "lettering.toml").write_text(GOOD.replace(old, new))
    with pytest.raises(ModelError, match=r"lettering\.toml") as caught:
        load_plate_test(models)
    assert named in str(caught.value)


def test_fail__a_missing_file_is_named(models: Path) -> None:
    with pytest.raises(ModelError, match=r"lettering\.toml is missing"):
        load_plate_test(models)
