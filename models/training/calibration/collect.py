# SPDX-License-Identifier: Apache-2.0
"""Reads every labelled plate of a split with every reader and cut, and writes the readings down.

The pictures may be made harder first, in the ways that the detector is measured under.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from detector.conditions import CONDITIONS
from plategate.errors import GateError
from plategate.values import Image, PlateImage, PlateReading, PlateRegion
from plategate.vision.interfaces import Localizer, Reader
from plategate.vision.localize.contour_refine import refine_corners
from plategate.vision.localize.tflite import TfliteLocalizer
from plategate.vision.read.tesseract import TesseractReader
from plategate.vision.read.tflite import TfliteReader
from plategate.vision.rectify.plate import NORMAL, rectify
from plategate.vision.region import CLEAR, SECOND_CUT, another_cut

Box = tuple[float, float, float, float]
SIDES = ("x0", "y0", "x1", "y1")
LEAST_OVERLAP = 0.35


def labelled(data: Path, split: str) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Pictures of the split, each with its plates that have a text."""
    pictures: dict[str, list[dict[str, str]]] = {}
    with (data / "plates.csv").open(encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            if row["split"] == split and row["text"]:
                pictures.setdefault(row["image"], []).append(row)
    yield from pictures.items()


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (one, other)]
    return width * height / (sum(areas) - width * height)


def box_region(box: Box) -> PlateRegion:
    x0, y0, x1, y1 = box
    return PlateRegion(((x0, y0), (x1, y0), (x1, y1), (x0, y1)), 1.0, "label")


def region_of(box: Box, found: list[PlateRegion]) -> PlateRegion | None:
    """The found region that is this plate."""
    best = max(found, key=lambda region: overlap(region.box, box), default=None)
    return best if best is not None and overlap(best.box, box) >= LEAST_OVERLAP else None


def packed(reading: PlateReading | None) -> dict[str, Any] | None:
    if reading is None:
        return None
    return {
        "reader": reading.reader,
        "characters": [[c.char, c.confidence, list(c.alternatives)] for c in reading.characters],
        "texts": [[other.text, other.confidence] for other in reading.alternatives],
    }


def collect(
    data: Path, split: str, condition: str, localizer: Localizer | None, readers: list[Reader]
) -> Iterator[dict[str, Any]]:
    """One record a plate; without a localizer plates are cut at their labelled boxes."""
    for name, rows in labelled(data, split):
        image = np.asarray(cv2.imread(str(data / name)), np.uint8)
        boxes = [np.array([row[side] for side in SIDES], np.float32) for row in rows]
        rng = np.random.default_rng(len(name) + sum(map(ord, name)))
        image, boxes = CONDITIONS[condition](rng, image, boxes)
        found = localizer.localize(image) if localizer else []
        for row, labelled_box in zip(rows, boxes, strict=True):
            box = tuple(labelled_box.tolist())
            region = region_of(box, found) if localizer else box_region(box)
            record = {key: row[key] for key in ("image", "set", "text", "two_line")}
            record |= {"found": region is not None, "readings": {}}
            if region:
                record["readings"] = read(image, region, localizer, readers)
            yield record


def read(
    image: Image, region: PlateRegion, localizer: Localizer | None, readers: list[Reader]
) -> dict[str, Any]:
    """What every reader makes of every cut.

    Where the first reader is in doubt and reads more surely from nearer, the cuts are those from
    nearer, as in the pipeline, and what it read before is kept as its "doubted" reading.
    """
    first, readings = readers[0], {}
    before = first.read(rectify(image, region, NORMAL))
    if localizer and sureness(before) < CLEAR:
        nearer = localizer.look_closer(image, region)
        if nearer and sureness(first.read(rectify(image, nearer, NORMAL))) > sureness(before):
            region = nearer
            readings[f"{first.name} doubted"] = packed(before)
    for cut, plate in cuts(image, region).items():
        for reader in readers:
            readings[f"{reader.name} {cut}"] = packed(reader.read(plate))
    return readings


def sureness(reading: PlateReading | None) -> float:
    return reading.confidence if reading else 0.0


def cuts(image: Image, region: PlateRegion) -> dict[str, PlateImage]:
    """The cuts that the pipeline makes of a region."""
    levelled = refine_corners(image, region)
    normal = rectify(image, region, NORMAL)
    return {
        "normal": normal,
        "again": another_cut(image, normal),
        "level": rectify(image, levelled, SECOND_CUT),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--split", default="val")
    parser.add_argument("--condition", choices=CONDITIONS, default="day")
    parser.add_argument("--labelled-boxes", action="store_true", help="without our localizer")
    wanted = parser.parse_args()
    cv2.setNumThreads(1)
    localizer = None if wanted.labelled_boxes else TfliteLocalizer.from_manifest()
    readers: list[Reader] = []
    for build in (TfliteReader, TesseractReader):
        try:
            readers.append(build())
        except GateError as error:
            print(f"without {build.__name__}: {error}")
    with wanted.out.open("w", encoding="utf-8") as out:
        for record in collect(wanted.data, wanted.split, wanted.condition, localizer, readers):
            out.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
