# SPDX-License-Identifier: Apache-2.0
"""Letterboxing: the smallest canvas, the scale, no skipped pixels."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from plategate.vision.localize.letterbox import CANVASES, COARSE_CANVASES, letterbox


def still(width: int, height: int) -> Any:
    return np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8)


@pytest.mark.parametrize(
    ("size", "canvas"),
    [
        ((384, 288), (384, 288)),  # 4:3
        ((2592, 1944), (384, 288)),
        ((1280, 853), (384, 256)),  # 3:2
        ((1280, 720), (384, 224)),  # 16:9
        ((3000, 400), (384, 224)),  # a strip
        ((960, 960), (288, 288)),
        ((959, 1280), (224, 288)),  # 3:4
        ((300, 900), (224, 288)),
        ((1200, 1000), (384, 288)),  # 6:5
        ((1, 1), (288, 288)),
    ],
)
def test_ok__a_still_gets_the_smallest_canvas_that_holds_it(
    size: tuple[int, int], canvas: tuple[int, int]
) -> None:
    shown, scale = letterbox(still(*size))
    assert shown.shape == (canvas[1], canvas[0], 3)
    assert scale == pytest.approx(min(384 / size[0], 288 / size[1]))
    inside = max(1, round(size[1] * scale)), max(1, round(size[0] * scale))
    assert (shown[inside[0] :] == 114).all()
    assert (shown[:, inside[1] :] == 114).all()
    assert shown[: inside[0], : inside[1]].std() > 0 or size == (1, 1)


@pytest.mark.parametrize("size", [(384, 288), (1280, 720), (3000, 400), (960, 960), (300, 900)])
def test_ok__a_coarse_canvas_shows_the_still_at_half_the_scale(size: tuple[int, int]) -> None:
    shown, scale = letterbox(still(*size), coarse=True)
    assert scale == pytest.approx(letterbox(still(*size))[1] / 2)
    assert shown.shape[1::-1] in COARSE_CANVASES
    assert all(side % 32 == 0 for canvas in COARSE_CANVASES for side in canvas)


def test_ok__the_canvas_shows_the_still_and_every_pixel_contributes() -> None:
    fine = np.full((1152, 1536, 3), 95, np.uint8)
    fine[::4, ::4] = 255  # a sixteenth of the pixels, all of which a picture of a quarter may skip
    assert letterbox(fine)[0].mean() == pytest.approx(95 + 160 / 16, abs=1)
    whole = cv2.resize(still(24, 18), (768, 576), interpolation=cv2.INTER_CUBIC)
    wanted = cv2.resize(whole, (384, 288), interpolation=cv2.INTER_AREA)
    assert np.abs(letterbox(whole)[0].astype(int) - wanted).mean() < 1


def test_ok__the_largest_canvas_comes_first_and_all_can_be_halved_five_times() -> None:
    assert max(CANVASES, key=lambda canvas: canvas[0] * canvas[1]) == CANVASES[0]
    assert all(side % 32 == 0 for canvas in CANVASES for side in canvas)
    assert all(w <= CANVASES[0][0] and h <= CANVASES[0][1] for w, h in CANVASES)


def test_ok__a_dark_still_is_shown_in_the_light_of_day() -> None:
    dark = np.full((360, 640, 3), 10, np.uint8)
    dark[:, 320:] = 50
    shown, scale = letterbox(dark)
    rows = round(360 * scale)
    assert (shown[:rows, :190] == 44).all()
    assert (shown[:rows, 194:] == 220).all()
    assert (shown[rows:] == 114).all()


@pytest.mark.parametrize("lamp", [255, 120])
def test_ok__a_still_with_something_bright_in_it_keeps_its_light(lamp: int) -> None:
    night = np.full((288, 384, 3), 20, np.uint8)
    night[:60, :80] = lamp
    assert (letterbox(night)[0] == night).all()


def test_ok__a_black_still_stays_as_it_is() -> None:
    assert letterbox(np.zeros((288, 384, 3), np.uint8))[0].max() == 0


def test_ok__the_still_itself_is_not_changed() -> None:
    dark = np.asarray(still(384, 288) // 10, np.uint8)
    before = dark.copy()
    letterbox(dark)
    assert (dark == before).all()
