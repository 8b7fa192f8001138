# SPDX-License-Identifier: Apache-2.0
"""Draw plates into a copy of a picture: outline, registration, confidence.

Takes and returns H x W x 3 uint8 BGR; the input is not modified.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from plategate.values import Corners, Image

Colour = tuple[int, int, int]

SURE: Colour = (60, 200, 60)
DOUBTFUL: Colour = (0, 190, 255)
UNREAD: Colour = (160, 160, 160)
SURE_FROM = 0.9
FONT = cv2.FONT_HERSHEY_DUPLEX
# Letters are about a fortieth of the picture's longer side, so that a thumbnail is readable.
LETTER_SHARE = 0.028
SMALLEST_LETTER_PX = 11


@dataclass(frozen=True, slots=True)
class Mark:
    """What is drawn at one plate; no text if it was not read."""

    corners: Corners
    text: str = ""
    confidence: float = 0.0

    @property
    def colour(self) -> Colour:
        """Green for a confident reading, amber for a doubtful one, grey for none."""
        if not self.text:
            return UNREAD
        return SURE if self.confidence >= SURE_FROM else DOUBTFUL


def annotate(image: Image, marks: Sequence[Mark]) -> Image:
    """A copy of the picture with every plate outlined and labelled."""
    picture = image.copy()
    letter = max(SMALLEST_LETTER_PX, round(LETTER_SHARE * max(image.shape[:2])))
    line = max(2, letter // 9)
    for mark in reversed(marks):
        outline = np.rint(np.array(mark.corners)).astype(np.int32)
        cv2.polylines(picture, [outline], True, (0, 0, 0), line + 2, cv2.LINE_AA)
        cv2.polylines(picture, [outline], True, mark.colour, line, cv2.LINE_AA)
        if mark.text:
            _label(picture, mark, letter)
    return picture


def _label(picture: Image, mark: Mark, letter: int) -> None:
    """Draw the text on a filled bar above the plate, or below it if there is no room."""
    text = f"{mark.text} {mark.confidence:.0%}"
    scale = cv2.getFontScaleFromHeight(FONT, letter, 1)
    (wide, high), below = cv2.getTextSize(text, FONT, scale, 1)
    pad = max(3, letter // 4)
    tall = high + below + 2 * pad
    xs, ys = zip(*mark.corners, strict=True)
    left = int(np.clip(min(xs), 0, max(0, picture.shape[1] - wide - 2 * pad)))
    top = int(min(ys)) - tall - pad
    if top < 0:
        top = min(int(max(ys)) + pad, picture.shape[0] - tall)
    corner = left + wide + 2 * pad, top + tall
    cv2.rectangle(picture, (left, top), corner, mark.colour, cv2.FILLED)
    origin = left + pad, top + pad + high
    cv2.putText(picture, text, origin, FONT, scale, (0, 0, 0), 1, cv2.LINE_AA)
