# SPDX-License-Identifier: Apache-2.0
"""Run networks and Tesseract once for each distinct input, and count every call with its cost."""

from __future__ import annotations

from collections import Counter
from typing import Any

from plategate.vision.interpreter import Model
from plategate.vision.localize.contour import ContourLocalizer
from plategate.vision.read import tflite
from plategate.vision.read.tesseract_engines import InProcessEngine

# Millions of instructions of one call on an emulated Cortex-A72: files in floating point with
# tflite-runtime 2.14, integer files with LiteRT 2.3. The detector's of its largest canvas, the
# readers' with decoding (with eight hypotheses), Tesseract's of a line, contours' of a picture of
# 1280 x 720.
MILLIONS = {
    "plate_detector": 76.5,
    "plate_detector_int8": 72.4,
    "plate_refiner": 19.4,
    "plate_refiner_int8": 16.5,
    "plate_reader": 93.1 + 2.3,
    "plate_reader_dyn8": 85.0 + 2.3,
    "plate_reader_int8": 74.5 + 2.3,
    "plate_reader_small": 14.5 + 3.7,
    "plate_reader_small_int8": 12.5 + 3.7,
    "tesseract": 53.0,
    "contours": 500.0,
}
LARGEST_CANVAS = 384 * 288


class Charged:
    """Replaces the calls of all models and of Tesseract while it exists."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self._known: dict[Any, Any] = {}
        run, read_line, localize = Model.run, InProcessEngine.read_line, ContourLocalizer.localize

        def model_run(model: Model, array: Any) -> Any:
            name = model.name.removesuffix(".tflite")
            share = array.shape[1] * array.shape[2] / LARGEST_CANVAS if "detector" in name else 1
            return self._once(name, share, array, lambda: run(model, array))

        def engine_read(engine: InProcessEngine, line: Any) -> Any:
            return self._once("tesseract", 1, line, lambda: read_line(engine, line))

        def contours(localizer: ContourLocalizer, image: Any) -> Any:
            return self._once("contours", 1, image, lambda: localize(localizer, image))

        search = tflite.prefix_beam_search  # type: ignore[attr-defined]

        def beam_search(probabilities: Any, beams: int) -> Any:
            key = "search", beams, probabilities.shape, probabilities.tobytes()
            if key not in self._known:
                self._known[key] = search(probabilities, beams)
            return self._known[key]

        tflite.prefix_beam_search = beam_search  # type: ignore[attr-defined,assignment]
        Model.run = model_run  # type: ignore[method-assign,assignment]
        InProcessEngine.read_line = engine_read  # type: ignore[method-assign,assignment]
        ContourLocalizer.localize = contours  # type: ignore[method-assign,assignment]

    def forget(self) -> None:
        """Drop the outputs that are kept, before another picture."""
        self._known.clear()

    def _once(self, name: str, share: float, array: Any, call: Any) -> Any:
        self.calls[name] += share  # type: ignore[assignment]
        key = name, array.shape, array.tobytes()
        if key not in self._known:
            self._known[key] = call()
        return self._known[key]

    @staticmethod
    def millions(calls: Counter[str]) -> float:
        """Instructions of these calls, in millions."""
        return sum(MILLIONS[name] * count for name, count in calls.items())
