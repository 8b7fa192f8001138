# SPDX-License-Identifier: Apache-2.0
"""Rectifying: perspective, margins, lighting, splitting into lines."""

from __future__ import annotations

from collections.abc import Callable
from unittest.mock import Mock

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plategate.values import PlateRegion
from plategate.vision.rectify.light import even_light
from plategate.vision.rectify.lines import find_bands, split_lines
from plategate.vision.rectify.plate import NORMAL, Margin, rectify, trimmed, upright

SLANTED = np.array([(420, 300), (660, 340), (650, 404), (414, 356)], np.float32)
SQUARE = np.array([(500, 250), (660, 255), (662, 375), (498, 368)], np.float32)


def region(corners: np.ndarray) -> PlateRegion:
    a, b, c, d = ((float(x), float(y)) for x, y in corners)
    return PlateRegion((a, b, c, d), 1.0, "test")


def test_ok__perspective_is_removed(drawn_plate: Callable, placed: Callable) -> None:
    plate = drawn_plate(["AB12 CDE"])
    straight = upright(placed(plate, SLANTED), region(SLANTED).corners, Margin(0.0, 0.0))
    wanted = cv2.resize(
        cv2.cvtColor(plate, cv2.COLOR_BGR2GRAY), straight.shape[::-1], interpolation=cv2.INTER_AREA
    )
    alike = np.corrcoef(straight.ravel(), wanted.ravel())[0, 1]
    assert alike > 0.9


def test_ok__a_plate_in_perspective_has_the_mean_height_of_its_edges() -> None:
    corners = ((100.0, 100.0), (220.0, 90.0), (220.0, 150.0), (100.0, 120.0))  # 20 and 60 high
    flat = upright(np.zeros((300, 400, 3), np.uint8), corners, Margin(0.0, 0.0))
    assert flat.shape[1] / flat.shape[0] == pytest.approx(122 / 40, rel=0.03)


def test_ok__the_cut_includes_the_margin(drawn_plate: Callable, placed: Callable) -> None:
    still = placed(drawn_plate(["AB12 CDE"]), SLANTED)
    tight = upright(still, region(SLANTED).corners, Margin(0.0, 0.0))
    wide = upright(still, region(SLANTED).corners, Margin(0.05, 0.08))
    assert wide.shape[1] == pytest.approx(1.10 * tight.shape[1], abs=2)
    assert wide.shape[0] == pytest.approx(1.16 * tight.shape[0], abs=2)
    inner = wide[(wide.shape[0] - tight.shape[0]) // 2 :, (wide.shape[1] - tight.shape[1]) // 2 :][
        : tight.shape[0], : tight.shape[1]
    ]
    assert np.corrcoef(inner.ravel(), tight.ravel())[0, 1] > 0.9


def test_ok__trimming_equals_a_cut_with_the_smaller_margin(
    drawn_plate: Callable, placed: Callable
) -> None:
    still, margin = placed(drawn_plate(["AB12 CDE"]), SLANTED), Margin(0.02, 0.03)
    cut = trimmed(rectify(still, region(SLANTED)), NORMAL, margin)
    straight = rectify(still, region(SLANTED), margin)
    assert np.abs(np.subtract(cut.grey.shape, straight.grey.shape)).max() <= 2
    same = cv2.resize(cut.grey, straight.grey.shape[::-1])
    assert np.corrcoef(same.ravel(), straight.grey.ravel())[0, 1] > 0.98
    assert len(cut.lines()) == len(straight.lines()) == 1
    assert np.array_equal(cut.crop, straight.crop)


def test_ok__still_is_not_modified(drawn_plate: Callable, placed: Callable) -> None:
    still = placed(drawn_plate(["AB12 CDE"]), SLANTED)
    before = still.copy()
    plate = rectify(still, region(SLANTED))
    plate.crop[:] = 0
    assert np.array_equal(still, before)


def test_ok__the_crop_is_unprocessed(drawn_plate: Callable, placed: Callable) -> None:
    still = placed(drawn_plate(["AB12 CDE"]), SLANTED)
    crop = rectify(still, region(SLANTED)).crop
    high, wide = crop.shape[:2]
    match = cv2.matchTemplate(still, crop, cv2.TM_SQDIFF)
    _, _, (x, y), _ = cv2.minMaxLoc(match)
    assert np.array_equal(still[y : y + high, x : x + wide], crop)
    assert x <= 414
    assert x + wide >= 660
    assert y <= 300
    assert y + high >= 404


def test_ok__one_line_is_cut_to_its_characters(drawn_plate: Callable, placed: Callable) -> None:
    plate = rectify(placed(drawn_plate(["AB12 CDE"]), SLANTED), region(SLANTED))
    (line,) = plate.lines()
    assert 0.4 * plate.grey.shape[0] < line.shape[0] < 0.85 * plate.grey.shape[0]


def test_ok__lines_are_computed_on_demand(
    drawn_plate: Callable, placed: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Mock(wraps=split_lines)
    monkeypatch.setattr("plategate.vision.rectify.plate.split_lines", asked)
    plate = rectify(placed(drawn_plate(["AB12 CDE"]), SLANTED), region(SLANTED))
    asked.assert_not_called()
    assert len(plate.lines()) == 1
    asked.assert_called_once()


@pytest.mark.parametrize("lines", [["AB12", "CDE"], ["MH12", "BG7237"], ["XY", "4711"]])
def test_ok__two_lines_are_cut_apart(
    drawn_plate: Callable, placed: Callable, lines: list[str]
) -> None:
    plate = rectify(placed(drawn_plate(lines, 200, 280), SQUARE), region(SQUARE))
    upper, lower = plate.lines()
    for line in (upper, lower):
        assert 0.25 * plate.grey.shape[0] < line.shape[0] < 0.6 * plate.grey.shape[0]


def test_ok__one_line_on_a_square_plate(drawn_plate: Callable, placed: Callable) -> None:
    plate = rectify(placed(drawn_plate(["B1VOW"], 200, 420), SQUARE), region(SQUARE))
    assert len(plate.lines()) == 1


def test_ok__a_shadow_is_removed() -> None:
    columns = np.linspace(40, 220, 200)
    picture = np.tile(columns, (50, 1))
    picture[15:35, 10::20] *= 0.3
    lit = even_light(picture.astype(np.uint8))
    ground = np.median(lit[:10], axis=0)
    assert ground[20:-20].std() < 0.25 * columns.std()


def test_ok__flat_pictures_stay_flat() -> None:
    assert np.ptp(even_light(np.full((20, 80), 7, np.uint8))) == 0


def test_ok__a_flat_profile_is_one_band() -> None:
    assert find_bands(np.zeros(40, np.float32), 1.5) == ((0, 40),)


# With the runtime of Debian 12 on arm64 the smallest numbers round to 0, as set here.
coordinate = st.floats(-2000, 4000, allow_nan=False, allow_subnormal=False)


@settings(max_examples=60, deadline=None)
@given(corners=st.tuples(*[st.tuples(coordinate, coordinate)] * 4))
def test_ok__any_corners_give_a_bounded_picture(
    corners: tuple[tuple[float, float], ...],
) -> None:
    still = np.zeros((90, 160, 3), np.uint8)
    plate = rectify(still, PlateRegion(corners, 0.5, "test"))  # type: ignore[arg-type]
    assert 8 <= plate.grey.shape[0] <= 200
    assert 8 <= plate.grey.shape[1] <= 400
    assert plate.crop.size > 0
    assert all(line.size > 0 for line in plate.lines())
