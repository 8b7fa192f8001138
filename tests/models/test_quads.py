# SPDX-License-Identifier: Apache-2.0
"""Corners of training crops: conversion to crops, and cuts along them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

BOX = np.array([40, 20, 140, 60], np.float32)
TILTED = np.array([[42, 30], [140, 20], [138, 50], [40, 60]], np.float32)


@dataclass(frozen=True)
class Plate:
    """The fields of a crop that `with_quads` uses."""

    text: str
    quad: npt.NDArray[np.float32] | None = None


@pytest.fixture
def quads(reader_part):
    return reader_part("quads")


def test_ok__a_cut_around_a_box_is_converted_to_the_corners(quads) -> None:
    picture = cv2.fillConvexPoly(np.zeros((80, 180), np.uint8), TILTED.astype(np.int32), 255)
    x0, y0, x1, y1 = BOX
    cut = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
    size = (100, 40)
    flat = np.array([[0, 0], [100, 0], [100, 40], [0, 40]], np.float32)
    seen = cv2.warpPerspective(
        picture, cv2.getPerspectiveTransform(quads.around(TILTED, BOX, cut), flat), size
    )
    level = cv2.warpPerspective(picture, cv2.getPerspectiveTransform(cut, flat), size)
    assert seen.mean() > 0.97 * 255 > level.mean()


def test_ok__a_margin_keeps_its_width_at_tilted_corners(quads) -> None:
    outside = np.array([[30, 40], [150, 40]], np.float32)  # a tenth of the width, halfway down
    left, right = quads.around(TILTED, BOX, outside)
    assert left[0] < TILTED[[0, 3], 0].min()
    assert right[0] > TILTED[[1, 2], 0].max()


def test_ok__corners_are_converted_to_a_scaled_crop(quads) -> None:
    in_crop = np.array([10, 5, 60, 25], np.float32)  # cut 30 px off the left, at half the size
    moved = quads.inside_crop(TILTED, BOX, in_crop)
    assert moved == pytest.approx((TILTED - [20, 10]) / 2)


def test_ok__plates_that_were_not_found_keep_their_box(quads, tmp_path: Path) -> None:
    unknown = np.full((4, 2), np.nan, np.float32)
    np.savez(tmp_path / "quads.npz", quads=np.array([TILTED, unknown]))
    crops = [Plate("A"), Plate("A"), Plate("B"), Plate("B")]
    with_corners = quads.with_quads(crops, tmp_path / "quads.npz", mixes=2)
    assert [one.text for one in with_corners if one.quad is not None] == ["A", "A"]


def test_fail__corners_of_other_crops(quads, tmp_path: Path) -> None:
    np.savez(tmp_path / "quads.npz", quads=np.array([TILTED]))
    with pytest.raises(ValueError, match="shorter"):
        quads.with_quads([Plate("A"), Plate("B")], tmp_path / "quads.npz")
