# SPDX-License-Identifier: Apache-2.0
"""Read the registration off a plate image with our own small network, one or two lines at once.

Calibration, grammar and agreement with other readers are the business of others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from plategate.errors import ModelError
from plategate.values import (
    CharacterReading,
    Image,
    PlateImage,
    PlateReading,
    TextAlternative,
)
from plategate.vision.interpreter import Model, open_model
from plategate.vision.models import find_model
from plategate.vision.read.ctc import (
    Candidate,
    confidences,
    merge,
    prefix_beam_search,
    softmax,
)
from plategate.vision.rectify.slant import slanted

TABLE = "plate_reader"
INPUT_SIDES = 4  # batch, height, width, one grey channel
LEAST_DEVIATION = 4.0  # grey levels; keeps noise from being blown up on an empty crop
LEAST_SIDE = 4  # px, below this nothing can be read
SURE = 0.9  # from here on no further look is taken
CONFIRMED = 0.8  # the same where another cut was read clearly; below 0.9 it changes no plate
ENOUGH_OF_NOTHING = 2  # so many looks that see no character end it as well
LEAST_ALTERNATIVE = 0.001
MOST_ALTERNATIVES = 5


@dataclass(frozen=True, slots=True)
class Look:
    """How one look is cut: slanted and turned first, then shares are taken off its sides."""

    left: float = 0.0
    right: float = 0.0
    top: float = 0.0
    bottom: float = 0.0
    slant: float = 0.0
    turn: float = 0.0

    def cut(self, grey: Image) -> Image:
        """The part of the plate that this look sees."""
        height, width = grey.shape[:2]
        grey = slanted(grey, self.slant, self.turn)
        left, right = int(width * self.left), width - int(width * self.right)
        top, bottom = int(height * self.top), height - int(height * self.bottom)
        return grey[top:bottom, left:right]


# The margin that keeps a plate from being cut is more than the network likes best. As long as it
# is not sure, further looks that are cut, slanted and turned differently are averaged in: what it
# takes a soft character for depends on how it lies. Chosen on the validation split.
LOOKS = (
    Look(left=0.03, right=0.03, top=0.06, bottom=0.06),
    Look(slant=-0.1, turn=-3.0),
    Look(left=0.03, right=0.03, top=0.06, bottom=0.06, slant=0.2, turn=1.5),
    Look(left=0.045, bottom=0.1, slant=0.1),
    Look(slant=-0.2),
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look showed: chances by step and class, and the texts that they may mean."""

    chances: NDArray[np.float64]
    candidates: list[Candidate]

    @classmethod
    def of(cls, chances: NDArray[np.float64]) -> Seen:
        """Search the texts of step-wise chances; class 0 is the blank."""
        return cls(chances, prefix_beam_search(chances))


class TfliteReader:
    """A `Reader` on models/plate_reader.tflite; its alphabet comes from the manifest."""

    name = "tflite"

    def __init__(self, models: Path | None = None, threads: int = 1) -> None:
        file = find_model(TABLE, models)
        self._alphabet = str(file.notes.get("alphabet", ""))
        self._model: Model = open_model(file.path, file.sha256, threads)
        shape = self._model.input_shape
        if len(shape) != INPUT_SIDES or not self._alphabet:
            raise ModelError(f"model {file.path} is no plate reader: input {shape}")
        self._height, self._width = shape[1], shape[2]

    def read(self, plate: PlateImage) -> PlateReading | None:
        """The registration, top line first; None where the network sees no character."""
        if min(plate.grey.shape[:2]) < LEAST_SIDE:
            return None
        enough = CONFIRMED if plate.confirms else SURE
        seen: list[Seen] = []
        found = None
        for look in LOOKS:
            seen.append(Seen.of(self.chances(look.cut(plate.grey))))
            found = reading(seen, self._alphabet, self.name)
            if found is None and len(seen) == ENOUGH_OF_NOTHING:
                break
            if found is not None and found.confidence >= enough:
                break
        return found

    def chances(self, grey: Image) -> NDArray[np.float64]:
        """Chances of blank and alphabet at each step, for a grey plate of any size."""
        scores = self._model.run(prepare(grey, self._width, self._height))[0]
        steps = scores.reshape(-1, scores.shape[-1])
        if steps.shape[1] != len(self._alphabet) + 1:
            raise ModelError(f"model {self._model.name} does not fit its alphabet in the manifest")
        return softmax(steps)


def prepare(grey: Image, width: int, height: int) -> NDArray[np.float32]:
    """The plate at the network's size with mean 0 and deviation 1, so that night looks like day."""
    shrinks = grey.shape[0] > height or grey.shape[1] > width
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    pixels = cv2.resize(grey, (width, height), interpolation=way).astype(np.float32)
    pixels -= pixels.mean()
    pixels /= pixels.std() + LEAST_DEVIATION
    return pixels.reshape(1, height, width, 1)


def reading(seen: Sequence[Seen], alphabet: str, reader: str) -> PlateReading | None:
    """The reading that several looks at one plate amount to; None where they see no character."""
    candidates = merge([one.candidates for one in seen])
    best = candidates[0]
    if not best.classes:
        return None
    chances = next(
        one.chances
        for one in seen
        if any(best.classes == candidate.classes for candidate in one.candidates)
    )
    sure = confidences(candidates)
    characters = tuple(
        CharacterReading(alphabet[number - 1], sure[at], _others(chances[step], number, alphabet))
        for at, (number, step) in enumerate(zip(best.classes, best.steps, strict=True))
    )
    return PlateReading(characters, reader, _texts(candidates[1:], alphabet))


def _others(row: NDArray[np.float64], number: int, alphabet: str) -> tuple[tuple[str, float], ...]:
    """What else the character may be, given that there is one."""
    seen = row[1:] / max(1e-9, float(row[1:].sum()))
    places = [at for at in np.flatnonzero(seen >= LEAST_ALTERNATIVE).tolist() if at != number - 1]
    places.sort(key=seen.__getitem__, reverse=True)
    return tuple((alphabet[at], float(seen[at])) for at in places[:MOST_ALTERNATIVES])


def _texts(candidates: list[Candidate], alphabet: str) -> tuple[TextAlternative, ...]:
    likely = [one for one in candidates if one.classes and one.probability >= LEAST_ALTERNATIVE]
    return tuple(
        TextAlternative("".join(alphabet[number - 1] for number in one.classes), one.probability)
        for one in likely[:MOST_ALTERNATIVES]
    )
