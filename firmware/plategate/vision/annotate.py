# SPDX-License-Identifier: Apache-2.0
"""Draw plates into a copy of a picture: outline, registration, confidence or verdict.

Takes and returns H x W x 3 uint8 BGR; the input is not modified.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from plategate.values import Corners, Image, Result
from plategate.vision.boxes import Box, shared_area

Colour = tuple[int, int, int]

SURE: Colour = (60, 200, 60)
DOUBTFUL: Colour = (0, 190, 255)
REFUSED: Colour = (60, 60, 230)
UNREAD: Colour = (160, 160, 160)
VERDICTS = {Result.GRANTED: SURE, Result.UNSURE: DOUBTFUL, Result.REFUSED: REFUSED}
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
    verdict: Result | None = None

    @property
    def colour(self) -> Colour:
        """By the verdict if there is one, else green if confident, amber if not, grey if unread."""
        if self.verdict is not None:
            return VERDICTS[self.verdict]
        if not self.text:
            return UNREAD
        return SURE if self.confidence >= SURE_FROM else DOUBTFUL

    @property
    def label(self) -> str:
        """The text with its confidence, and with the verdict if there is one."""
        if not self.text:
            return self.verdict.value if self.verdict is not None else ""
        verdict = "" if self.verdict is None else f" {self.verdict.value}"
        return f"{self.text} {self.confidence:.0%}{verdict}"


def annotate(image: Image, marks: Sequence[Mark]) -> Image:
    """A copy of the picture with every plate outlined and labelled."""
    picture = image.copy()
    letter = max(SMALLEST_LETTER_PX, round(LETTER_SHARE * max(image.shape[:2])))
    line = max(2, letter // 9)
    for mark in reversed(marks):
        outline = np.rint(np.array(mark.corners)).astype(np.int32)
        cv2.polylines(picture, [outline], True, (0, 0, 0), line + 2, cv2.LINE_AA)
        cv2.polylines(picture, [outline], True, mark.colour, line, cv2.LINE_AA)
    taken = [_box(mark) for mark in marks]
    for mark in marks:
        if mark.label:
            taken.append(_draw_label(picture, mark, letter, taken))
    return picture


def _draw_label(picture: Image, mark: Mark, letter: int, taken: Sequence[Box]) -> Box:
    """Draw the label on a filled bar next to the plate; the bar's box."""
    scale = cv2.getFontScaleFromHeight(FONT, letter, 1)
    (wide, high), below = cv2.getTextSize(mark.label, FONT, scale, 1)
    pad = max(3, letter // 4)
    size = wide + 2 * pad, high + below + 2 * pad
    left, top = _free_place(picture, mark, size, pad, taken)
    corner = left + size[0], top + size[1]
    cv2.rectangle(picture, (left, top), corner, mark.colour, cv2.FILLED)
    origin = left + pad, top + pad + high
    cv2.putText(picture, mark.label, origin, FONT, scale, (0, 0, 0), 1, cv2.LINE_AA)
    return float(left), float(top), float(corner[0]), float(corner[1])


def _free_place(
    picture: Image, mark: Mark, size: tuple[int, int], pad: int, taken: Sequence[Box]
) -> tuple[int, int]:
    """Where a label of this size covers no plate and no other label, or as little as possible.

    Above the plate if there is room, else below, then further and further away.
    """
    wide, tall = size
    high, across = picture.shape[:2]
    x0, y0, _, y1 = _box(mark)
    left = int(np.clip(x0, 0, max(0, across - wide)))
    tops = [int(y0) - tall - pad, int(y1) + pad]
    for step in range(1, max(1, high // (tall + pad))):
        tops += [tops[0] - step * (tall + pad), tops[1] + step * (tall + pad)]
    places = [top for top in tops if 0 <= top <= high - tall] or [max(0, high - tall)]

    def covered(top: int) -> float:
        label = float(left), float(top), float(left + wide), float(top + tall)
        return sum(shared_area(label, box) for box in taken)

    return left, min(places, key=covered)  # the first of those that cover least


def _box(mark: Mark) -> Box:
    xs, ys = zip(*mark.corners, strict=True)
    return min(xs), min(ys), max(xs), max(ys)
