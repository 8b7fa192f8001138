# SPDX-License-Identifier: Apache-2.0
"""What the camera of a scenario sees: a plate that is said, or a real picture for the pipeline.

A plate that is said is read without a picture, so that a scenario takes milliseconds; everything
after the reading is real.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from plategate.gate.interfaces import BurstReader
from plategate.values import CharacterReading, PlateReading, PlateSighting, Still
from plategate.vision.images import load_still

SAID = "said:"


def said(plate: str, confidence: float) -> Path:
    """The name under which a plate is shown to the rehearsal camera."""
    return Path(f"{SAID}{plate}:{confidence}")


def load_said_or_real(path: Path) -> Still:
    """A blank still for a plate that is said, else the picture."""
    if str(path).startswith(SAID):
        return Still(image=np.zeros((8, 8, 3), np.uint8), source=str(path))
    return load_still(path)


class ScenarioReader:
    """Reads plates that are said; pictures go to the real pipeline, built when it is needed."""

    def __init__(self, build: Callable[[], BurstReader]) -> None:
        self._build = build
        self._real: BurstReader | None = None

    @property
    def degraded(self) -> tuple[str, ...]:
        """What the real pipeline does without, once there is one."""
        return self._real.degraded if self._real is not None else ()

    def read_burst(self, stills: Iterable[Still]) -> PlateSighting:
        """Take stills until two say the same, as the pipeline does."""
        iterator = iter(stills)
        first = next(iterator, None)
        if first is None:
            return PlateSighting(None, None, None)
        if not first.source.startswith(SAID):
            return self._pipeline().read_burst(_chain(first, iterator))
        second = next(iterator, first)
        plate, confidence = first.source.removeprefix(SAID).rsplit(":", 1)
        count = 1 if second is first else 2
        if not plate:
            return PlateSighting(None, None, first, count)
        characters = tuple(CharacterReading(char, float(confidence)) for char in plate)
        return PlateSighting(PlateReading(characters, "said"), None, first, count)

    def _pipeline(self) -> BurstReader:
        if self._real is None:
            self._real = self._build()
        return self._real


def _chain(first: Still, others: Iterable[Still]) -> Iterable[Still]:
    yield first
    yield from others
