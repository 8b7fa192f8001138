# SPDX-License-Identifier: Apache-2.0
"""Fitting the calibration: plates by day and under harder conditions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from plategate.values import CharacterReading, PlateReading
from plategate.vision.consensus.calibrate import CONTESTED, CUTS, Curve


@pytest.fixture
def fit(training_part: Callable[[str], ModuleType]) -> ModuleType:
    return training_part("calibration.fit")


def reading(text: str, sure: float, reader: str) -> PlateReading:
    return PlateReading(tuple(CharacterReading(char, sure) for char in text), reader)


def contested(fit: ModuleType, number: int, right: bool) -> Any:
    """A plate on which the readers differ in one character, and the second cut is doubtful."""
    text = f"AB{number:03}CD"
    seen = text if right else f"AB{number:03}CE"
    readings = {
        "tflite normal": reading(seen, 0.85, "tflite"),
        "tflite again": reading(seen, 0.6, "tflite"),
        "tesseract normal": reading(f"AB{number:03}CX", 0.6, "tesseract"),
    }
    return fit.Plate(text, f"{number}.jpg", "set", readings)


def by_day(fit: ModuleType) -> list[Any]:
    """Plates that the first reader reads confidently on both cuts."""
    plates = []
    for number in range(40):
        text = f"KL{number:03}MN"
        cuts = {f"tflite {cut}": reading(text, 0.85, "tflite") for cut in ("normal", "again")}
        plates.append(fit.Plate(text, f"day-{number}.jpg", "set", cuts))
    return plates


def test_ok__too_few_contested_readings_leave_the_identity_curve(fit: ModuleType) -> None:
    few = [contested(fit, number, right=False) for number in range(fit.ENOUGH_PLATES - 1)]
    assert fit.fit(by_day(fit) + few, 0.5).agreed[CONTESTED] == Curve()


def unconfirmed(fit: ModuleType, number: int, right: bool) -> Any:
    """The same, but the other reader reads something quite different."""
    plate = contested(fit, number, right)
    noise = reading("99", 0.6, "tesseract")
    return replace(plate, readings={**plate.readings, "tesseract normal": noise})


def test_ok__too_few_contested_readings_get_the_curve_of_other_weak_support(
    fit: ModuleType,
) -> None:
    few = [contested(fit, number, right=True) for number in range(3)]
    weak = [unconfirmed(fit, 100 + number, right=number % 4 == 0) for number in range(40)]
    agreed = fit.fit(by_day(fit) + few, 0.5, weak).agreed
    assert agreed[CONTESTED](0.75) < 0.6


def test_ok__support_that_is_rare_by_day_is_fitted_on_harder_conditions(fit: ModuleType) -> None:
    few = [contested(fit, number, right=True) for number in range(3)]
    harder = [contested(fit, 100 + number, right=number % 4 == 0) for number in range(40)]
    curve = fit.fit(by_day(fit) + few, 0.5, harder).agreed[CONTESTED]
    assert curve(0.75) < 0.5


def test_ok__joined_readings_are_calibrated_on_the_conditions_too(fit: ModuleType) -> None:
    many = [contested(fit, number, right=True) for number in range(fit.ENOUGH_PLATES)]
    harder = [contested(fit, 100 + number, right=False) for number in range(40)]
    by_day_alone = fit.fit(by_day(fit) + many, 0.5)
    assert by_day_alone.agreed[CONTESTED](0.75) > 0.7
    assert fit.fit(by_day(fit) + many, 0.5, harder).agreed[CONTESTED](0.75) < 0.5
    assert by_day_alone.agreed[CUTS] != Curve()


def test_ok__a_plate_is_evaluated_without_pictures_of_its_own_car(fit: ModuleType) -> None:
    plates = [*by_day(fit), contested(fit, 7, right=True)]
    same_car = [contested(fit, 7, right=False)] * 40
    assert fit.crossed(plates, 0.5, same_car)[0] == fit.crossed(plates, 0.5)[0]


def test_ok__harder_readings_of_other_cars_count_in_cross_validation(fit: ModuleType) -> None:
    plates = [*by_day(fit), contested(fit, 7, right=True)]
    harder = [contested(fit, 100 + number, right=False) for number in range(40)]
    alone, taught = (fit.crossed(plates, 0.5, more)[0] for more in ((), harder))
    lowest = [min(one.confidence for one in results) for results in (alone, taught)]
    assert lowest[1] < 0.8 * lowest[0]
