# SPDX-License-Identifier: Apache-2.0
"""What the camera of a scenario sees: a scripted plate, or a real picture for the pipeline.

A scripted plate yields its reading without a picture, so that a scenario takes milliseconds;
everything after the reading is real.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from plategate.gate.interfaces import BurstReader
from plategate.values import CharacterReading, PlateReading, PlateSighting, Still

SCRIPTED = "scripted:"


def scripted_plate(plate: str, confidence: float) -> Path:
    """The pseudo file name that shows a plate to the rehearsal camera."""
    return Path(f"{SCRIPTED}{plate}:{confidence}")


def load_scripted(path: Path) -> Still:
    """A blank still for a scripted plate, else the decoded picture."""
    if str(path).startswith(SCRIPTED):
        return Still(image=np.zeros((8, 8, 3), np.uint8), source=str(path))
    from plategate.vision.images import load_still

    return load_still(path)


class ScenarioReader:
    """Reads scripted plates; pictures go to the real pipeline, which is built on first use."""

    def __init__(self, build: Callable[[], BurstReader]) -> None:
        self._build = build
        self._real: BurstReader | None = None

    @property
    def degraded(self) -> tuple[str, ...]:
        """Sentences about missing models and readers of the real pipeline, once it is built."""
        return self._real.degraded if self._real is not None else ()

    def read_burst(self, stills: Iterable[Still]) -> PlateSighting:
        """Take two stills of a scripted plate, as the pipeline does when they agree."""
        iterator = iter(stills)
        first = next(iterator, None)
        if first is None:
            return PlateSighting(None, None, None)
        if not first.source.startswith(SCRIPTED):
            return self._pipeline().read_burst(_chain(first, iterator))
        second = next(iterator, first)
        plate, confidence = first.source.removeprefix(SCRIPTED).rsplit(":", 1)
        count = 1 if second is first else 2
        if not plate:
            return PlateSighting(None, None, first, count)
        characters = tuple(CharacterReading(char, float(confidence)) for char in plate)
        return PlateSighting(PlateReading(characters, "scripted"), None, first, count)

    def _pipeline(self) -> BurstReader:
        if self._real is None:
            self._real = self._build()
        return self._real


def _chain(first: Still, others: Iterable[Still]) -> Iterable[Still]:
    yield first
    yield from others
