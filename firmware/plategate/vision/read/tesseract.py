# SPDX-License-Identifier: Apache-2.0
"""Read the registration off a plate image with Tesseract, line by line.

It takes the rectifier's line images (grey, cut to the band of characters) and returns None where
Tesseract sees no letter or digit. Calibration and agreement are the business of others.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from plategate.values import CharacterReading, Image, PlateImage, PlateReading
from plategate.vision.read.tesseract_data import LanguageData, find_language_data
from plategate.vision.read.tesseract_engines import open_engine
from plategate.vision.read.tesseract_variants import LOOKS

LINE_HEIGHT = 36  # px, what the network takes; any other height is scaled to it by Tesseract
NARROWEST = 12  # px, below this a line of that height holds no character
WIDEST = 720  # px, twenty times the height; beyond it is no plate
# A reading as sure as this gets no further looks; on the validation split half of them are.
SATISFIED = 0.9
LEAST_CONTRAST = 12  # grey levels between the darkest and the lightest pixel of a line with text
# Long lines are squeezed: the network's time goes with the width, and seven characters in this
# width still have the pitch of the print that it was first trained on.
SQUEEZED = 150
# Of two lines, the height of the lower one; measured on the labelled plates of the train split.
LOWEST_LINE = 0.64
STOCK_HEIGHT, STOCK_BORDER = 48, 8  # px; what stock data read most with, and white around it


class TesseractReader:
    """A `Reader` on Tesseract: in process with tesserocr, else through pytesseract.

    `degraded` says in one sentence what is worse than it should be, or is None. `data` names a
    language file outright, for trials of models that are in no manifest.
    """

    name = "tesseract"

    def __init__(
        self,
        models: Path | None = None,
        engine: Literal["auto", "tesserocr", "pytesseract"] = "auto",
        data: LanguageData | None = None,
    ) -> None:
        self._data = data or find_language_data(models)
        self._engine, slow = open_engine(self._data, engine)
        self.degraded = "; ".join(said for said in (self._data.degraded, slow) if said) or None

    def read(self, plate: PlateImage) -> PlateReading | None:
        """The characters of all lines, top line first; a doubtful reading gets further looks."""
        lines = full_lines(plate.lines())
        best = self._read(lines)
        if not self._data.ours:
            return best
        for look in LOOKS:
            if best is not None and best.confidence >= SATISFIED:
                break
            other = self._read([look(line) for line in lines if min(line.shape) > 1])
            if other is not None and (best is None or other.confidence > best.confidence):
                best = other
        return best

    def _read(self, lines: Sequence[Image]) -> PlateReading | None:
        characters = tuple(c for line in lines for c in self._characters(line))
        return PlateReading(characters, self.name) if characters else None

    def read_line(self, line: Image) -> str:
        """What stands on one line image, without confidences."""
        return "".join(character.char for character in self._characters(line))

    def _characters(self, line: Image) -> tuple[CharacterReading, ...]:
        prepared = prepare_line(line) if self._data.ours else _prepare_for_stock(line)
        return () if prepared is None else self._engine.read_line(prepared)


def full_lines(lines: Sequence[Image]) -> list[Image]:
    """The lines that carry the registration: a much lower one is a town, a dealer, a slogan."""
    tallest = max((line.shape[0] for line in lines), default=0)
    return [line for line in lines if line.shape[0] >= LOWEST_LINE * tallest]


def prepare_line(line: Image, tall: int = LINE_HEIGHT, widest: int = SQUEEZED) -> Image | None:
    """The line `tall` and at most `widest` px, dark on light; None if it can hold no text."""
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
    """Whether the characters are surely lighter than their ground.

    Rims, shadows and bands fool each sign alone, so all have to agree; in doubt a line is left as
    it is, because most plates are dark on light and Tesseract itself tries the other way round
    when it is not satisfied.
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
    """Whether the columns that change least from top to bottom, the gaps, are the dark ones."""
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
