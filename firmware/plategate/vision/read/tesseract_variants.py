# SPDX-License-Identifier: Apache-2.0
"""Other ways to look at a line of characters: the network is steadier than any one of them.

Each takes a grey line image and returns a new one; the line itself is not modified.
"""

import functools
from collections.abc import Callable

import cv2
import numpy as np

from plategate.values import Image
from plategate.vision.rectify.slant import slanted

TRIMMED = 0.03  # share of the width that is cut off at each end
NARROWED = 0.85
HEIGHT_PX, WIDTH_PX = 36, 150  # what the network takes at most; see read_tesseract


def trimmed(line: Image) -> Image:
    """Without the ends, where rims and bands are."""
    off = int(line.shape[1] * TRIMMED)
    return line[:, off : line.shape[1] - off].copy()


def narrowed(line: Image) -> Image:
    """Narrower than the network would get it."""
    height, width = line.shape
    widest = min(WIDTH_PX, width * HEIGHT_PX / height)
    wanted = max(8, int(widest * NARROWED * height / HEIGHT_PX))
    return cv2.resize(line, (wanted, height), interpolation=cv2.INTER_AREA).astype(np.uint8)


def slant(by: float, turn: float = 0.0) -> Callable[[Image], Image]:
    """A look at a line that is slanted and turned; see `slanted` for the units."""
    return functools.partial(slanted, slant=by, turn=turn)


# Chosen on the validation split, in this order.
LOOKS: tuple[Callable[[Image], Image], ...] = (
    narrowed,
    slant(0.22),
    slant(-0.1, -1.5),
    slant(-0.22),
    trimmed,
)
