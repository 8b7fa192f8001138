# SPDX-License-Identifier: Apache-2.0
"""Guards: a still without a plate costs at most twice a clear picture, networks by their costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import pytest

from plategate.settings.vision import VisionSettings
from plategate.values import Still
from plategate.vision.interpreter import Model
from plategate.vision.pipeline import build_pipeline

DEMO = Path(__file__).parents[1] / "data" / "demo"
DETECTOR = 76.5
# Millions of instructions of a run on a Cortex-A72, the detector's of its largest canvas
# (docs/developer/latency.md, scripts/benchmarking/charged.py).
COSTS = {
    "plate_detector": DETECTOR,
    "plate_refiner": 19.4,
    "plate_reader_small": 18.2,
    "plate_reader": 95.4,
}


def cost_of(name: str, monkeypatch: pytest.MonkeyPatch) -> float:
    """Millions of instructions on a Cortex-A72 for the networks that a demo picture takes."""
    spent = [0.0]
    run = Model.run

    def counted(model: Model, array: Any) -> Any:
        _, height, width = array.shape[:3]
        table = model.name.removesuffix(".tflite")
        share = height * width / (384 * 288) if table == "plate_detector" else 1.0
        spent[0] += COSTS[table] * share
        return run(model, array)

    image = cv2.imread(str(DEMO / name))
    with monkeypatch.context() as patch:
        patch.setattr(Model, "run", counted)
        build_pipeline(VisionSettings()).read_still(Still(image, name))
    return spent[0]


def test_ok__an_empty_street_costs_at_most_twice_a_clear_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clear = cost_of("01-day-1.jpg", monkeypatch)
    assert clear > DETECTOR / 2
    assert cost_of("14-street-without-a-car.jpg", monkeypatch) <= 2 * clear
