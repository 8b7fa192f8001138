# SPDX-License-Identifier: Apache-2.0
"""The whole pipeline on real pictures: plates found and read, compared with fixed floors.

The floors are in tests/data/demo/expected.toml. Needs the models of this repository and Tesseract.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from plategate.plates.text import fold
from plategate.settings.vision import VisionSettings
from plategate.vision.boxes import intersection_over_union
from plategate.vision.images import load_still
from plategate.vision.pipeline import StillReading, build_pipeline

DEMO = Path(__file__).parent / "data" / "demo"
EXPECTED = tomllib.loads((DEMO / "expected.toml").read_text(encoding="utf-8"))
OVERLAP = 0.5


@dataclass(frozen=True)
class Row:
    """One picture: its true text, the reading, and the overlap of the boxes."""

    file: str
    truth: str
    read: str
    confidence: float
    overlap: float

    @property
    def right(self) -> bool:
        return fold(self.read) == fold(self.truth)


def row(picture: dict[str, Any], found: StillReading) -> Row:
    if "box" not in picture:
        text = found.best.reading.text if found.best else ""
        return Row(picture["file"], "", text, 0.0, 0.0)
    nearest = max(
        found.plates,
        key=lambda plate: intersection_over_union(plate.region.box, picture["box"]),
        default=None,
    )
    if nearest is None:
        return Row(picture["file"], picture["text"], "", 0.0, 0.0)
    share = intersection_over_union(nearest.region.box, picture["box"])
    reading = nearest.reading
    return Row(picture["file"], picture["text"], reading.text, reading.confidence, share)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    pipeline = build_pipeline(VisionSettings())
    assert pipeline.degraded == (), pipeline.degraded
    return [
        row(picture, pipeline.read_still(load_still(DEMO / picture["file"])))
        for picture in EXPECTED["picture"]
    ]


def table(rows: list[Row]) -> str:
    return "\n".join(
        f"{row.file:32} {row.truth:8} {row.read:8} {row.confidence:5.2f} overlap {row.overlap:4.2f}"
        for row in rows
    )


def test_ok__every_plate_is_found(rows: list[Row]) -> None:
    found = sum(row.overlap >= OVERLAP for row in rows if row.truth)
    assert found >= EXPECTED["floor"]["found"], table(rows)


def test_ok__right_readings_reach_the_floor(rows: list[Row]) -> None:
    right = sum(row.right for row in rows if row.truth)
    assert right >= EXPECTED["floor"]["right"], table(rows)


def test_ok__no_wrong_reading_is_confident(rows: list[Row]) -> None:
    assert [row for row in rows if not row.right and row.confidence >= 0.95] == []


def test_ok__a_street_without_a_car_has_no_plate(rows: list[Row]) -> None:
    assert [row.read for row in rows if not row.truth] == [""]
