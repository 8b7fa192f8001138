# SPDX-License-Identifier: Apache-2.0
"""Draws misread plates on one contact sheet, each with truth, reading and confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
CELL_WIDTH, PICTURE_HEIGHT, TEXT_HEIGHT, COLUMNS = 300, 56, 20, 4


@dataclass(frozen=True)
class Shown:
    """One plate with its reading."""

    image: Picture
    truth: str
    text: str
    confidence: float


def contact_sheet(plates: Sequence[Shown]) -> Picture:
    """The sheet of all plates; grey and BGR pictures may be mixed."""
    height = PICTURE_HEIGHT + TEXT_HEIGHT + 6
    rows = (len(plates) + COLUMNS - 1) // COLUMNS
    sheet = np.full((max(1, rows) * height, COLUMNS * CELL_WIDTH, 3), 40, np.uint8)
    for number, plate in enumerate(plates):
        left, top = number % COLUMNS * CELL_WIDTH, number // COLUMNS * height
        image = plate.image
        if image.ndim == 2:
            image = np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), np.uint8)
        scale = min(PICTURE_HEIGHT / image.shape[0], (CELL_WIDTH - 8) / image.shape[1])
        size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        sheet[top + 2 : top + 2 + size[1], left + 2 : left + 2 + size[0]] = small
        words = f"{plate.truth} read {plate.text or '-'} {plate.confidence:.2f}"
        place = (left + 4, top + PICTURE_HEIGHT + TEXT_HEIGHT - 4)
        cv2.putText(sheet, words, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255,) * 3, 1, cv2.LINE_AA)
    return sheet
