# SPDX-License-Identifier: Apache-2.0
"""Aiming measures drawn plates correctly and reports exactly the property that is wrong.

Plates are drawn here at a known size, blurred, smeared, dimmed, blown out and turned by known
amounts.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from plategate.aiming.advice import Grade, assess, worst
from plategate.aiming.measure import Measurement, measure_plate, measure_scene
from plategate.values import Image, PlateRegion

TEXT = "B 482 KXH"


def plate(width: int = 220, dark: int = 25, light: int = 215) -> Image:
    """A light plate with dark characters, 520 x 110 mm, drawn large and shrunk."""
    big = np.full((440, 2080), light, np.uint8)
    cv2.putText(big, TEXT, (60, 345), cv2.FONT_HERSHEY_SIMPLEX, 11.0, dark, 44, cv2.LINE_AA)
    size = (width, round(width * 110 / 520))
    return np.asarray(cv2.resize(big, size, interpolation=cv2.INTER_AREA), np.uint8)


def still_of(flat: Image, ground: int = 90, turn_deg: float = 0.0) -> tuple[Image, PlateRegion]:
    """A still with the plate in its middle, turned clockwise, and where its corners are."""
    height, width = flat.shape
    canvas = np.full((480, 640), ground, np.uint8)
    top, left = 240 - height // 2, 320 - width // 2
    canvas[top : top + height, left : left + width] = flat
    corners = np.array(
        [(left, top), (left + width, top), (left + width, top + height), (left, top + height)],
        np.float32,
    )
    matrix = cv2.getRotationMatrix2D((320, 240), -turn_deg, 1.0)
    turned = cv2.warpAffine(canvas, matrix, (640, 480), borderValue=ground, flags=cv2.INTER_CUBIC)
    moved = corners @ matrix[:, :2].T + matrix[:, 2]
    region = PlateRegion(tuple((float(x), float(y)) for x, y in moved), 1.0, "drawn")  # type: ignore[arg-type]
    return np.asarray(cv2.cvtColor(turned, cv2.COLOR_GRAY2BGR), np.uint8), region


def measured(flat: Image, **how: float) -> Measurement:
    image, region = still_of(flat, **how)  # type: ignore[arg-type]
    before = image.copy()
    result = measure_plate(image, region)
    assert (image == before).all()
    return result


def poor_grades(m: Measurement) -> dict[str, Grade]:
    image, _ = still_of(plate())
    ratings = assess(m, measure_scene(image))
    return {f.name: f.grade for f in ratings if f.grade is not Grade.GOOD}


def smeared(flat: Image, length: int) -> Image:
    kernel = np.full((1, length), 1 / length, np.float32)
    return np.asarray(cv2.filter2D(flat, -1, kernel, borderType=cv2.BORDER_REPLICATE), np.uint8)


def test_ok__good_plate_has_good_grades() -> None:
    m = measured(plate())
    assert poor_grades(m) == {}
    assert m.plate_width_px == pytest.approx(220, abs=1)
    assert m.character_height_px == pytest.approx(30, abs=3)
    assert m.contrast == pytest.approx(190, abs=15)
    assert m.tilt_deg == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize(("width", "grade"), [(100, Grade.BAD), (150, Grade.FAIR)])
def test_fail__small_plate(width: int, grade: Grade) -> None:
    found = poor_grades(measured(plate(width)))
    assert found.pop("plate width") is grade
    assert set(found) <= {"character height"}


@pytest.mark.parametrize(("sigma", "grade"), [(1.8, Grade.FAIR), (2.6, Grade.BAD)])
def test_fail__defocus_is_not_reported_as_motion(sigma: float, grade: Grade) -> None:
    m = measured(np.asarray(cv2.GaussianBlur(plate(), (0, 0), sigma), np.uint8))
    assert poor_grades(m) == {"sharpness": grade}


@pytest.mark.parametrize("sigma", [0.8, 1.2, 1.6])
def test_ok__blur_is_measured_in_pixels(sigma: float) -> None:
    m = measured(np.asarray(cv2.GaussianBlur(plate(320), (0, 0), sigma), np.uint8))
    assert m.blur_px == pytest.approx((sigma**2 + 0.6**2) ** 0.5, rel=0.2)


def test_fail__motion_blur_is_reported_with_its_direction() -> None:
    m = measured(smeared(plate(), 13))
    assert poor_grades(m)["motion blur"] is not Grade.GOOD
    image, _ = still_of(plate())
    advice = next(f.advice for f in assess(m, measure_scene(image)) if f.name == "motion blur")
    assert "sideways" in advice
    assert m.blur_across_px > 1.6 * m.blur_along_px


@pytest.mark.parametrize(("light", "grade"), [(45, Grade.FAIR), (34, Grade.BAD)])
def test_fail__weak_contrast(light: int, grade: Grade) -> None:
    assert poor_grades(measured(plate(dark=25, light=light)))["contrast"] is grade


def test_fail__overexposed_plate() -> None:
    assert poor_grades(measured(plate(light=255)))["saturation"] is Grade.BAD


@pytest.mark.parametrize(
    ("turn_deg", "expected"), [(12, {}), (25, {"tilt": Grade.FAIR}), (-35, {"tilt": Grade.BAD})]
)
def test_ok__tilt(turn_deg: float, expected: dict[str, Grade]) -> None:
    m = measured(plate(), turn_deg=turn_deg)
    assert m.tilt_deg == pytest.approx(turn_deg, abs=0.5)
    assert poor_grades(m) == expected


def test_ok__slant() -> None:
    upright = measured(plate())
    assert poor_grades(replace(upright, slant_deg=-25)) == {"slant": Grade.FAIR}


@pytest.mark.parametrize(("grey", "words"), [(5, "dark"), (255, "white"), (120, "put a vehicle")])
def test_fail__without_a_plate_the_advice_depends_on_brightness(grey: int, words: str) -> None:
    ratings = assess(None, measure_scene(np.full((480, 640, 3), grey, np.uint8)))
    assert worst(ratings) is Grade.BAD
    assert words in ratings[0].advice


def test_ok__flat_region_is_measured_without_error() -> None:
    m = measured(np.full((46, 220), 128, np.uint8))
    assert m.character_height_px is None
    assert poor_grades(m)["contrast"] is Grade.BAD
