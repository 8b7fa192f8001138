# SPDX-License-Identifier: Apache-2.0
"""Find the language data that Tesseract reads plates with: ours, else the stock English."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from plategate.errors import ModelError, ReaderError
from plategate.vision.models import find_model

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
    """One .traineddata file: Tesseract wants its folder and its name without the ending."""

    folder: Path
    language: str
    degraded: str | None = None

    @property
    def ours(self) -> bool:
        return self.language != STOCK


def find_language_data(models: Path | None = None) -> LanguageData:
    """Our plate model as the manifest promises it, else stock `eng` as a degraded mode."""
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
    """The first of `folders` that holds the stock English data."""
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
