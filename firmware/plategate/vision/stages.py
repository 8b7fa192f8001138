# SPDX-License-Identifier: Apache-2.0
"""Pictures of the processing stages, from the grey still to the binarized lines of characters.

For aiming a camera and for examining a misreading; the pipeline itself does not use them. Takes
H x W x 3 uint8 BGR, which is not modified.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import imutils
import numpy as np
from numpy.typing import NDArray

from plategate.values import Image, PlateImage, PlateRegion
from plategate.vision.annotate import Mark, annotate
from plategate.vision.localize.contour import ContourLocalizer, Quad, scored
from plategate.vision.localize.contour_rows import binaries
from plategate.vision.localize.letterbox import letterbox
from plategate.vision.rectify.light import even_light

Step = tuple[str, Image]

SHOWN_WIDTH_PX = 720
SHOWN_CANDIDATES = 40
HAT_PX = (13, 5)


def still_steps(image: Image, regions: Sequence[PlateRegion]) -> Iterator[Step]:
    """The stages of the localizer that found the regions; of the contours' if there are none."""
    if any(region.localizer != ContourLocalizer.name for region in regions):
        yield from _detector_steps(image, regions)
    else:
        yield from _contour_steps(image, regions)


def _detector_steps(image: Image, regions: Sequence[PlateRegion]) -> Iterator[Step]:
    """The detector's input, its own corners, and the refined regions."""
    yield "1-detector-input", letterbox(image)[0]
    proposed = [Mark(region.proposed or region.corners) for region in regions]
    yield "2-proposed", annotate(image, proposed)
    yield "3-localized", annotate(image, [Mark(region.corners) for region in regions])


def _contour_steps(image: Image, regions: Sequence[PlateRegion]) -> Iterator[Step]:
    """Grey, filtered, edges, strokes, candidates, and the localized regions."""
    grey = _image(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))
    small = _image(imutils.resize(grey, width=min(SHOWN_WIDTH_PX, grey.shape[1])))
    yield "1-grey", grey
    filtered = _image(cv2.bilateralFilter(small, 9, 40, 40))
    yield "2-filtered", filtered
    yield "3-edges", _image(cv2.Canny(filtered, 50, 150))
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, HAT_PX)
    yield "4-black-hat", _image(cv2.morphologyEx(small, cv2.MORPH_BLACKHAT, kernel) * 2)
    dark, light = binaries(small)
    yield "5-dark-strokes", dark
    yield "6-light-strokes", light
    yield "7-candidates", _candidates(image, scored(grey)[:SHOWN_CANDIDATES])
    yield "8-chosen", annotate(image, [Mark(region.corners) for region in regions])


def plate_steps(plate: PlateImage) -> Iterator[Step]:
    """The plate as cropped, rectified, evenly lit, split into lines, and binarized."""
    yield "1-crop", plate.crop
    yield "2-rectified", plate.grey
    yield "3-evenly-lit", even_light(plate.grey)
    for number, line in enumerate(plate.lines(), 1):
        yield f"4-line-{number}", line
        _, binary = cv2.threshold(line, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
        yield f"5-line-{number}-binarized", _image(binary)


def _candidates(image: Image, found: Sequence[tuple[float, Quad]]) -> Image:
    """Proposals coloured by probability, from red (0) to green (1)."""
    picture = image.copy()
    for odds, quad in reversed(found):
        chance = 1.0 / (1.0 + np.exp(-odds))
        colour = (0, int(255 * chance), int(255 * (1 - chance)))
        cv2.polylines(picture, [np.rint(quad).astype(np.int32)], True, colour, 2, cv2.LINE_AA)
    return picture


def _image(array: NDArray[Any]) -> Image:
    return array.astype(np.uint8, copy=False)
