# SPDX-License-Identifier: Apache-2.0
"""Training windows: the detector's candidates in composed scenes, and random places.

The target of a window near a labelled plate is that plate, even if the proposal is far off; any
other window shows no plate.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from detector.compose import Composer, Scene
from detector.geometry import Known, Quad
from detector.scoring import overlap
from detector.weather import Picture, weathered
from plategate.vision.localize.detector import Detector
from plategate.vision.localize.refiner import Window, cut

SCENE = (512, 384)  # pixels; larger than the detector's input, as stills are
WIDTHS = (24.0, 340.0)  # of plates in a scene, in pixels
SUSPECT = 0.06  # least likelihood of the detector's proposals that are used
NEAR, FAR = 0.25, 0.05  # overlap from which a proposal counts as a plate, and below which as none
MOST = 5  # proposals of one scene

Floats = NDArray[np.float32]


@dataclass
class Sample:
    """One window and its target."""

    image: Picture
    wanted: Floats  # 1 or 0, Known, then x and y of four corners in the window


class Windows:
    """Composes scenes, runs detectors on them and cuts windows around their candidates."""

    def __init__(self, rng: Generator, composer: Composer, detectors: list[Detector]) -> None:
        self.rng, self.composer, self.detectors = rng, composer, detectors

    def samples(self) -> Iterator[Sample]:
        while True:
            scene = self.composer.pane(*SCENE, *WIDTHS)
            scene.image = weathered(self.rng, scene.image)
            boxes = [np.concatenate([quad.min(0), quad.max(0)]) for quad in scene.quads]
            for place in [*self.proposed(scene.image), *self.near_labels(boxes)]:
                sample = self.sample(scene, boxes, place)
                if sample is not None:
                    yield sample

    def proposed(self, image: Picture) -> list[Floats]:
        detector = self.detectors[self.rng.integers(len(self.detectors))]
        found = detector.propose(image, SUSPECT)
        sure = [one for one in found if one.score > 0.3 or self.rng.random() < 0.8]
        return [np.array(one.box, np.float32) for one in sure[:MOST]]

    def near_labels(self, boxes: list[Floats]) -> Iterator[Floats]:
        """Boxes near labelled plates with larger errors than a detector's, and some at random."""
        rng = self.rng
        for box in boxes:
            size = box[2:] - box[:2]
            middle = (box[:2] + box[2:]) / 2 + rng.normal(0, 0.15, 2) * size[0] * [1.0, 0.6]
            half = size / 2 * np.exp(rng.normal(0, 0.2, 2))
            if rng.random() < 0.5:
                yield np.concatenate([middle - half, middle + half]).astype(np.float32)
        if rng.random() < 0.25:
            middle = rng.uniform(0, SCENE)
            half = np.exp(rng.uniform(np.log(12), np.log(120))) * np.array([1.0, 0.4]) / 2
            yield np.concatenate([middle - half, middle + half]).astype(np.float32)

    def sample(self, scene: Scene, boxes: list[Floats], place: Floats) -> Sample | None:
        shared = [overlap(place, box) for box in boxes]
        best = int(np.argmax(shared)) if shared else -1
        window = Window.around(place.tolist())
        wanted = np.zeros(10, np.float32)
        if shared and shared[best] >= NEAR:
            if scene.known[best] == Known.NOTHING:
                return None
            wanted[:2] = 1, scene.known[best]
            quad: Quad = scene.quads[best]
            wanted[2:] = window.from_still(quad).ravel()
        elif shared and shared[best] > FAR:
            return None
        return Sample(cut(scene.image, window), wanted)
