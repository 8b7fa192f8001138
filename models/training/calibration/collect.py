# SPDX-License-Identifier: Apache-2.0
"""Records the readings of every labelled plate of a split by every reader on every cut.

The pictures may be degraded first, by the conditions that the detector is measured under.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from detector.conditions import CONDITIONS
from plategate.errors import GateError
from plategate.values import Image, PlateReading, PlateRegion
from plategate.vision.attempts import CASCADE, Asked, Cascade, Cut, ReadingState
from plategate.vision.boxes import Box, intersection_over_union
from plategate.vision.degraded import Degraded
from plategate.vision.interfaces import Localizer, Reader
from plategate.vision.localize.tflite import TfliteLocalizer
from plategate.vision.read.tesseract import TesseractReader
from plategate.vision.read.tflite import SMALL_BEAMS, SMALL_TABLE, SMALL_VARIANTS, TfliteReader
from plategate.vision.region import SMALL, RegionReader, numbers_of, second_cut

from .recorded import CONTRADICTED, key_of

# The main reader on the region as localized and on its close-up.
FIRST_ATTEMPTS = Cascade(
    tuple(
        attempt
        for attempt in CASCADE.attempts
        if attempt.asked is Asked.MAIN
        and attempt.state in {ReadingState.UNREAD, ReadingState.DOUBTFUL}
    )
)
SIDES = ("x0", "y0", "x1", "y1")
LEAST_OVERLAP = 0.35


def labelled(data: Path, split: str) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Pictures of the split, each with the rows of its plates that have a text."""
    pictures: dict[str, list[dict[str, str]]] = {}
    with (data / "plates.csv").open(encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            if row["split"] == split and row["text"]:
                pictures.setdefault(row["image"], []).append(row)
    yield from pictures.items()


def box_region(box: Box) -> PlateRegion:
    x0, y0, x1, y1 = box
    return PlateRegion(((x0, y0), (x1, y0), (x1, y1), (x0, y1)), 1.0, "label")


def region_of(box: Box, found: list[PlateRegion]) -> PlateRegion | None:
    """The found region of this plate, if any."""
    best = max(found, key=lambda region: intersection_over_union(region.box, box), default=None)
    return (
        best
        if best is not None and intersection_over_union(best.box, box) >= LEAST_OVERLAP
        else None
    )


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
    """One record a plate; without a localizer, plates are cut at their labelled boxes."""
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
    """The readings of every cut by the readers that the firmware's table of attempts names.

    Where the firmware replaces the first reading by one in a close-up, the cuts are those of the
    close-up, and the first reading is recorded as CONTRADICTED.
    """
    numbers = numbers_of(readers)
    main = [readers[number] for number in numbers[Asked.MAIN]]
    first = RegionReader(main, None, Degraded(), time.perf_counter, FIRST_ATTEMPTS)
    normal, tally = first.attempt(image, region, localizer or LabelledBoxes())
    cuts = {
        Cut.REGION: normal,
        Cut.SECOND: second_cut(image, normal),
    }
    found = {CONTRADICTED: packed(tally.contradicted[0])} if tally.contradicted else {}
    for attempt in CASCADE.attempts:
        for number in numbers[attempt.asked] if attempt.cut in cuts else ():
            key = key_of(readers[number].name, attempt)
            if key not in found:
                found[key] = packed(readers[number].read(cuts[attempt.cut], attempt.variants))
    return found


class LabelledBoxes:
    """A `Localizer` for regions that are known already; has no close-ups."""

    name = "label"

    def localize(self, _image: Image, _every: bool = True) -> list[PlateRegion]:
        raise AssertionError("the regions are given")

    def close_up(self, _image: Image, _region: PlateRegion) -> PlateRegion | None:
        return None


def small_reader() -> Reader:
    return TfliteReader(table=SMALL_TABLE, name=SMALL, variants=SMALL_VARIANTS, beams=SMALL_BEAMS)


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
    for build in (small_reader, TfliteReader, TesseractReader):
        try:
            readers.append(build())
        except GateError as error:
            print(f"without {build.__name__}: {error}")
    with wanted.out.open("w", encoding="utf-8") as out:
        for record in collect(wanted.data, wanted.split, wanted.condition, localizer, readers):
            out.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
