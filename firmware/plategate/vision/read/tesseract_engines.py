# SPDX-License-Identifier: Apache-2.0
"""Run Tesseract on one grey line image; find the language data that it reads with.

Two engines with one interface: in process (tesserocr, milliseconds a line) and one process a line
(pytesseract, a hundred milliseconds and more). The language data is the project's plate model, or
the stock English data as a degraded mode.
"""

import hashlib
import html
import math
import os
import re
import shutil
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from plategate.errors import ModelError, ReaderError
from plategate.plates.text import canonical
from plategate.values import CharacterReading, Image
from plategate.vision.models import find_model

# Tesseract's OpenMP threads cost more than they save on a line of this size; the limit is read
# when the library is loaded.
os.environ.setdefault("OMP_THREAD_LIMIT", "1")

# Tesseract reports a character's confidence as 100 + 5 * certainty, where certainty is
# 7 * ln(probability), and an alternative's as 100 - 5 * cost.
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
# No whitelist: in some versions it drops permitted characters and sets confidences to zero.
# Characters that are no letter or digit are removed afterwards.
PLATES = "plates"
STOCK = "eng"
SYSTEM_FOLDERS = (
    "/usr/share/tesseract-ocr/5/tessdata",
    "/usr/share/tesseract-ocr/4.00/tessdata",
    "/usr/share/tessdata",
    "/usr/local/share/tessdata",
)


@dataclass(frozen=True)
class LanguageData:
    """One .traineddata file, given as Tesseract takes it: folder, and name without the suffix."""

    folder: Path
    language: str
    degraded: str | None = None

    @property
    def ours(self) -> bool:
        """Whether this is the project's plate model."""
        return self.language != STOCK


def find_language_data(models: Path | None = None) -> LanguageData:
    """The plate model from the manifest, else stock `eng` with the reason in `degraded`."""
    try:
        return LanguageData(_checked_model(models).parent, PLATES)
    except ModelError as error:
        reason = str(error)
    stock = find_stock(_system_folders())
    if stock is None:
        raise ReaderError(f"{reason}, and no {STOCK}.traineddata is installed (tesseract-ocr-eng)")
    return LanguageData(
        stock, STOCK, f"Tesseract reads with stock {STOCK}, which reads few plates: {reason}"
    )


def find_stock(folders: Iterable[Path]) -> Path | None:
    """The first of `folders` that contains the stock English data."""
    return next((f for f in folders if (f / f"{STOCK}.traineddata").is_file()), None)


def _checked_model(models: Path | None) -> Path:
    model = find_model("tesseract", models)
    try:
        content = model.path.read_bytes()
    except OSError as error:
        raise ModelError(f"{model.path} cannot be read: {error.strerror}") from error
    if hashlib.sha256(content).hexdigest() != model.sha256.lower():
        raise ModelError(f"{model.path} is damaged: its sha256 is not the one in MANIFEST.toml")
    return model.path


def _system_folders() -> list[Path]:
    named = os.environ.get("TESSDATA_PREFIX")
    return [Path(name) for name in ((named,) if named else ()) + SYSTEM_FOLDERS]


class Engine(Protocol):
    """Reads the characters of one line."""

    def read_line(self, line: Image) -> tuple[CharacterReading, ...]: ...


class InProcessEngine:
    """Tesseract in this process through tesserocr; every thread loads its own instance."""

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
    """Tesseract as a program through pytesseract: starts and loads its model for every line."""

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
    """Raw line for the plate model; stock data reads more with Tesseract's own text detection."""
    return 13 if data.ours else 7


def open_engine(data: LanguageData, wanted: str = "auto") -> tuple[Engine, str | None]:
    """The wanted engine, or the fastest that works, with a sentence if that is the slow one."""
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
    """Characters and confidences (0..100) of an hOCR page made with hocr_char_boxes."""
    found = re.findall(r"class='ocrx_cinfo'[^>]*?x_conf ([\d.-]+)[^>]*>([^<]*)<", page)
    return [(html.unescape(char), float(confidence)) for confidence, char in found]


def _text(symbol: Any, level: Any) -> str:
    """The symbol's text; "" for an empty word at the end of a page, where tesserocr raises."""
    try:
        return str(symbol.GetUTF8Text(level) or "")
    except RuntimeError:
        return ""


def _choices(symbol: Any) -> tuple[tuple[str, float], ...]:
    """Alternatives of the symbol as (text, cost), cheapest first."""
    return tuple(
        (choice.GetUTF8Text() or "", (100.0 - choice.Confidence()) / COST_PER_POINT)
        for choice in symbol.GetChoiceIterator() or ()
    )


def _characters(
    symbols: Iterable[tuple[str, float, tuple[tuple[str, float], ...]]],
) -> tuple[CharacterReading, ...]:
    """The letters and digits, each with its probability and that of its alternatives."""
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
    """Divide the probability that `sure` leaves among the alternatives by their costs."""
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
