# SPDX-License-Identifier: Apache-2.0
"""Compares reader files on the validation crops: right, sure, and sure but wrong, one variant each.

Every crop is cut at its label with the rectifier's margin, then as the firmware cuts it first, and
decoded as the firmware does. It prints Markdown tables, also of pairs of readers that agree.
"""

from __future__ import annotations

import argparse
import itertools
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from plategate.plates.text import fold
from plategate.vision.interpreter import open_model
from plategate.vision.read.ctc import softmax
from plategate.vision.read.tflite import VARIANTS, Decoded, prepare, reading

from .conditions import CONDITIONS
from .samples import load_crops, plain_cut
from .shape import ALPHABET, CLASSES

THRESHOLDS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99)
ALL = "all conditions"

Cuts = dict[str, list[npt.NDArray[np.uint8]]]


@dataclass(frozen=True)
class Score:
    """What one reader read of all crops under one condition."""

    texts: list[str]  # folded
    right: npt.NDArray[np.bool_]
    confidence: npt.NDArray[np.float64]

    def accepted(self, threshold: float) -> tuple[int, int]:
        """How many readings are at least that confident, and how many of these are wrong."""
        sure = self.confidence >= threshold
        return int(sure.sum()), int((sure & ~self.right).sum())

    def most_accepted(self, wrong: int) -> tuple[int, float]:
        """Most readings that can be accepted with so many wrong ones, and from what confidence."""
        falling = np.argsort(-self.confidence, kind="stable")
        errors = np.cumsum(~self.right[falling])
        count = int(np.searchsorted(errors, wrong, side="right"))
        return count, float(self.confidence[falling[count - 1]]) if count else 1.0


def first_cuts(data: Path) -> tuple[Cuts, list[str]]:
    """The firmware's first cut of every validation crop by condition, and the folded texts."""
    crops = load_crops(data, "val")
    cuts = {
        name: [
            VARIANTS[0].cut(plain_cut(make(crop, np.random.default_rng(at))))
            for at, crop in enumerate(crops)
        ]
        for name, make in CONDITIONS.items()
    }
    return cuts, [fold(crop.text) for crop in crops]


def scores_of(file: Path, cuts: Cuts, truth: list[str]) -> dict[str, Score]:
    """The readings of one file by condition, and of all conditions together."""
    model = open_model(file, None)
    _, height, width, _ = model.input_shape
    out = {}
    for name, pictures in cuts.items():
        texts, confidences = [], []
        for grey in pictures:
            steps = model.run(prepare(np.asarray(grey), width, height))[0].reshape(-1, CLASSES)
            found = reading([Decoded.of(softmax(steps))], ALPHABET, file.stem)
            texts.append(fold(found.text) if found else "")
            confidences.append(found.confidence if found else 0.0)
        right = np.array([text == true for text, true in zip(texts, truth, strict=True)])
        out[name] = Score(texts, right, np.array(confidences))
    parts = list(out.values())
    out[ALL] = Score(
        [text for part in parts for text in part.texts],
        np.concatenate([part.right for part in parts]),
        np.concatenate([part.confidence for part in parts]),
    )
    return out


def right_table(scores: dict[str, dict[str, Score]]) -> str:
    """Per cent right by condition and file."""
    files = list(scores)
    lines = ["| condition | " + " | ".join(files) + " |", "|---|" + "--:|" * len(files)]
    for name in scores[files[0]]:
        values = (f"{100 * scores[file][name].right.mean():.1f}" for file in files)
        lines.append(f"| {name} | " + " | ".join(values) + " |")
    return "\n".join(lines)


def reliability_table(scores: dict[str, dict[str, Score]], name: str) -> str:
    """Per cent accepted and number of wrong ones at each confidence, under one condition."""
    lines = ["| from | " + " | ".join(scores) + " |", "|---|" + "--:|" * len(scores)]
    count = len(next(iter(scores.values()))[name].texts)
    for threshold in THRESHOLDS:
        cells = (one[name].accepted(threshold) for one in scores.values())
        row = " | ".join(f"{100 * sure / count:.1f} ({wrong})" for sure, wrong in cells)
        lines.append(f"| {threshold} | {row} |")
    for wrong in (0, 1):
        cells_at = (one[name].most_accepted(wrong) for one in scores.values())
        row = " | ".join(f"{100 * sure / count:.1f} at {least:.3f}" for sure, least in cells_at)
        lines.append(f"| {wrong} wrong | {row} |")
    return "\n".join(lines)


def agreement(one: Score, other: Score, threshold: float) -> str:
    """How often two readers are both at least that confident, agree, and are wrong."""
    sure = (one.confidence >= threshold) & (other.confidence >= threshold)
    same = np.array([a == b for a, b in zip(one.texts, other.texts, strict=True)])
    agreed = sure & same
    return (
        f"both sure {sure.mean():.1%}, of these agreed {agreed.sum() / max(1, sure.sum()):.2%}, "
        f"agreed and wrong {int((agreed & ~one.right).sum())} of {len(same)}"
    )


def main() -> None:
    """Command line: .tflite files in, tables to the terminal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--data", type=Path, required=True)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    cuts, truth = first_cuts(options.data)
    scores = {file.stem: scores_of(file, cuts, truth) for file in options.files}
    print(right_table(scores))
    for name in ("as photographed", ALL):
        print(f"\n{name}: per cent accepted (wrong)\n\n{reliability_table(scores, name)}")
        for one, other in itertools.combinations(scores, 2):
            said = agreement(scores[one][name], scores[other][name], 0.9)
            print(f"\n{one} and {other} from 0.9: {said}")


if __name__ == "__main__":
    main()
