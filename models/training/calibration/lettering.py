# SPDX-License-Identifier: Apache-2.0
"""Fits lettering.toml, which tells plates from other lettering, and measures it.

python -m calibration.lettering --data DATA --out ../lettering.toml

Labelled plates are plates. Other regions that are read were annotated by hand: lettering.csv has
their boxes and whether they are plates. Doubtful ones, such as plates in a mirror or made for fun,
are left out. Fitted on the training split, measured on the validation split.
"""

from __future__ import annotations

import argparse
import csv
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from detector.photographs import read_labels
from plategate.settings.vision import VisionSettings
from plategate.vision.boxes import Box, intersection_over_union
from plategate.vision.build import build_calibration, build_localizers, build_readers
from plategate.vision.consensus.lettering import PlateTest, features
from plategate.vision.degraded import Degraded
from plategate.vision.images import load_still
from plategate.vision.pipeline import Pipeline, PlateFound

from .recorded import EVERY_COUNTRY

Numbers = npt.NDArray[np.float64]

LOCALIZER = "tflite"
LEAST_OVERLAP = 0.3  # of a region with the box of a label or of lettering.csv
# Regions without a label that are read below this were not annotated.
LEAST_CONFIDENCE = 0.3
PRIOR = 0.01
LIMITS = (0.1, 0.2, 0.3, 0.5, 0.8)
LEAST = 0.3


@dataclass(frozen=True)
class Seen:
    """One region that was read, and whether it is a plate."""

    found: PlateFound
    plate: bool


def annotated(split: str) -> dict[str, list[tuple[Box, bool]]]:
    """The boxes of lettering.csv by picture, and whether they are plates."""
    boxes: dict[str, list[tuple[Box, bool]]] = {}
    with Path(__file__).with_name("lettering.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["split"] == split:
                box = float(row["x0"]), float(row["y0"]), float(row["x1"]), float(row["y1"])
                boxes.setdefault(row["image"], []).append((box, row["plate"] == "1"))
    return boxes


def collect(pipeline: Pipeline, data: Path, split: str) -> Iterator[Seen | None]:
    """Every region of a split that is read; None for one that is not annotated."""
    known = annotated(split)
    for (_, name), labels in sorted(read_labels(data, split).items()):
        boxes = [((*map(float, box),), True) for box in labels] + known.get(name, [])
        for found in pipeline.read_still(load_still(data / name)).plates:
            overlaps = [intersection_over_union(found.region.box, box) for box, _ in boxes]
            best = int(np.argmax(overlaps))
            if overlaps[best] >= LEAST_OVERLAP:
                yield Seen(found, boxes[best][1])
            elif found.reading.confidence >= LEAST_CONFIDENCE:
                yield None


def fit(seen: Sequence[Seen]) -> PlateTest:
    """Logistic regression by Newton's method, with a weak prior of no weight."""
    named = [_features(one) for one in seen]
    rows = np.array([[1.0, *one.values()] for one in named])
    plate = np.array([float(one.plate) for one in seen])
    weights = np.zeros(rows.shape[1])
    pull = PRIOR * np.diag([0.0] + [1.0] * (rows.shape[1] - 1))
    for _ in range(50):
        chance = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        slope = rows.T @ (plate - chance) - pull @ weights
        bend = rows.T @ (rows * (chance * (1 - chance))[:, None]) + pull
        weights = weights + np.linalg.solve(bend, slope)
    by_name = dict(zip(named[0], weights[1:].tolist(), strict=True))
    return PlateTest(LOCALIZER, LEAST, float(weights[0]), by_name)


def _features(one: Seen) -> dict[str, float]:
    reading = one.found.reading
    return features(one.found.region.confidence, reading.text, reading.confidence)


def described(test: PlateTest, seen: Sequence[Seen]) -> Iterator[str]:
    """How much lettering and how many plates fall below each limit."""
    chances = [test.probability(one.found.region, one.found.reading) for one in seen]
    for limit in LIMITS:
        below = [one.plate for one, chance in zip(seen, chances, strict=True) if chance < limit]
        plates = sum(one.plate for one in seen)
        yield (
            f"below {limit}: {below.count(False)} of {len(seen) - plates} pieces of lettering, "
            f"{below.count(True)} of {plates} plates"
        )


def written(test: PlateTest, measured: str) -> str:
    """The content of lettering.toml."""
    about = (
        "Tells plates from other lettering. Made by models/training/calibration from readings of"
        " the training split: a logistic regression. Do not edit, run again. Validation split, at"
        f" {LEAST}: {measured}."
    )
    lines = ["SPDX-License-Identifier: Apache-2.0", *textwrap.wrap(about, 86)]
    head = [f"# {line}" for line in lines]
    head += [f'localizer = "{test.localizer}"', f"least = {test.least}"]
    head += [f"offset = {test.offset:.4f}", "", "[weights]"]
    return (
        "\n".join(head + [f"{name} = {value:.4f}" for name, value in test.weights.items()]) + "\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    settings, degraded = VisionSettings(), Degraded()
    pipeline = Pipeline(
        build_localizers(settings, degraded),
        build_readers(settings, degraded),
        evidence=EVERY_COUNTRY,
        calibration=build_calibration(settings, degraded),
    )
    splits: dict[str, list[Seen]] = {}
    for split in ("train", "val"):
        every = list(collect(pipeline, options.data, split))
        splits[split] = [one for one in every if one is not None]
        print(f"{split}: {len(splits[split])} regions, {every.count(None)} not annotated")
    test = fit(splits["train"])
    for split, seen in splits.items():
        print(split, *described(test, seen), sep="\n  ")
    (measured,) = (
        line.partition(": ")[2]
        for line in described(test, splits["val"])
        if line.startswith(f"below {LEAST}:")
    )
    options.out.write_text(written(test, measured), encoding="utf-8")


if __name__ == "__main__":
    main()
