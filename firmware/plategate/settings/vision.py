# SPDX-License-Identifier: Apache-2.0
"""The [vision] table: where the models are and how sure a reading must be."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from plategate.settings.base import SettingsModel


class VisionSettings(SettingsModel):
    """How plates are found and read."""

    models_dir: Path | None = Field(
        None, description="folder with MANIFEST.toml; empty: the one that came with Plategate"
    )
    threads: int = Field(1, ge=1, le=4, description="threads of one model")
    localizer: Literal["auto", "tflite", "contour"] = Field(
        "auto",
        description="auto: the trained detector, and contours where it finds nothing or is missing",
    )
    reader: Literal["auto", "tflite", "tesseract"] = Field(
        "auto", description="auto: both readers; tflite or tesseract: only that one"
    )
    countries: tuple[str, ...] = Field(
        (), description="superseded by plates.countries: formats that count as evidence"
    )
    enough_stills: int = Field(
        2, ge=1, le=5, description="a burst ends early once this many stills agree"
    )
