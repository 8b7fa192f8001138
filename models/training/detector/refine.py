# SPDX-License-Identifier: Apache-2.0
"""Find the corners inside the boxes of the training photographs with a detector trained so far.

python -m detector.refine --work WORK --model WORK/float.tflite

The detector runs on four views of each labelled plate. Corners are kept where the views agree with
each other and with the box; other plates that are found with certainty are marked as unlabelled, so
that training uses them neither as plates nor as background. `photographs.load` picks both up.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from plategate.vision.boxes import intersection_over_union
from plategate.vision.localize.detector import Detector
from plategate.vision.localize.maps import PlateCandidate

from .geometry import Quad, move
from .network import HEIGHT, WIDTH
from .photographs import Photograph, load

ZOOMS = (80.0, 130.0)  # widths of a labelled plate in its views
FITS, AGREES = 0.75, 0.10  # overlap with the box; spread of the views, as a share of plate height
LEVEL = 0.15  # slope; with a detector that is half trained, which levels steep plates, use 0.035
Picture = NDArray[np.uint8]


def views(plate_box: NDArray[np.float32]) -> list[NDArray[np.float64]]:
    """Maps from the photograph to the network's input with the plate in the middle."""
    centre = (plate_box[:2] + plate_box[2:]) / 2
    maps = []
    for wide in ZOOMS:
        scale = wide / (plate_box[2] - plate_box[0])
        for mirror in (1, -1):
            linear = np.diag([mirror * scale, scale])
            maps.append(
                np.hstack([linear, (np.array([WIDTH, HEIGHT]) / 2 - linear @ centre)[:, None]])
            )
    return maps


def seen_in(
    detector: Detector, image: Picture, affine: NDArray[np.float64]
) -> PlateCandidate | None:
    """The candidate nearest the middle of a view."""
    view = cv2.warpAffine(image, affine, (WIDTH, HEIGHT), borderValue=(114, 114, 114))
    found = detector.propose(view, 0.2)
    middle = np.array([WIDTH, HEIGHT]) / 2
    near = [one for one in found if np.abs(one.corners.mean(0) - middle).max() < 30]
    return max(near, key=lambda one: one.score, default=None)


def corners(detector: Detector, image: Picture, box: NDArray[np.float32]) -> Quad | None:
    """The plate's corners if most views agree on them, moved halfway to fill the labelled box."""
    quads = []
    for affine in views(box):
        seen = seen_in(detector, image, affine)
        if seen:
            quads.append(move(cv2.invertAffineTransform(affine), seen.corners))
    if len(quads) < 3:
        return None
    quad = np.median(quads, axis=0).astype(np.float32)
    height = max(
        1.0, float(np.linalg.norm(quad[3] - quad[0]) + np.linalg.norm(quad[2] - quad[1])) / 2
    )
    spread = float(np.median(np.abs(np.array(quads) - quad).mean((1, 2)))) / height
    around = np.concatenate([quad.min(0), quad.max(0)])
    if spread > AGREES or intersection_over_union(around, box) < FITS or slope(quad) > LEVEL:
        return None
    halfway = (around + box) / 2
    stretch = (halfway[2:] - halfway[:2]) / (around[2:] - around[:2])
    return ((quad - around[:2]) * stretch + halfway[:2]).astype(np.float32)


def slope(quad: Quad) -> float:
    """The slope of the upper or the lower edge, whichever is steeper."""
    edges = np.array([quad[1] - quad[0], quad[2] - quad[3]])
    return float((np.abs(edges[:, 1]) / np.maximum(1, edges[:, 0])).max())


def unlabelled(detector: Detector, photograph: Photograph, sure: float) -> list[Quad]:
    """Plates found with certainty that no label covers."""
    found = [one.corners for one in detector.propose(photograph.image, sure)]
    boxes = [np.concatenate([quad.min(0), quad.max(0)]) for quad in found]
    return [
        quad.astype(np.float32)
        for quad, box in zip(found, boxes, strict=True)
        if all(intersection_over_union(box, plate.box) < 0.05 for plate in photograph.plates)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True, help="what `export` wrote")
    parser.add_argument("--sure", type=float, default=0.9, help="from when a plate is beyond doubt")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    detector = Detector.from_file(arguments.model)
    quads, owners, others = [], [], []
    photographs = load(arguments.work, plain=True)
    for index, photograph in enumerate(photographs):
        for plate in photograph.plates:
            quad = corners(detector, photograph.image, plate.box)
            quads.append(np.full((4, 2), np.nan, np.float32) if quad is None else quad)
        extra = unlabelled(detector, photograph, arguments.sure)
        others += extra
        owners += [index] * len(extra)
        if index % 250 == 0:
            known = np.isfinite(np.array(quads)[:, 0, 0]).mean() if quads else 0
            print(f"{index} of {len(photographs)}: corners of {100 * known:.0f} %", flush=True)
    np.savez(
        arguments.work / "corners.npz",
        quads=np.array(quads, np.float32),
        owners=owners,
        others=np.array(others, np.float32).reshape(-1, 4, 2),
    )
    print(f"{len(others)} unlabelled plates")


if __name__ == "__main__":
    main()
