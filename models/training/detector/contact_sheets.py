# SPDX-License-Identifier: Apache-2.0
"""Pictures about the detector: precision-recall curve, misses, and rectified plates.

Each set has its own sheets, since only some sets may be shown in public.
"""

from pathlib import Path

import cv2
import numpy as np
from matplotlib import pyplot
from numpy.typing import NDArray

from plategate.vision.rectify.plate import rectify

from .conditions import CONDITIONS
from .photographs import read_labels
from .scoring import ScoredPicture

TILE = (320, 220)  # width and height of a tile
Picture = NDArray[np.uint8]


def curve(measured: list[ScoredPicture], path: Path) -> None:
    """Recall against other regions a picture, for every threshold above the shipped one."""
    figure, axes = pyplot.subplots(figsize=(6, 4))
    for condition in CONDITIONS:
        chosen = [one for one in measured if one.condition == condition]
        if not chosen:
            continue
        plates = [p for one in chosen for p in one.plates]
        sure = np.array([p.confidence for p in plates if p.overlap >= 0.5])
        wrong = np.array([c for one in chosen for c in one.others])
        steps = np.linspace(0.95, 0.0, 96)
        recall = np.array([(sure >= t).sum() / len(plates) for t in steps])
        right = np.array([(sure >= t).sum() for t in steps])
        precision = right / np.maximum(1, right + np.array([(wrong >= t).sum() for t in steps]))
        axes.plot(recall, precision, label=condition)
    axes.set(xlabel="recall at IoU 0.5", ylabel="precision (unlabelled plates count as wrong)")
    axes.set(xlim=(0.5, 1.005), ylim=(0.5, 1.005))
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def tile(image: Picture) -> Picture:
    scale = min(TILE[0] / image.shape[1], TILE[1] / image.shape[0])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    canvas = np.full((TILE[1], TILE[0], *image.shape[2:]), 40, np.uint8)
    canvas[: small.shape[0], : small.shape[1]] = small[: TILE[1], : TILE[0]]
    return canvas


def sheet(tiles: list[Picture], path: Path, columns: int = 5) -> None:
    if not tiles:
        return
    blank = np.full_like(tiles[0], 40)
    tiles = tiles + [blank] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[at : at + columns]) for at in range(0, len(tiles), columns)]
    cv2.imwrite(str(path), np.vstack(rows))


def missed(image: Picture, one: ScoredPicture) -> Picture:
    """The picture with labels in green and what was found in red."""
    drawn = image.copy()
    thick = max(1, max(image.shape[:2]) // 320)
    for plate in one.plates:
        low, high = plate.box[:2].astype(int), plate.box[2:].astype(int)
        cv2.rectangle(drawn, low.tolist(), high.tolist(), (0, 255, 0), thick)
    for region in one.regions:
        quad = np.array(region.corners).round().astype(np.int32)
        cv2.polylines(drawn, [quad], True, (0, 0, 255), thick)
    return drawn


def write(data: Path, measured: list[ScoredPicture], folder: Path) -> None:
    curve(measured, folder / "detector-precision-recall.png")
    boxes = read_labels(data, "val")
    for set_name in sorted({one.set_name for one in measured}):
        for condition in CONDITIONS:
            chosen = [
                one for one in measured if one.set_name == set_name and one.condition == condition
            ]
            misses, level = [], []
            for one in chosen:
                key = one.set_name, one.name
                rng = np.random.default_rng(len(one.name) + sum(map(ord, one.name)))
                original = cv2.imread(str(data / one.name))
                image, _ = CONDITIONS[condition](rng, original, boxes[key])
                if any(plate.overlap < 0.5 for plate in one.plates):
                    misses.append(tile(missed(image, one)))
                if condition == "day" and one.regions:
                    level.append(cv2.resize(rectify(image, one.regions[0]).grey, (256, 76)))
            sheet(misses, folder / f"detector-misses-{set_name}-{condition}.png")
            sheet(level[:60], folder / f"detector-rectified-{set_name}.png", 6)
