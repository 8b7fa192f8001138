# SPDX-License-Identifier: Apache-2.0
"""The [vision] table: models, localizer, readers, and when a burst ends."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from plategate.settings.base import SettingsModel
from plategate.settings.state_paths import SHARED_STATE, StatePath


class VisionSettings(SettingsModel):
    """Settings for finding and reading plates."""

    models_dir: Path | None = Field(
        None, description="folder with MANIFEST.toml; empty: the shipped models"
    )
    choice_file: StatePath = Field(
        SHARED_STATE / "models.toml",
        description="file and runtime of each network as `plategate bench --write` measured them;"
        " without the file the shipped ones are used",
    )
    threads: int = Field(1, ge=1, le=4, description="threads of each network")
    localizer: Literal["auto", "tflite", "contour"] = Field(
        "auto",
        description="auto: the trained detector, and contours if it is missing or fails",
    )
    reader: Literal["auto", "tflite", "tesseract"] = Field(
        "auto",
        description="auto: the trained readers, and Tesseract where they contradict themselves or"
        " fail; tflite or tesseract: only that one",
    )
    countries: tuple[str, ...] = Field(
        (), description="superseded by plates.countries: formats that count as evidence"
    )
    enough_stills: int = Field(
        2, ge=1, le=5, description="a burst ends early once this many stills agree"
    )
