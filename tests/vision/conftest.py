# SPDX-License-Identifier: Apache-2.0
"""Fixtures with drawn plates, whose corners and text are known exactly."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

Quad = NDArray[np.float32]
Picture = NDArray[np.uint8]


def draw_plate(lines: list[str], height: int = 110, width: int = 520) -> Picture:
    """A flat plate: black frame, black letters on white, BGR."""
    plate = np.full((height, width, 3), 235, np.uint8)
    cv2.rectangle(plate, (2, 2), (width - 3, height - 3), (20, 20, 20), 3)
    room = height // len(lines)
    for number, line in enumerate(lines):
        scale = 0.62 * room / 22
        (wide, high), _ = cv2.getTextSize(line, cv2.FONT_HERSHEY_SIMPLEX, scale, 6)
        scale *= min(1.0, 0.9 * width / wide)
        (wide, high), _ = cv2.getTextSize(line, cv2.FONT_HERSHEY_SIMPLEX, scale, 6)
        origin = (width - wide) // 2, room * number + (room + high) // 2
        cv2.putText(plate, line, origin, cv2.FONT_HERSHEY_SIMPLEX, scale, (15, 15, 15), 6)
    return plate


def place(plate: Picture, corners: Quad, size: tuple[int, int] = (720, 1280)) -> Picture:
    """A grey street with the plate warped to `corners`, clockwise from its top left."""
    random = np.random.default_rng(4)
    coarse = random.integers(70, 120, (12, 20, 3), dtype=np.uint8)
    still = cv2.resize(coarse, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)
    high, wide = plate.shape[:2]
    flat = np.array([(0, 0), (wide, 0), (wide, high), (0, high)], np.float32)
    matrix = cv2.getPerspectiveTransform(flat, corners.astype(np.float32))
    frame = (size[1], size[0])
    shrunk = cv2.GaussianBlur(plate, (0, 0), 1.0)
    warped = cv2.warpPerspective(shrunk, matrix, frame, flags=cv2.INTER_AREA)
    mask = cv2.warpPerspective(np.full(plate.shape[:2], 255, np.uint8), matrix, frame)
    return np.where(mask[..., None] > 127, warped, still).astype(np.uint8)


def upright_corners(x: float, y: float, width: float, height: float) -> Quad:
    return np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], np.float32)


@pytest.fixture
def drawn_plate() -> Callable[..., Picture]:
    return draw_plate


@pytest.fixture
def placed() -> Callable[..., Picture]:
    return place


@pytest.fixture
def corners_at() -> Callable[..., Quad]:
    return upright_corners
