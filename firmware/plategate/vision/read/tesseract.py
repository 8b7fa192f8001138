# SPDX-License-Identifier: Apache-2.0
"""Read the registration from a plate image with Tesseract, line by line.

Takes the rectifier's line images (grey, cut to the characters) and returns None if Tesseract finds
no letter or digit. Confidences are Tesseract's own; they are calibrated in `consensus`.
"""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from plategate.values import CharacterReading, Image, PlateImage, PlateReading
from plategate.vision.read.tesseract_engines import (
    Engine,
    LanguageData,
    find_language_data,
    open_engine,
)
from plategate.vision.rectify.plate import sheared

LINE_HEIGHT = 36  # px, the network's input height; Tesseract scales any other to it
NARROWEST = 12  # px, a narrower line of that height has no character
WIDEST = 720  # px, twenty times the height; a wider line is no plate
# From this confidence on no further variant is read: half the readings of the validation split.
SATISFIED = 0.9
LEAST_CONTRAST = 12  # grey levels between the darkest and the lightest pixel of a line with text
# Long lines are narrowed to this width in px: the time is proportional to the width, and seven
# characters in it still have the pitch of the print that the network was first trained on.
SQUEEZED = 150
# Least height of a line that belongs to the registration, as a share of the tallest line's;
# measured on the labelled plates of the train split.
LOWEST_LINE = 0.64
STOCK_HEIGHT, STOCK_BORDER = 48, 8  # px; line height and white border that stock data reads best


# Shares of the width: cut off at each end; kept when narrowed.
TRIMMED = 0.03
NARROWED = 0.85


def without_ends(line: Image) -> Image:
    """The line without its ends, where rims and bands are."""
    off = int(line.shape[1] * TRIMMED)
    return line[:, off : line.shape[1] - off].copy()


def narrowed(line: Image) -> Image:
    """The line at a smaller width than `prepare_line` would give it."""
    height, width = line.shape
    widest = min(SQUEEZED, width * LINE_HEIGHT / height)
    wanted = max(8, int(widest * NARROWED * height / LINE_HEIGHT))
    return cv2.resize(line, (wanted, height), interpolation=cv2.INTER_AREA).astype(np.uint8)


# Variants of a line, read one after the other until one is confident; the order was chosen on the
# validation split. Each returns a new picture.
VARIANTS: tuple[Callable[[Image], Image], ...] = (
    narrowed,
    functools.partial(sheared, shear=0.22),
    functools.partial(sheared, shear=-0.1, turn=-1.5),
    functools.partial(sheared, shear=-0.22),
    without_ends,
)


class TesseractReader:
    """A `Reader` that uses Tesseract: in process with tesserocr, else through pytesseract.

    `degraded` names in one sentence what is worse than intended, or is None. `data` gives a
    language file directly, for trials of models that are not in the manifest. A `deferred` reader
    loads Tesseract when it reads for the first time, which saves 9 MB where it is not needed.
    """

    name = "tesseract"

    def __init__(
        self,
        models: Path | None = None,
        engine: Literal["auto", "tesserocr", "pytesseract"] = "auto",
        data: LanguageData | None = None,
        deferred: bool = False,
    ) -> None:
        self._data = data or find_language_data(models)
        self._wanted = engine
        self._engine: Engine | None = None
        self.degraded = self._data.degraded
        if not deferred:
            self._opened()

    def _opened(self) -> Engine:
        if self._engine is None:
            self._engine, slow = open_engine(self._data, self._wanted)
            self.degraded = "; ".join(said for said in (self._data.degraded, slow) if said) or None
        return self._engine

    def read(self, plate: PlateImage, variants: int | None = None) -> PlateReading | None:
        """The characters of all lines, top line first, from the most confident variant."""
        lines = full_lines(plate.lines())
        best = self._read(lines)
        if not self._data.ours:
            return best
        for variant in VARIANTS[: None if variants is None else variants - 1]:
            if best is not None and best.confidence >= SATISFIED:
                break
            other = self._read([variant(line) for line in lines if min(line.shape) > 1])
            if other is not None and (best is None or other.confidence > best.confidence):
                best = other
        return best

    def _read(self, lines: Sequence[Image]) -> PlateReading | None:
        characters = tuple(c for line in lines for c in self._characters(line))
        return PlateReading(characters, self.name) if characters else None

    def read_line(self, line: Image) -> str:
        """The text of one line image, without confidences."""
        return "".join(character.char for character in self._characters(line))

    def _characters(self, line: Image) -> tuple[CharacterReading, ...]:
        prepared = prepare_line(line) if self._data.ours else _prepare_for_stock(line)
        return () if prepared is None else self._opened().read_line(prepared)


def full_lines(lines: Sequence[Image]) -> list[Image]:
    """The lines of the registration; a much lower line is a town, a dealer or a slogan."""
    tallest = max((line.shape[0] for line in lines), default=0)
    return [line for line in lines if line.shape[0] >= LOWEST_LINE * tallest]


def prepare_line(line: Image, tall: int = LINE_HEIGHT, widest: int = SQUEEZED) -> Image | None:
    """The line scaled to `tall` x at most `widest` px, dark on light; None if it has no text."""
    height, width = line.shape[:2]
    if height < 1 or width < 1:
        return None
    wanted = round(width * tall / height)
    if not NARROWEST <= wanted <= WIDEST:
        return None
    wanted = min(wanted, widest)
    shrinks = height > tall or width > wanted
    way = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    scaled = cv2.resize(line, (wanted, tall), interpolation=way).astype(np.uint8)
    if int(scaled.max()) - int(scaled.min()) < LEAST_CONTRAST:
        return None
    return np.invert(scaled) if is_light_on_dark(scaled) else scaled


def is_light_on_dark(line: Image) -> bool:
    """Whether the characters are certainly lighter than the background.

    Rims, shadows and bands mislead each test alone, so all have to agree. If they do not, the line
    counts as dark on light: most plates are, and Tesseract tries the inverse itself.
    """
    height, width = line.shape
    inner = np.ascontiguousarray(
        line[height // 18 : height - height // 18, width // 8 : -width // 8]
    )
    return inner.size > 0 and _mostly_dark(line) and _mostly_dark(inner) and _dark_gaps(inner)


def _mostly_dark(line: Image) -> bool:
    _, split = cv2.threshold(line, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return bool(np.count_nonzero(split) * 2 < split.size)


def _dark_gaps(line: Image) -> bool:
    """Whether the gaps, the columns with the least vertical change, are dark."""
    columns = line.astype(np.float32)
    calmest = np.argsort(columns.std(axis=0))[: max(3, line.shape[1] // 6)]
    low, high = np.percentile(columns, (10, 90))
    return bool(np.median(columns.mean(axis=0)[calmest]) < (low + high) / 2)


def _prepare_for_stock(line: Image) -> Image | None:
    prepared = prepare_line(line, STOCK_HEIGHT, WIDEST)
    if prepared is None:
        return None
    size = STOCK_BORDER
    bordered = cv2.copyMakeBorder(
        prepared, size, size, size, size, cv2.BORDER_CONSTANT, value=(255,)
    )
    return bordered.astype(np.uint8)
