# SPDX-License-Identifier: Apache-2.0
"""Draws every labelled plate that the pipeline misses or misreads on one contact sheet.

python -m calibration.errors --data DATA --out errors.png
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2

from plategate.plates.text import fold
from plategate.settings.vision import VisionSettings
from plategate.vision.boxes import Box, intersection_over_union
from plategate.vision.images import load_still
from plategate.vision.pipeline import Pipeline, PlateFound, build_pipeline
from plategate.vision.rectify.plate import evidence

from .collect import LEAST_OVERLAP, SIDES, box_region, labelled
from .contact_sheet import Shown, contact_sheet


def wrong(pipeline: Pipeline, data: Path, split: str, only: str | None) -> Iterator[Shown]:
    """Misread plates of a split, or of one set of it, cut from their pictures."""
    for name, all_rows in labelled(data, split):
        rows = [row for row in all_rows if only in (None, row["set"])]
        if not rows:
            continue
        still = load_still(data / name)
        plates = pipeline.read_still(still).plates
        for row in rows:
            box = tuple(float(row[side]) for side in SIDES)
            text, confidence = said_at(box, plates)
            if fold(text) != fold(row["text"]):
                yield Shown(evidence(still.image, box_region(box)), row["text"], text, confidence)


def said_at(box: Box, plates: tuple[PlateFound, ...]) -> tuple[str, float]:
    """Text and confidence of the reading at a label; "" and 0.0 if there is none."""
    best = max(
        plates, key=lambda plate: intersection_over_union(plate.region.box, box), default=None
    )
    if best is None or intersection_over_union(best.region.box, box) < LEAST_OVERLAP:
        return "", 0.0
    return best.reading.text, best.reading.confidence


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="picture to write")
    parser.add_argument("--split", default="val")
    parser.add_argument("--set", dest="only", help="only this set")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    shown = list(wrong(build_pipeline(VisionSettings()), options.data, options.split, options.only))
    cv2.imwrite(str(options.out), contact_sheet(shown))
    for plate in shown:
        print(f"{plate.truth} read {plate.text or '-'} {plate.confidence:.2f}")


if __name__ == "__main__":
    main()
