# SPDX-License-Identifier: Apache-2.0
"""The refiner: the window around a candidate, and results in pixels of the still."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import pytest

from plategate.errors import ModelError
from plategate.vision.interpreter import Model
from plategate.vision.localize.letterbox import GREY
from plategate.vision.localize.refiner import COLUMNS, ROWS, Refiner, Window, cut
from plategate.vision.localize.tflite import TfliteLocalizer

DEMO = Path(__file__).parents[2] / "data" / "demo"


class FakeModel:
    """Returns the same output for every window and records its inputs."""

    name = "fake"
    input_shape = (1, ROWS, COLUMNS, 3)

    def __init__(self, logit: float, corners: Any) -> None:
        self.answer = np.array([[logit, *np.array(corners, float).ravel()]], np.float32)
        self.shown: list[Any] = []

    def run(self, array: Any) -> list[Any]:
        assert array.shape == self.input_shape
        self.shown.append(array.copy())
        return [self.answer]


@pytest.fixture(scope="module")
def shipped() -> Refiner:
    return Refiner.from_manifest()


def still(width: int = 768, height: int = 576) -> Any:
    return np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8)


def test_ok__a_candidate_is_96_pixels_wide_in_the_window() -> None:
    window = Window.around((200, 160, 360, 200))
    shown = window.from_still(np.array([[200, 160], [360, 200]], np.float32))
    np.testing.assert_allclose(shown, [[32, 36], [128, 60]], atol=1e-4)
    np.testing.assert_allclose(window.to_still(shown), [[200, 160], [360, 200]], atol=1e-3)


def test_ok__a_two_line_plate_fits_the_window() -> None:
    window = Window.around((100, 100, 150, 150))
    shown = window.from_still(np.array([[100, 100], [150, 150]], np.float32))
    assert shown.min() >= 0
    assert np.ptp(shown[:, 1]) == pytest.approx(54)


@pytest.mark.parametrize("wide", [20, 55, 96, 300, 900, 2400])
@pytest.mark.parametrize("at", [(0.5, 0.5), (0.02, 0.03), (0.99, 0.97)])
def test_ok__window_coordinates_match_the_still(wide: int, at: tuple[float, float]) -> None:
    image = np.zeros((2250, 3000, 3), np.uint8)
    middle = np.array(at) * [3000, 2250]
    half = np.array([wide, wide / 4]) / 2
    x0, y0, x1, y1 = (int(v) for v in (*(middle - half), *(middle + half)))
    image[max(0, y0) : y1, max(0, x0) : x1] = 255
    window = Window.around((x0, y0, x1, y1))
    refined = cut(image, window)
    assert refined.shape == (ROWS, COLUMNS, 3)
    inside = np.clip([[x0, y0], [x1, y1]], 0, [3000, 2250]).astype(np.float32)
    (left, top), (right, bottom) = window.from_still(inside)
    bright = np.argwhere(refined[..., 0] > 190)
    expected = [top, left, bottom, right]
    found = [*bright.min(0), *(bright.max(0) + 1)]
    np.testing.assert_allclose(found, expected, atol=max(1.3, 0.6 * window.scale))


def test_ok__the_window_is_grey_beyond_the_edge() -> None:
    refined = cut(still(), Window.around((0, 0, 60, 20)))
    assert (refined[:20, :20] == GREY).all()
    assert (cut(still(), Window.around((5000, 5000, 5060, 5020))) == GREY).all()


@pytest.mark.parametrize("wide", [12, 40, 96, 150, 320])
def test_ok__the_window_is_filled_inside_the_still(wide: int) -> None:
    white = np.full((2250, 3000, 3), 255, np.uint8)
    assert (cut(white, Window.around((1500, 1100, 1500 + wide, 1100 + wide / 4))) == 255).all()


@pytest.mark.parametrize("wide", [400, 900, 1600])
def test_ok__every_pixel_of_a_large_window_contributes(wide: int) -> None:
    fine = np.zeros((2250, 3000, 3), np.uint8)
    fine[::2, ::2] = fine[1::2, 1::2] = 254
    refined = cut(fine, Window.around((1500 - wide / 2, 1100, 1500 + wide / 2, 1100 + wide / 4)))
    np.testing.assert_allclose(refined, 127, atol=3)


def test_ok__the_still_is_not_modified() -> None:
    image = still()
    before = image.copy()
    cut(image, Window.around((0, 0, 700, 300)))
    assert (image == before).all()


def test_ok__refined_corners_are_in_pixels_of_the_still() -> None:
    model = FakeModel(np.log(4), [[32, 36], [128, 36], [128, 60], [32, 60]])
    refined = Refiner(cast(Model, model)).refine(still(), (200, 160, 360, 200))
    np.testing.assert_allclose(
        refined.corners, [[200, 160], [360, 160], [360, 200], [200, 200]], atol=1e-3
    )
    assert refined.probability == pytest.approx(0.8)


def test_ok__extreme_logits_stay_probabilities() -> None:
    for logit in (-1e4, 1e4):
        model = FakeModel(logit, np.zeros((4, 2)))
        assert 0 <= Refiner(cast(Model, model)).refine(still(), (0, 0, 9, 9)).probability <= 1


def test_fail__missing_network(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        Refiner.from_manifest(tmp_path)


@pytest.mark.parametrize(
    ("dx", "dy", "grown"), [(0.2, 0, 1), (-0.15, 0.3, 1), (0, 0, 1.4), (0, 0, 0.75)]
)
def test_ok__corners_do_not_depend_on_the_exact_candidate(
    shipped: Refiner, dx: float, dy: float, grown: float
) -> None:
    image = cv2.imread(str(DEMO / "01-day-1.jpg"))
    (region, *_) = TfliteLocalizer.from_manifest().localize(image)
    x0, y0, x1, y1 = region.box
    wide, high = x1 - x0, y1 - y0
    x, y = (x0 + x1) / 2 + dx * wide, (y0 + y1) / 2 + dy * high
    box = x - grown * wide / 2, y - grown * high / 2, x + grown * wide / 2, y + grown * high / 2
    refined = shipped.refine(image, box)
    assert refined.probability > 0.5
    assert np.linalg.norm(refined.corners - region.corners, axis=1).max() < 0.3 * high


def test_ok__the_shipped_refiner_rejects_background(shipped: Refiner) -> None:
    image = cv2.imread(str(DEMO / "01-day-1.jpg"))
    height, width = image.shape[:2]
    assert (
        shipped.refine(image, (0.1 * width, 0.05 * height, 0.3 * width, 0.12 * height)).probability
        < 0.2
    )
