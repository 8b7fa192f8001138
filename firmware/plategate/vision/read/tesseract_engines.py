# SPDX-License-Identifier: Apache-2.0
"""Run Tesseract on one grey line image and return its characters with confidences.

Two engines with one interface: in process (tesserocr, milliseconds) and one process for every
line (pytesseract, a hundred milliseconds and more). Neither knows what a plate is.
"""

import html
import math
import os
import re
import shutil
import threading
from collections.abc import Iterable
from typing import Any, Protocol

from plategate.errors import ReaderError
from plategate.plates.text import canonical
from plategate.values import CharacterReading, Image
from plategate.vision.read.tesseract_data import LanguageData

# Tesseract starts OpenMP threads that cost more than they give on a line of this size; the limit
# is read when the library is loaded.
os.environ.setdefault("OMP_THREAD_LIMIT", "1")

# Tesseract shows a character as 100 + 5 * certainty, and certainty is 7 * ln(probability); a choice
# as 100 - 5 * cost.
POINTS_PER_NAT = 35.0
COST_PER_POINT = 5.0
KEPT_ALTERNATIVES = 5
TIMEOUT_S = 20
VARIABLES = {
    "load_system_dawg": "0",
    "load_freq_dawg": "0",
    "load_punc_dawg": "0",
    "load_number_dawg": "0",
    "user_defined_dpi": "300",
}
# No whitelist: it makes permitted characters vanish and zeroes confidences in some versions, so
# what is no letter or digit is dropped afterwards.


class Engine(Protocol):
    """Reads the characters of one line."""

    def read_line(self, line: Image) -> tuple[CharacterReading, ...]: ...


class InProcessEngine:
    """Tesseract inside this process through tesserocr; every thread has its own loaded copy."""

    def __init__(self, data: LanguageData) -> None:
        try:
            import tesserocr
        except ImportError as error:
            raise ReaderError(f"tesserocr cannot be imported: {error}") from error
        self._tesserocr = tesserocr
        self._level = tesserocr.RIL.SYMBOL
        self._data = data
        self._local = threading.local()
        self._api()

    def read_line(self, line: Image) -> tuple[CharacterReading, ...]:
        api = self._api()
        height, width = line.shape
        try:
            api.SetImageBytes(line.tobytes(), width, height, 1, width)
            found = api.GetIterator() if api.Recognize() else None
        except RuntimeError as error:
            raise ReaderError(f"Tesseract failed on a line: {error}") from error
        if found is None:
            return ()
        return _characters(
            (_text(symbol, self._level), symbol.Confidence(self._level), _choices(symbol))
            for symbol in self._tesserocr.iterate_level(found, self._level)
        )

    def _api(self) -> Any:
        if not hasattr(self._local, "api"):
            variables = VARIABLES | {"lstm_choice_mode": "2"}
            try:
                self._local.api = self._tesserocr.PyTessBaseAPI(
                    path=str(self._data.folder),
                    lang=self._data.language,
                    psm=_page_mode(self._data),
                    oem=self._tesserocr.OEM.LSTM_ONLY,
                    variables=variables,
                )
            except RuntimeError as error:
                raise ReaderError(f"Tesseract cannot load {self._data}: {error}") from error
        return self._local.api


class ProcessEngine:
    """Tesseract as a program through pytesseract: starts and loads the model for every line."""

    def __init__(self, data: LanguageData) -> None:
        try:
            import pytesseract
        except ImportError as error:
            raise ReaderError(f"pytesseract cannot be imported: {error}") from error
        self._pytesseract = pytesseract
        if shutil.which(pytesseract.pytesseract.tesseract_cmd) is None:
            raise ReaderError("the program tesseract is not installed (apt: tesseract-ocr)")
        self._language = data.language
        settings = " ".join(f"-c {name}={value}" for name, value in VARIABLES.items())
        self._options = (
            f'--tessdata-dir "{data.folder}" --oem 1 --psm {_page_mode(data)} {settings}'
        )
        self._options += " -c hocr_char_boxes=1"

    def read_line(self, line: Image) -> tuple[CharacterReading, ...]:
        from PIL import Image as PilImage

        try:
            page = self._pytesseract.image_to_pdf_or_hocr(
                PilImage.fromarray(line),
                lang=self._language,
                config=self._options,
                extension="hocr",
                timeout=TIMEOUT_S,
            )
        except (RuntimeError, OSError) as error:
            raise ReaderError(f"the program tesseract failed: {error}") from error
        shown = parse_hocr(page.decode("utf-8", errors="replace"))
        return _characters((char, confidence, ()) for char, confidence in shown)


def _page_mode(data: LanguageData) -> int:
    """Ours takes the line as it is; stock data read more when Tesseract first looks for text."""
    return 13 if data.ours else 7


def open_engine(data: LanguageData, wanted: str = "auto") -> tuple[Engine, str | None]:
    """The wanted engine, or the quickest that works and a sentence if that is the slow one."""
    if wanted == "tesserocr":
        return InProcessEngine(data), None
    if wanted == "pytesseract":
        return ProcessEngine(data), None
    try:
        return InProcessEngine(data), None
    except ReaderError as error:
        reason = str(error)
    return ProcessEngine(data), f"Tesseract runs as a process for every line: {reason}"


def parse_hocr(page: str) -> list[tuple[str, float]]:
    """The characters of an hOCR page made with hocr_char_boxes, with their confidences (0..100)."""
    found = re.findall(r"class='ocrx_cinfo'[^>]*?x_conf ([\d.-]+)[^>]*>([^<]*)<", page)
    return [(html.unescape(char), float(confidence)) for confidence, char in found]


def _text(symbol: Any, level: Any) -> str:
    """The symbol; an empty word at the end of a page has none, which tesserocr raises."""
    try:
        return str(symbol.GetUTF8Text(level) or "")
    except RuntimeError:
        return ""


def _choices(symbol: Any) -> tuple[tuple[str, float], ...]:
    """What else the symbol at hand might be, as (text, cost), cheapest first."""
    return tuple(
        (choice.GetUTF8Text() or "", (100.0 - choice.Confidence()) / COST_PER_POINT)
        for choice in symbol.GetChoiceIterator() or ()
    )


def _characters(
    symbols: Iterable[tuple[str, float, tuple[tuple[str, float], ...]]],
) -> tuple[CharacterReading, ...]:
    """Keep what is a letter or a digit, with a probability and the share of each alternative."""
    kept = []
    for shown, confidence, choices in symbols:
        char = canonical(shown)
        if len(char) == 1:
            sure = math.exp(min(0.0, confidence - 100.0) / POINTS_PER_NAT)
            kept.append(CharacterReading(char, sure, _alternatives(char, sure, choices)))
    return tuple(kept)


def _alternatives(
    char: str, sure: float, choices: Iterable[tuple[str, float]]
) -> tuple[tuple[str, float], ...]:
    """Share what `sure` leaves among the other choices, the cheap ones getting more."""
    shares: dict[str, float] = {}
    for shown, cost in choices:
        other = canonical(shown)
        if len(other) == 1 and other != char:
            shares[other] = shares.get(other, 0.0) + math.exp(-cost)
    total = sum(shares.values())
    if total <= 0.0:
        return ()
    best = sorted(shares.items(), key=lambda item: (-item[1], item[0]))[:KEPT_ALTERNATIVES]
    return tuple((other, (1.0 - sure) * share / total) for other, share in best)
