# SPDX-License-Identifier: Apache-2.0
"""The pipeline keeps lettering apart from plates, in one still and in a burst."""

from __future__ import annotations

import numpy as np
import pytest

from plategate.values import CharacterReading, Image, PlateImage, PlateReading, PlateRegion, Still
from plategate.vision.consensus.lettering import PlateTest
from plategate.vision.pipeline import Pipeline

# What the localizer sees below 0.5 is no plate.
BY_REGION = PlateTest(
    "fake", 0.5, 0.0, {"region": 1, "confidence": 0, "digits_only": 0, "one_sided": 0, "long": 0}
)


def region(x: float, y: float, width: float, confidence: float) -> PlateRegion:
    high = width / 4
    corners = ((x, y), (x + width, y), (x + width, y + high), (x, y + high))
    return PlateRegion(corners, confidence, "fake")


SIGN, CAR = region(60, 40, 90, 0.4), region(20, 80, 60, 0.9)


def still(number: int = 0) -> Still:
    return Still(np.full((120, 200, 3), 90, np.uint8), f"still-{number}", sequence=number)


class Given:
    """A localizer and a reader: knows the text of each region."""

    name = "fake"

    def __init__(self, *regions: PlateRegion) -> None:
        self.regions = list(regions)

    def localize(self, _image: Image, _every: bool = True) -> list[PlateRegion]:
        return self.regions

    def close_up(self, _image: Image, _region: PlateRegion) -> PlateRegion | None:
        return None

    def read(self, plate: PlateImage, variants: int | None = None) -> PlateReading:
        text = "TAXI99" if plate.region == SIGN else "AB12CDE"
        return PlateReading(tuple(CharacterReading(char, 0.95) for char in text), self.name)


def pipeline(*regions: PlateRegion) -> Pipeline:
    given = Given(*regions)
    return Pipeline([given], [given], plate_test=BY_REGION)


@pytest.mark.parametrize("every", [True, False])
def test_ok__lettering_is_kept_apart_from_plates(every: bool) -> None:
    result = pipeline(SIGN, CAR).read_still(still(), every)
    assert [found.reading.text for found in result.plates] == ["AB12CDE"]
    assert [found.reading.text for found in result.lettering] == ["TAXI99"]
    assert result.regions == (SIGN, CAR)


def test_ok__a_burst_of_lettering_has_no_plate() -> None:
    seen = pipeline(SIGN).read_burst([still(), still(1)])
    assert seen.reading is None
    assert seen.unread == (SIGN,)
