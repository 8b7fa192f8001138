# SPDX-License-Identifier: Apache-2.0
"""Let the trained detector propose places of plates in a picture: BGR uint8 in, candidates out.

The network is opened once for each canvas that is needed. A gate's stills have one shape, so a gate
needs one or two.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from plategate.values import Image
from plategate.vision.interpreter import Model, open_model
from plategate.vision.localize.letterbox import letterbox
from plategate.vision.localize.maps import Candidate, candidates
from plategate.vision.models import find_model


class Detector:
    """The network that looks at a whole picture, made small."""

    def __init__(self, opened: Callable[[], Model]) -> None:
        """`opened` gives the network anew each time; once at the start, to see that it is whole."""
        self._opened = opened
        self._unused: Model | None = opened()
        self._models: dict[tuple[int, ...], Model] = {}
        self.looks = 0  # how often it has run, and on how many pixels: for the benchmark
        self.pixels = 0

    @classmethod
    def from_file(cls, path: Path, sha256: str | None = None, threads: int = 1) -> Detector:
        """The network in this file; ModelError if there is none."""
        return cls(lambda: open_model(path, sha256, threads))

    @classmethod
    def from_manifest(cls, folder: Path | None = None, threads: int = 1) -> Detector:
        """The shipped network; ModelError says why there is none."""
        found = find_model("plate_detector", folder)
        return cls.from_file(found.path, found.sha256, threads)

    def propose(self, image: Image, suspect: float) -> list[Candidate]:
        """Places from this likelihood, best first, in pixels of the picture (H x W x 3)."""
        canvas, scale = letterbox(image)
        self.looks += 1
        self.pixels += canvas.shape[0] * canvas.shape[1]
        plate_map = self._model((1, *canvas.shape)).run(canvas[None])[0][0]
        found = candidates(plate_map, suspect)
        return [Candidate.of(one.corners / scale, one.score) for one in found]

    def _model(self, shape: tuple[int, ...]) -> Model:
        if shape not in self._models:
            model, self._unused = self._unused or self._opened(), None
            model.resize(shape)
            self._models[shape] = model
        return self._models[shape]
