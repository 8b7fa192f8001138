# SPDX-License-Identifier: Apache-2.0
"""Degraded modes with missing models, and how they are reported."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from plategate.settings.vision import VisionSettings
from plategate.values import Still
from plategate.vision.images import load_still
from plategate.vision.pipeline import build_pipeline

MODELS = Path(__file__).parents[2] / "models"
DEMO = Path(__file__).parents[1] / "data" / "demo"


def test_ok__missing_models_are_reported_degraded_modes(tmp_path: Path) -> None:
    blank = Still(np.full((120, 200, 3), 90, np.uint8), "blank")
    pipeline = build_pipeline(VisionSettings(models_dir=tmp_path))
    assert any("plate detector" in sentence for sentence in pipeline.degraded)
    assert any("plate reader" in sentence for sentence in pipeline.degraded)
    assert pipeline.read_still(blank).plates == ()


def test_ok__a_missing_refiner_is_reported_and_the_detector_works_alone(tmp_path: Path) -> None:
    shutil.copytree(MODELS, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("training"))
    (tmp_path / "plate_refiner.tflite").unlink()
    pipeline = build_pipeline(VisionSettings(models_dir=tmp_path))
    (sentence,) = pipeline.degraded
    assert sentence.startswith("plate detector: corners are not refined: ")
    best = pipeline.read_still(load_still(DEMO / "01-day-1.jpg")).best
    assert best is not None
    assert best.region.localizer == "tflite"


def test_ok__contours_alone_are_not_a_degraded_mode() -> None:
    pipeline = build_pipeline(VisionSettings(localizer="contour", reader="tesseract"))
    assert not any("detector" in sentence for sentence in pipeline.degraded)


@pytest.mark.parametrize("content", [None, "repeat = 'x'\n[agreed", "repeat = 0.5\n"])
def test_ok__a_calibration_that_cannot_be_used_is_named_and_plates_are_read(
    tmp_path: Path, content: str | None
) -> None:
    shutil.copytree(MODELS, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("training"))
    (tmp_path / "calibration.toml").unlink()
    if content is not None:
        (tmp_path / "calibration.toml").write_text(content)
    pipeline = build_pipeline(VisionSettings(models_dir=tmp_path))
    assert pipeline.read_still(load_still(DEMO / "01-day-1.jpg")).best is not None
    (sentence,) = pipeline.degraded
    assert "calibration.toml" in sentence


def test_ok__weights_for_lettering_that_cannot_be_used_are_named_and_plates_are_read(
    tmp_path: Path,
) -> None:
    shutil.copytree(MODELS, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("training"))
    (tmp_path / "lettering.toml").write_text("least = 'x'")
    pipeline = build_pipeline(VisionSettings(models_dir=tmp_path))
    assert pipeline.read_still(load_still(DEMO / "01-day-1.jpg")).best is not None
    (sentence,) = pipeline.degraded
    assert "lettering.toml" in sentence


def test_ok__what_is_no_plate_by_the_weights_in_use_is_lettering(tmp_path: Path) -> None:
    shutil.copytree(MODELS, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("training"))
    file = tmp_path / "lettering.toml"
    file.write_text(re.sub(r"\noffset = .*\n", "\noffset = -99\n", file.read_text()))
    pipeline = build_pipeline(VisionSettings(models_dir=tmp_path))
    seen = pipeline.read_still(load_still(DEMO / "01-day-1.jpg"))
    assert seen.plates == () and seen.lettering != ()


def test_ok__the_calibration_of_the_models_in_use_is_applied(tmp_path: Path) -> None:
    shutil.copytree(MODELS, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("training"))
    file = tmp_path / "calibration.toml"
    file.write_text(
        re.sub(r"slope = .*\noffset = .*", "slope = 0.05\noffset = 0.0", file.read_text())
    )
    still = load_still(DEMO / "01-day-1.jpg")
    shipped, flat = (
        build_pipeline(VisionSettings(models_dir=folder)).read_still(still).best
        for folder in (None, tmp_path)
    )
    assert shipped is not None and flat is not None
    assert flat.reading.confidence < 0.7 < shipped.reading.confidence
