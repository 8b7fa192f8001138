# SPDX-License-Identifier: Apache-2.0
"""Annotated pictures: colours of verdicts, labels that do not cover each other or plates."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from plategate.values import Corners, Result
from plategate.vision.annotate import DOUBTFUL, REFUSED, SURE, UNREAD, Mark, annotate

PICTURE = np.full((480, 640, 3), 128, np.uint8)


def corners(x: float, y: float, width: float = 90, height: float = 22) -> Corners:
    return ((x, y), (x + width, y), (x + width, y + height), (x, y + height))


@pytest.mark.parametrize(
    ("mark", "colour", "label"),
    [
        (Mark(corners(0, 0), "AB1", 0.95), SURE, "AB1 95%"),
        (Mark(corners(0, 0), "AB1", 0.5), DOUBTFUL, "AB1 50%"),
        (Mark(corners(0, 0)), UNREAD, ""),
        (Mark(corners(0, 0), "AB1", 0.95, Result.GRANTED), SURE, "AB1 95% granted"),
        (Mark(corners(0, 0), "AB1", 0.99, Result.REFUSED), REFUSED, "AB1 99% refused"),
        (Mark(corners(0, 0), "AB1", 0.99, Result.UNSURE), DOUBTFUL, "AB1 99% unsure"),
    ],
)
def test_ok__colour_and_label(mark: Mark, colour: tuple[int, int, int], label: str) -> None:
    assert mark.colour == colour
    assert mark.label == label


@pytest.mark.parametrize(
    "places",
    [
        [(200, 200), (230, 200)],
        [(200, 200), (260, 205), (320, 195)],
        [(200, 200), (200, 226), (200, 252)],
        [(5, 2), (70, 4)],
        [(540, 450), (500, 452)],
    ],
)
def test_ok__no_label_covers_another_or_a_plate(places: list[tuple[int, int]]) -> None:
    marks = [
        Mark(corners(x, y), f"PLATE{number}", 0.97 if number % 2 else 0.5)
        for number, (x, y) in enumerate(places)
    ]
    together = annotate(PICTURE, marks)
    filled = [(together == colour).all(axis=2).astype(np.uint8) for colour in (SURE, DOUBTFUL)]
    bars = 0
    for mask in filled:
        solid = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((5, 12), np.uint8))
        count, _, boxes, _ = cv2.connectedComponentsWithStats(
            cv2.morphologyEx(solid, cv2.MORPH_CLOSE, np.ones((3, 25), np.uint8))
        )
        bars += sum(boxes[number, cv2.CC_STAT_WIDTH] > 60 for number in range(1, count))
    assert bars >= len(marks)
    for mark in marks:
        (x0, y0), (x1, y1) = mark.corners[0], mark.corners[2]
        inside = together[int(y0) + 5 : int(y1) - 4, int(x0) + 5 : int(x1) - 4]
        alone = annotate(PICTURE, [Mark(other.corners) for other in marks])
        before = alone[int(y0) + 5 : int(y1) - 4, int(x0) + 5 : int(x1) - 4]
        assert (inside == before).all(axis=2).mean() > 0.7


def test_ok__picture_is_not_modified() -> None:
    before = PICTURE.copy()
    annotate(PICTURE, [Mark(corners(50, 50), "AB1", 0.9)])
    assert np.array_equal(PICTURE, before)
