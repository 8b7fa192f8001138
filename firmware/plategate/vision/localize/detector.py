# SPDX-License-Identifier: Apache-2.0
"""First-stage network: runs on the scaled-down still and proposes plate candidates.

One interpreter is kept for each canvas in use; a gate, whose stills have one shape, needs one. The
coarse pass of a still uses the interpreter of its canvas, resized, because a second interpreter
takes 4 MB (docs/developer/latency.md, memory).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from plategate.values import Image
from plategate.vision.choice import NO_CHOICES, Choices, open_chosen
from plategate.vision.interpreter import Model, open_model
from plategate.vision.localize.letterbox import canvas_for, letterbox
from plategate.vision.localize.maps import PlateCandidate, candidates


class Detector:
    """The plate detector network."""

    def __init__(self, open_network: Callable[[], Model]) -> None:
        """`open_network` loads the network; called once here so that a bad file fails early."""
        self._open_network = open_network
        self._unused: Model | None = open_network()
        self._models: dict[tuple[int, int], Model] = {}
        self.passes = 0  # number of runs and of input pixels so far, for the benchmark
        self.pixels = 0

    @classmethod
    def from_file(cls, path: Path, sha256: str | None = None, threads: int = 1) -> Detector:
        """The network in this file; ModelError if it cannot be loaded."""
        return cls(lambda: open_model(path, sha256, threads))

    @classmethod
    def from_manifest(
        cls, folder: Path | None = None, threads: int = 1, choices: Choices = NO_CHOICES
    ) -> Detector:
        """The shipped network; ModelError if it cannot be loaded."""
        return cls(lambda: open_chosen("plate_detector", folder, threads, choices)[1])

    def propose(self, image: Image, suspect: float, coarse: bool = False) -> list[PlateCandidate]:
        """Candidates with at least the score `suspect`, best first, in pixels of `image` (BGR).

        A `coarse` pass sees the still at half the scale, for a quarter of the cost.
        """
        canvas, scale = letterbox(image, coarse)
        self.passes += 1
        self.pixels += canvas.shape[0] * canvas.shape[1]
        model = self._model_for(image)
        model.resize((1, *canvas.shape))
        plate_map = model.run(canvas[None])[0][0]
        found = candidates(plate_map, suspect)
        return [PlateCandidate.of(one.corners / scale, one.score) for one in found]

    def _model_for(self, image: Image) -> Model:
        """The interpreter of the canvas of this still."""
        height, width = image.shape[:2]
        canvas, _, _ = canvas_for(width, height, coarse=False)
        if canvas not in self._models:
            model, self._unused = self._unused or self._open_network(), None
            self._models[canvas] = model
        return self._models[canvas]
