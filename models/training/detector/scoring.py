# SPDX-License-Identifier: Apache-2.0
"""Run the shipped localizer over labelled pictures and count what it finds, misses and invents."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import thread_time

import cv2
import numpy as np
from numpy.typing import NDArray

from plategate.values import PlateRegion
from plategate.vision.boxes import intersection_over_union
from plategate.vision.localize.tflite import TfliteLocalizer
from plategate.vision.rectify.plate import NORMAL

from .conditions import CONDITIONS
from .photographs import read_labels

# The registration keeps at least this far from the box's edge, as a share of width and height:
# plates have a rim, and the boxes are a little loose.
INSIDE = (0.05, 0.12)
Box = NDArray[np.float32]


@dataclass
class Plate:
    """One labelled plate and the region that fits it best."""

    box: Box
    share: float  # width of the plate, of the picture's longest side
    overlap: float = 0.0
    confidence: float = 0.0
    whole: bool = False


@dataclass
class ScoredPicture:
    """One picture, what is in it and what was found."""

    set_name: str
    name: str
    condition: str
    plates: list[Plate]
    regions: list[PlateRegion]
    others: list[float] = field(default_factory=list)  # confidence of regions that fit no label
    milliseconds: float = 0.0
    passes: int = 0
    pixels: int = 0  # that the detector was shown
    close_ups: int = 0  # close-ups by the refiner


def holds_registration(region: PlateRegion, box: Box) -> bool:
    """Whether the readers' crop, with its margin, shows all of where characters can stand."""
    quad = np.array(region.corners, np.float32)
    flat = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    if cv2.contourArea(quad) < 1:
        return False
    to_flat = cv2.getPerspectiveTransform(quad, flat)
    inset = np.array(INSIDE) * (box[2:] - box[:2])
    x0, y0, x1, y1 = *(box[:2] + inset), *(box[2:] - inset)
    middles = np.array([[x0, (y0 + y1) / 2], [x1, (y0 + y1) / 2]], np.float32)
    upright = np.array([[(x0 + x1) / 2, y0], [(x0 + x1) / 2, y1]], np.float32)
    across = cv2.perspectiveTransform(middles[None], to_flat)[0, :, 0]
    down = cv2.perspectiveTransform(upright[None], to_flat)[0, :, 1]
    return bool(
        across.min() >= -NORMAL.width
        and across.max() <= 1 + NORMAL.width
        and down.min() >= -NORMAL.height
        and down.max() <= 1 + NORMAL.height
    )


def compare(one: ScoredPicture) -> None:
    boxes = [np.array(region.box, np.float32) for region in one.regions]
    for plate in one.plates:
        fits = [intersection_over_union(plate.box, box) for box in boxes]
        if fits and max(fits) > 0:
            best = int(np.argmax(fits))
            plate.overlap = fits[best]
            plate.confidence = one.regions[best].confidence
            plate.whole = holds_registration(one.regions[best], plate.box)
    for box, region in zip(boxes, one.regions, strict=True):
        if max(intersection_over_union(plate.box, box) for plate in one.plates) < 0.3:
            one.others.append(region.confidence)


def counts(localizer: TfliteLocalizer) -> NDArray[np.int64]:
    """Passes, pixels and close-ups so far."""
    detector, refiner = localizer.detector, localizer.refiner
    return np.array([detector.passes, detector.pixels, refiner.passes if refiner else 0])


def score_all(
    data: Path, localizer: TfliteLocalizer, conditions: list[str]
) -> Iterator[ScoredPicture]:
    """Every validation picture under every condition, compared with its labels."""
    for (set_name, name), boxes in sorted(read_labels(data, "val").items()):
        original = cv2.imread(str(data / name))
        for condition in conditions:
            rng = np.random.default_rng(len(name) + sum(map(ord, name)))
            image, moved = CONDITIONS[condition](rng, original, boxes)
            side = max(image.shape[:2])
            plates = [Plate(box, float(box[2] - box[0]) / side) for box in moved]
            counted, begun = counts(localizer), thread_time()
            regions = localizer.localize(image)
            spent = 1000 * (thread_time() - begun)
            one = ScoredPicture(set_name, name, condition, plates, regions, milliseconds=spent)
            one.passes, one.pixels, one.close_ups = counts(localizer) - counted
            compare(one)
            yield one
