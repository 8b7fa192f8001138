# SPDX-License-Identifier: Apache-2.0
"""Levelling: a tilted region follows its row of characters, any other is unchanged."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from plategate.values import PlateRegion
from tests.vision.conftest import draw_plate, place, upright_corners

Levelled = Callable[[np.ndarray, PlateRegion], PlateRegion]


@pytest.fixture
def levelled(training_part: Callable) -> Levelled:
    return training_part("tesseract.level").levelled


def upright_box(corners: np.ndarray) -> PlateRegion:
    """The region that a localizer without corners would return."""
    (x0, y0), (x1, y1) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return PlateRegion(((x0, y0), (x1, y0), (x1, y1), (x0, y1)), 0.7, "box")


@pytest.mark.parametrize("roll", [-14, -7, 7, 14])
def test_ok__tilted_plate_is_levelled(levelled: Levelled, roll: int) -> None:
    flat = upright_corners(500, 330, 240, 56)
    matrix = cv2.getRotationMatrix2D((620, 358), roll, 1.0)
    corners = cv2.transform(flat[None], matrix)[0].astype(np.float32)
    refined = levelled(place(draw_plate(["AB12 CDE"]), corners), upright_box(corners))
    (ax, ay), (bx, by), _, _ = refined.corners
    assert (by - ay) / (bx - ax) == pytest.approx(np.tan(np.deg2rad(-roll)), abs=0.035)
    assert (refined.confidence, refined.localizer) == (0.7, "box")


def test_ok__whole_plate_stays_inside(levelled: Levelled) -> None:
    matrix = cv2.getRotationMatrix2D((620, 358), 10, 1.0)
    corners = cv2.transform(upright_corners(500, 330, 240, 56)[None], matrix)[0].astype(np.float32)
    refined = levelled(place(draw_plate(["AB12 CDE"]), corners), upright_box(corners))
    quad = np.array(refined.corners, np.float32)
    middle = corners.mean(axis=0)
    for corner in middle + 0.85 * (corners - middle):
        assert cv2.pointPolygonTest(quad, corner.tolist(), True) > -4


def test_ok__a_level_plate_is_unchanged(levelled: Levelled) -> None:
    corners = upright_corners(500, 330, 240, 56)
    region = upright_box(corners)
    assert levelled(place(draw_plate(["AB12 CDE"]), corners), region) == region


@pytest.mark.parametrize("value", [0, 90, 255])
def test_ok__a_region_without_characters_is_unchanged(levelled: Levelled, value: int) -> None:
    region = upright_box(upright_corners(20, 20, 100, 30))
    assert levelled(np.full((90, 160, 3), value, np.uint8), region) == region
