# SPDX-License-Identifier: Apache-2.0
"""Reads a labelled folder with the pipeline and keeps the readings with all alternatives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2

from benchmarking.labels import read_labels
from plategate.settings.vision import VisionSettings
from plategate.values import CharacterReading, PlateReading, TextAlternative
from plategate.vision.boxes import intersection_over_union
from plategate.vision.images import load_still
from plategate.vision.pipeline import build_pipeline

SAME_PLATE = 0.3  # intersection over union of the box read and the box labelled


@dataclass(frozen=True)
class Sample:
    """One labelled plate and its reading, or None."""

    group: str
    image: str
    truth: str
    reading: PlateReading | None


def collect(folder: Path, split: str, cache: Path) -> list[Sample]:
    """All plates of a split that have a text; read once and stored in `cache`."""
    if not cache.exists():
        partial = cache.with_suffix(".partial")
        with partial.open("w", encoding="utf-8") as out:
            out.writelines(json.dumps(as_dict(s)) + "\n" for s in read_all(folder, split))
        partial.rename(cache)
    with cache.open(encoding="utf-8") as lines:
        return [as_sample(json.loads(line)) for line in lines]


def read_all(folder: Path, split: str) -> Iterator[Sample]:
    """Run the pipeline over the pictures, on one thread."""
    cv2.setNumThreads(1)
    pipeline = build_pipeline(VisionSettings())
    for picture in read_labels(folder, split):
        found = pipeline.read_still(load_still(picture.file)).plates
        for plate in picture.plates:
            if plate.text is None:
                continue
            near = [(intersection_over_union(f.region.box, plate.box), f) for f in found]
            share, best = max(near, key=lambda pair: pair[0], default=(0.0, None))
            reading = best.reading if best is not None and share >= SAME_PLATE else None
            image = picture.file.relative_to(folder).as_posix()
            yield Sample(picture.group, image, plate.text, reading)


def as_dict(sample: Sample) -> dict[str, object]:
    """A sample as JSON types."""
    reading = sample.reading
    kept = None
    if reading is not None:
        kept = {
            "reader": reading.reader,
            "characters": [[c.char, c.confidence, c.alternatives] for c in reading.characters],
            "alternatives": [[a.text, a.confidence] for a in reading.alternatives],
        }
    return {
        "group": sample.group,
        "image": sample.image,
        "truth": sample.truth,
        "reading": kept,
    }


def as_sample(kept: dict[str, object]) -> Sample:
    """A sample from JSON types."""
    raw = kept["reading"]
    reading = None
    if isinstance(raw, dict):
        reading = PlateReading(
            tuple(
                CharacterReading(char, sure, tuple((c, p) for c, p in others))
                for char, sure, others in raw["characters"]
            ),
            raw["reader"],
            tuple(TextAlternative(text, sure) for text, sure in raw["alternatives"]),
        )
    return Sample(str(kept["group"]), str(kept["image"]), str(kept["truth"]), reading)
