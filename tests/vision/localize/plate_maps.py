# SPDX-License-Identifier: Apache-2.0
"""Output maps of the detector for tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from plategate.vision.localize.maps import CORNER_UNIT, STRIDE

ROWS, COLUMNS = 36, 48


class FakeModel:
    """Returns prepared maps one after the other and records its inputs."""

    name = "fake"

    def __init__(self, *maps: Any) -> None:
        self.maps = list(maps)
        self.shown: list[Any] = []
        self.input_shape: tuple[int, ...] = (1, ROWS * STRIDE, COLUMNS * STRIDE, 3)

    def resize(self, shape: tuple[int, ...]) -> None:
        self.input_shape = shape

    def run(self, array: Any) -> list[Any]:
        assert array.shape == self.input_shape
        self.shown.append(array.copy())
        return [self.maps.pop(0)[None]]


def plate_map(*plates: tuple[float, float, float, float, float]) -> Any:
    """An output map with plates at (x0, y0, x1, y1, probability) in the network's input."""
    answer = np.zeros((ROWS, COLUMNS, 9), np.float32)
    answer[..., 0] = -9
    for x0, y0, x1, y1, likely in plates:
        column, row = int((x0 + x1) / 2 / STRIDE), int((y0 + y1) / 2 / STRIDE)
        middle = (np.array([column, row]) + 0.5) * STRIDE
        quad = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]) - middle
        answer[row, column] = [np.log(likely / (1 - likely)), *(quad / CORNER_UNIT).ravel()]
    return answer
