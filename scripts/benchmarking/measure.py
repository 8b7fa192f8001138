# SPDX-License-Identifier: Apache-2.0
"""Runs a pipeline over labelled pictures and records region, reading and times of every plate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2

from benchmarking.conditions import degrade
from benchmarking.labels import Box, LabelledPicture
from plategate.errors import ImageError
from plategate.plates.text import fold
from plategate.values import PlateRegion, Still
from plategate.vision.boxes import intersection_over_union
from plategate.vision.consensus.calibrate import AGREED
from plategate.vision.images import load_still
from plategate.vision.pipeline import Pipeline, PlateFound, StillReading

FOUND_IOU = 0.5
# Smallest overlap (IoU) at which a reading is assigned to a label.
READ_IOU = 0.2


@dataclass(frozen=True)
class PlateResult:
    """One labelled plate: whether it was found, and its reading."""

    found: bool
    truth: str | None
    two_line: bool
    width_px: float
    text: str = ""
    confidence: float = 0.0

    @property
    def right(self) -> bool:
        """Whether the text was read without error, with O=0 and I=1 treated as equal."""
        return self.truth is not None and fold(self.text) == fold(self.truth)


@dataclass(frozen=True)
class PictureResult:
    """One picture: its plates, other regions, milliseconds by stage, and who read it.

    `reader` is the one that read every plate alone, None where several had to or nothing was read.
    """

    file: Path
    group: str
    plates: tuple[PlateResult, ...]
    others: int
    unlabelled: tuple[float, ...]
    milliseconds: dict[str, float]
    reader: str | None = None


def measure(
    pipeline: Pipeline,
    pictures: Iterable[LabelledPicture],
    condition: str | None,
    every: bool = True,
) -> Iterator[PictureResult]:
    """One result for each picture, in order, on one thread; SystemExit names an unusable one.

    Without `every` the pipeline reads one plate of each picture, as the gate does.
    """
    cv2.setNumThreads(1)
    for picture in pictures:
        still, boxes = _shown(picture, condition)
        yield _compare(picture, boxes, pipeline.read_still(still, every))


@lru_cache(maxsize=1)
def _shown(picture: LabelledPicture, condition: str | None) -> tuple[Still, list[Box]]:
    """The picture as it is read; kept, since several policies read one picture in turn."""
    try:
        still = load_still(picture.file)
    except ImageError as error:
        raise SystemExit(f"{picture.file}: {error}") from error
    boxes = [plate.box for plate in picture.plates]
    image, moved = degrade(condition, still.image, boxes, picture.file.name)
    return Still(image=image, source=still.source), moved


def _compare(picture: LabelledPicture, boxes: list[Box], reading: StillReading) -> PictureResult:
    taken: set[int] = set()
    plates = []
    for plate, box in zip(picture.plates, boxes, strict=True):
        region = _nearest(reading.regions, box)
        if region is not None:
            taken.add(region)
        found = _read_at(reading.plates, box)
        plates.append(
            PlateResult(
                found=region is not None,
                truth=plate.text,
                two_line=plate.two_line,
                width_px=box[2] - box[0],
                text=found.reading.text if found else "",
                confidence=found.reading.confidence if found else 0.0,
            )
        )
    return PictureResult(
        file=picture.file,
        group=picture.group,
        plates=tuple(plates),
        others=len(reading.regions) - len(taken),
        unlabelled=tuple(
            plate.reading.confidence for plate in reading.plates if _labelled(plate, boxes) is None
        ),
        milliseconds=dict(reading.milliseconds),
        reader=_only_reader(reading.plates),
    )


def _only_reader(plates: Iterable[PlateFound]) -> str | None:
    readers = {plate.reading.reader for plate in plates}
    return readers.pop() if len(readers) == 1 and AGREED not in readers else None


def _nearest(regions: Iterable[PlateRegion], box: Box) -> int | None:
    shares = [intersection_over_union(region.box, box) for region in regions]
    best = max(range(len(shares)), key=shares.__getitem__, default=None)
    return best if best is not None and shares[best] >= FOUND_IOU else None


def _read_at(plates: Iterable[PlateFound], box: Box) -> PlateFound | None:
    shares = [(intersection_over_union(plate.region.box, box), plate) for plate in plates]
    share, plate = max(shares, key=lambda item: item[0], default=(0.0, None))
    return plate if share >= READ_IOU else None


def _labelled(plate: PlateFound, boxes: Iterable[Box]) -> Box | None:
    """The label that a plate belongs to, if any."""
    return next(
        (box for box in boxes if intersection_over_union(plate.region.box, box) >= READ_IOU), None
    )
