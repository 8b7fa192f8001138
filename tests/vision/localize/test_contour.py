# SPDX-License-Identifier: Apache-2.0
"""The contour localizer: position, size and tilt of plates, empty and noisy pictures."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from plategate.values import PlateRegion
from plategate.vision.boxes import intersection_over_union
from plategate.vision.images import load_still
from plategate.vision.localize.contour import ContourLocalizer, box_of, distinct
from plategate.vision.localize.contour_proposals import ordered
from plategate.vision.localize.contour_rows import rows_of

DEMO = Path(__file__).parents[2] / "data" / "demo"
# Of the demo pictures' plates, mostly at night; may only go up.
DEMO_FLOOR = 0.6


def as_quad(region: PlateRegion) -> np.ndarray:
    return np.array(region.corners, np.float32)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return intersection_over_union(box_of(one), box_of(other))


@pytest.mark.parametrize(
    ("x", "y", "width"), [(60, 80, 90), (500, 300, 160), (900, 560, 260), (300, 200, 600)]
)
def test_ok__found_at_every_position_and_size(
    drawn_plate: Callable, placed: Callable, corners_at: Callable, x: int, y: int, width: int
) -> None:
    corners = corners_at(x, y, width, width * 0.22)
    found = ContourLocalizer().localize(placed(drawn_plate(["AB12 CDE"]), corners))
    assert found
    assert overlap(as_quad(found[0]), corners) > 0.5


@pytest.mark.parametrize("roll", [-18, -9, 9, 18])
def test_ok__corners_follow_a_tilted_plate(
    drawn_plate: Callable, placed: Callable, corners_at: Callable, roll: int
) -> None:
    flat = corners_at(500, 330, 260, 57)
    matrix = cv2.getRotationMatrix2D((630, 358), roll, 1.0)
    corners = cv2.transform(flat[None], matrix)[0].astype(np.float32)
    found = ContourLocalizer().localize(placed(drawn_plate(["AB12 CDE"]), corners))
    assert np.abs(as_quad(found[0]) - corners).max() < 32


def test_ok__light_on_dark(drawn_plate: Callable, placed: Callable, corners_at: Callable) -> None:
    corners = corners_at(500, 300, 200, 44)
    found = ContourLocalizer().localize(placed(255 - drawn_plate(["TRX 1222"]), corners))
    assert overlap(as_quad(found[0]), corners) > 0.5


def test_ok__two_lines(drawn_plate: Callable, placed: Callable, corners_at: Callable) -> None:
    corners = corners_at(500, 300, 180, 128)
    found = ContourLocalizer().localize(placed(drawn_plate(["AB12", "CDE3"], 200, 280), corners))
    assert overlap(as_quad(found[0]), corners) > 0.5


def test_ok__best_first_without_duplicates(
    drawn_plate: Callable, placed: Callable, corners_at: Callable
) -> None:
    still = placed(drawn_plate(["AB12 CDE"]), corners_at(500, 300, 200, 44))
    found = ContourLocalizer().localize(still)
    assert [r.confidence for r in found] == sorted((r.confidence for r in found), reverse=True)
    for i, one in enumerate(found):
        assert all(overlap(as_quad(one), as_quad(other)) < 0.3 for other in found[i + 1 :])


def test_ok__still_is_not_modified(
    drawn_plate: Callable, placed: Callable, corners_at: Callable
) -> None:
    still = placed(drawn_plate(["AB12 CDE"]), corners_at(500, 300, 200, 44))
    before = still.copy()
    ContourLocalizer().localize(still)
    assert np.array_equal(still, before)


@pytest.mark.parametrize("shape", [(1, 1), (3, 900), (900, 3), (24, 24), (40, 2000)])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_ok__uniform_pictures_have_no_plate(shape: tuple[int, int], value: int) -> None:
    assert ContourLocalizer().localize(np.full((*shape, 3), value, np.uint8)) == []


def test_ok__noise_raises_no_error() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    assert len(ContourLocalizer().localize(noise)) <= 3


def test_ok__finds_the_demo_plates() -> None:
    pictures = tomllib.loads((DEMO / "expected.toml").read_text(encoding="utf-8"))["picture"]
    hits = []
    for picture in (picture for picture in pictures if picture.get("box")):
        x0, y0, x1, y1 = picture["box"]
        box = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float32)
        found = ContourLocalizer().localize(load_still(DEMO / picture["file"]).image)
        hits.append(any(overlap(as_quad(region), box) >= 0.5 for region in found))
    assert sum(hits) >= DEMO_FLOOR * len(hits)


def test_ok__blobs_off_the_line_are_removed() -> None:
    row = [(10 + 14 * i, 50 + i, 9, 18) for i in range(6)]
    blobs = np.array([*row, (40, 10, 9, 18), (60, 52, 9, 60)], np.float32)
    found = rows_of(blobs)
    assert len(found) == 1
    assert sorted(map(tuple, found[0].tolist())) == sorted(tuple(map(float, box)) for box in row)


def test_ok__corners_are_ordered_from_the_top_left() -> None:
    corners = np.array([(10, 20), (110, 30), (108, 60), (8, 50)], np.float32)
    for turn in range(4):
        assert np.array_equal(ordered(np.roll(corners, turn, axis=0)), corners)
    assert np.array_equal(ordered(corners[::-1]), corners)


def test_ok__overlapping_proposals_are_one_plate() -> None:
    one = ordered(np.array([(0, 0), (10, 0), (10, 4), (0, 4)], np.float32))
    kept = distinct([(3.0, one), (2.0, one + 0.5), (1.0, one + 40)], 0.2)
    assert [odds for odds, _ in kept] == [3.0, 1.0]
