# SPDX-License-Identifier: Apache-2.0
"""Build the localizers and readers that the settings ask for; report those that are unavailable.

The only module that imports the concrete localizers and readers; the others use `interfaces`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from plategate.errors import GateError, ModelError
from plategate.settings.vision import VisionSettings
from plategate.vision.choice import NO_CHOICES, Choices, load_choices
from plategate.vision.consensus.calibrate import (
    UNCALIBRATED,
    Calibration,
    load_calibration,
)
from plategate.vision.consensus.lettering import PlateTest, load_plate_test
from plategate.vision.degraded import Degraded
from plategate.vision.interfaces import Localizer, Reader
from plategate.vision.models import find_model
from plategate.vision.read.tflite import SMALL_TABLE
from plategate.vision.region import SMALL

T = TypeVar("T")


def build_localizers(settings: VisionSettings, degraded: Degraded) -> list[Localizer]:
    """The localizers in the order in which they are tried."""
    parts: list[Localizer] = []
    if settings.localizer in ("auto", "tflite"):
        _add(parts, "plate detector", lambda: _tflite_localizer(settings, degraded), degraded)
    if settings.localizer in ("auto", "contour") or not parts:
        _add(parts, "contour localizer", _contour_localizer, degraded)
    return parts


def build_calibration(settings: VisionSettings, degraded: Degraded) -> Calibration:
    """The calibration of the models in use; uncalibrated, and reported, if it is unavailable."""
    try:
        return load_calibration(settings.models_dir)
    except ModelError as error:
        degraded.failed("calibration of confidences", str(error))
        return UNCALIBRATED


def build_plate_test(settings: VisionSettings, degraded: Degraded) -> PlateTest | None:
    """What tells plates from other lettering; None, and reported, if it is unavailable."""
    try:
        return load_plate_test(settings.models_dir)
    except ModelError as error:
        degraded.failed("telling plates from other lettering", str(error))
        return None


def build_readers(settings: VisionSettings, degraded: Degraded) -> list[Reader]:
    """The readers in the order in which they are tried."""
    parts: list[Reader] = []
    if settings.reader in ("auto", "tflite") and _has_small_reader(settings):
        _add(parts, "small plate reader", lambda: _small_reader(settings, degraded), degraded)
    if settings.reader in ("auto", "tflite"):
        _add(parts, "plate reader", lambda: _tflite_reader(settings, degraded), degraded)
    # Last, because it is also the fallback if no other reader could be built.
    if settings.reader in ("auto", "tesseract") or not parts:
        later = bool(parts) and parts[-1].name != SMALL
        _add(parts, "Tesseract", lambda: _tesseract_reader(settings, degraded, later), degraded)
    return parts


def choices_of(settings: VisionSettings, degraded: Degraded) -> Choices:
    """The measured choice of files and runtimes; the shipped ones, and reported, if damaged."""
    try:
        return load_choices(settings.choice_file)
    except ModelError as error:
        degraded.impaired("choice of models", str(error))
        return NO_CHOICES


def _add(parts: list[T], name: str, build: Callable[[], T], degraded: Degraded) -> None:
    """Append what `build` returns, or record the reason; a missing library is an ImportError."""
    try:
        parts.append(build())
    except (GateError, ImportError) as error:
        degraded.failed(name, str(error))


def _tflite_localizer(settings: VisionSettings, degraded: Degraded) -> Localizer:
    from plategate.vision.localize.tflite import TfliteLocalizer

    localizer = TfliteLocalizer.from_manifest(
        settings.models_dir, settings.threads, choices_of(settings, degraded)
    )
    if localizer.degraded:
        degraded.impaired("plate detector", localizer.degraded)
    return localizer


def _contour_localizer() -> Localizer:
    from plategate.vision.localize.contour import ContourLocalizer

    return ContourLocalizer()


def _tflite_reader(settings: VisionSettings, degraded: Degraded) -> Reader:
    from plategate.vision.read.tflite import TfliteReader

    choices = choices_of(settings, degraded)
    return TfliteReader(settings.models_dir, settings.threads, choices=choices)


def _has_small_reader(settings: VisionSettings) -> bool:
    """Whether the manifest names a small reader; folders of other models may have none."""
    try:
        find_model(SMALL_TABLE, settings.models_dir)
    except ModelError:
        return False
    return True


def _small_reader(settings: VisionSettings, degraded: Degraded) -> Reader:
    from plategate.vision.read.tflite import SMALL_BEAMS, SMALL_VARIANTS, TfliteReader

    choices = choices_of(settings, degraded)
    return TfliteReader(
        settings.models_dir,
        settings.threads,
        SMALL_TABLE,
        SMALL,
        SMALL_VARIANTS,
        choices,
        SMALL_BEAMS,
    )


def _tesseract_reader(settings: VisionSettings, degraded: Degraded, deferred: bool) -> Reader:
    """Tesseract; `deferred` where the main reader is there and this one is seldom asked."""
    from plategate.vision.read.tesseract import TesseractReader

    reader = TesseractReader(settings.models_dir, deferred=deferred)
    if reader.degraded:
        degraded.impaired("Tesseract", reader.degraded)
    return reader
