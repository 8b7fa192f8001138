# SPDX-License-Identifier: Apache-2.0
"""Build the localizers and readers that the settings ask for; one that cannot be had is said once.

The only place of the pipeline that knows concrete parts; everything else sees `vision.ports`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from plategate.errors import GateError
from plategate.settings.vision import VisionSettings
from plategate.vision.degraded import Degraded
from plategate.vision.interfaces import Localizer, Reader

T = TypeVar("T")


def build_localizers(settings: VisionSettings, degraded: Degraded) -> list[Localizer]:
    """The localizers in the order in which they are asked."""
    parts: list[Localizer] = []
    if settings.localizer in ("auto", "tflite"):
        _add(parts, "plate detector", lambda: _tflite_localizer(settings, degraded), degraded)
    if settings.localizer in ("auto", "contour") or not parts:
        _add(parts, "contour localizer", _contour_localizer, degraded)
    return parts


def build_readers(settings: VisionSettings, degraded: Degraded) -> list[Reader]:
    """The readers in the order in which they are asked."""
    parts: list[Reader] = []
    if settings.reader in ("auto", "tflite"):
        _add(parts, "plate reader", lambda: _tflite_reader(settings), degraded)
    if settings.reader in ("auto", "tesseract") or not parts:
        _add(parts, "Tesseract", lambda: _tesseract_reader(settings, degraded), degraded)
    return parts


def _add(parts: list[T], name: str, build: Callable[[], T], degraded: Degraded) -> None:
    """Append the part, or say why it is missing. A library that is absent is an ImportError."""
    try:
        parts.append(build())
    except (GateError, ImportError) as error:
        degraded.lost(name, str(error))


def _tflite_localizer(settings: VisionSettings, degraded: Degraded) -> Localizer:
    from plategate.vision.localize.tflite import TfliteLocalizer

    localizer = TfliteLocalizer.from_manifest(settings.models_dir, settings.threads)
    if localizer.degraded:
        degraded.worse("plate detector", localizer.degraded)
    return localizer


def _contour_localizer() -> Localizer:
    from plategate.vision.localize.contour import ContourLocalizer

    return ContourLocalizer()


def _tflite_reader(settings: VisionSettings) -> Reader:
    from plategate.vision.read.tflite import TfliteReader

    return TfliteReader(settings.models_dir, settings.threads)


def _tesseract_reader(settings: VisionSettings, degraded: Degraded) -> Reader:
    from plategate.vision.read.tesseract import TesseractReader

    reader = TesseractReader(settings.models_dir)
    if reader.degraded:
        degraded.worse("Tesseract", reader.degraded)
    return reader
