# SPDX-License-Identifier: Apache-2.0
"""Read the registration from a plate image with the project's network, one or two lines at once.

Confidences are the network's own; they are calibrated in `consensus`.
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
from plategate.vision.choice import NO_CHOICES, Choices, open_chosen
from plategate.vision.read.ctc import (
    BEAMS,
    Hypothesis,
    confidences,
    merge,
    prefix_beam_search,
    softmax,
)
from plategate.vision.rectify.plate import sheared

TABLE, SMALL_TABLE = "plate_reader", "plate_reader_small"
INPUT_DIMENSIONS = 4  # batch, height, width, one grey channel
LEAST_DEVIATION = 4.0  # grey levels; limits the amplification of noise on an empty crop
LEAST_SIDE = 4  # px, a smaller crop cannot be read
SURE = 0.9  # from this confidence on no further variant is read
# Below this confidence none is read either: there a second variant wins two of 2,149 plates and
# loses three, for 28 M instructions a picture (latency.md).
HOPELESS = 0.2
LEAST_ALTERNATIVE = 0.001
MOST_ALTERNATIVES = 5


@dataclass(frozen=True, slots=True)
class Variant:
    """One variant of a plate image: sheared and rotated, then cut by shares of its sides."""

    left: float = 0.0
    right: float = 0.0
    top: float = 0.0
    bottom: float = 0.0
    shear: float = 0.0
    turn: float = 0.0

    def cut(self, grey: Image) -> Image:
        """This variant of the plate image."""
        height, width = grey.shape[:2]
        grey = sheared(grey, self.shear, self.turn)
        left, right = int(width * self.left), width - int(width * self.right)
        top, bottom = int(height * self.top), height - int(height * self.bottom)
        return grey[top:bottom, left:right]


# Read one after the other, and averaged, until the result is confident. The first takes off most of
# the rectifier's margin, which is wider than the network reads best. Chosen on validation data.
VARIANTS = (
    Variant(left=0.03, right=0.03, top=0.06, bottom=0.06),
    Variant(shear=-0.1, turn=-3.0),
    Variant(left=0.03, right=0.03, top=0.06, bottom=0.06, shear=0.2, turn=1.5),
    Variant(left=0.045, bottom=0.1, shear=0.1),
    Variant(shear=-0.2),
)
# The small reader reads best without any margin (docs/developer/models-reader.md).
SMALL_VARIANTS = (Variant(left=0.05, right=0.05, top=0.08, bottom=0.08),)
# Its flatter probabilities keep more hypotheses alive; with four, as many plates are read right as
# with eight, in three quarters of the time.
SMALL_BEAMS = 4


@dataclass(frozen=True, slots=True)
class Decoded:
    """The network's output for one variant: probabilities by step and class, and hypotheses."""

    probabilities: NDArray[np.float64]
    hypotheses: list[Hypothesis]

    @classmethod
    def of(cls, probabilities: NDArray[np.float64], beams: int = BEAMS) -> Decoded:
        """Decode the probabilities (steps x classes, class 0 is the blank)."""
        return cls(probabilities, prefix_beam_search(probabilities, beams))


class TfliteReader:
    """A `Reader` that uses a network of the manifest, which also gives its alphabet."""

    def __init__(
        self,
        models: Path | None = None,
        threads: int = 1,
        table: str = TABLE,
        name: str = "tflite",
        variants: Sequence[Variant] = VARIANTS,
        choices: Choices = NO_CHOICES,
        beams: int = BEAMS,
    ) -> None:
        """Load the network, which is decoded with `beams`; ModelError if it cannot be loaded."""
        self.name = name
        self._variants = tuple(variants)
        self._beams = beams
        file, self._model = open_chosen(table, models, threads, choices)
        self._alphabet = str(file.notes.get("alphabet", ""))
        shape = self._model.input_shape
        if len(shape) != INPUT_DIMENSIONS or not self._alphabet:
            raise ModelError(f"model {file.path} is no plate reader: input {shape}")
        self._height, self._width = shape[1], shape[2]
        self._last: tuple[Image, list[Decoded], PlateReading | None] | None = None

    def read(self, plate: PlateImage, variants: int | None = None) -> PlateReading | None:
        """The registration, top line first; None if the network finds no character.

        Asked again about the same plate image, with more variants, it goes on from the last one.
        """
        if min(plate.grey.shape[:2]) < LEAST_SIDE:
            return None
        asked = self._variants[:variants]
        decoded: list[Decoded] = []
        found = None
        if self._last is not None and self._last[0] is plate.grey:
            _, before, seen = self._last
            if len(before) <= len(asked):
                decoded, found = before, seen
        for variant in asked[len(decoded) :]:
            confidence = 0.0 if found is None else found.confidence
            if decoded and not HOPELESS <= confidence < SURE:
                break
            decoded.append(Decoded.of(self.probabilities(variant.cut(plate.grey)), self._beams))
            found = reading(decoded, self._alphabet, self.name)
        self._last = plate.grey, decoded, found
        return found

    def probabilities(self, grey: Image) -> NDArray[np.float64]:
        """Probabilities of blank and alphabet at each step, for a grey plate of any size."""
        scores = self._model.run(prepare(grey, self._width, self._height))[0]
        steps = scores.reshape(-1, scores.shape[-1])
        if steps.shape[1] != len(self._alphabet) + 1:
            raise ModelError(f"model {self._model.name} does not fit its alphabet in the manifest")
        return softmax(steps)


def prepare(grey: Image, width: int, height: int) -> NDArray[np.float32]:
    """The plate at the network's size, normalised to mean 0 and standard deviation 1."""
    shrinks = grey.shape[0] > height or grey.shape[1] > width
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    pixels = cv2.resize(grey, (width, height), interpolation=way).astype(np.float32)
    mean, deviation = cv2.meanStdDev(pixels)
    pixels -= mean.item()
    pixels *= 1 / (deviation.item() + LEAST_DEVIATION)
    return pixels.reshape(1, height, width, 1)


def reading(decoded: Sequence[Decoded], alphabet: str, reader: str) -> PlateReading | None:
    """The reading from all variants of one plate; None if they have no character."""
    hypotheses = merge([one.hypotheses for one in decoded])
    best = hypotheses[0]
    if not best.classes:
        return None
    probabilities = next(
        one.probabilities
        for one in decoded
        if any(best.classes == other.classes for other in one.hypotheses)
    )
    characters = tuple(
        CharacterReading(alphabet[number - 1], sure, others)
        for number, sure, others in zip(
            best.classes,
            confidences(hypotheses),
            _others(probabilities[list(best.steps)], best.classes, alphabet),
            strict=True,
        )
    )
    return PlateReading(characters, reader, _texts(hypotheses[1:], alphabet))


def _others(
    rows: NDArray[np.float64], classes: Sequence[int], alphabet: str
) -> list[tuple[tuple[str, float], ...]]:
    """For each character (a row of probabilities each) its alternatives, given that there is one.

    All rows are computed with at once: arrays of 37 numbers are slow one by one.
    """
    shares = rows[:, 1:] / np.maximum(1e-9, rows[:, 1:].sum(axis=1, keepdims=True))
    found: list[list[tuple[float, int]]] = [[] for _ in classes]
    at, places = (shares >= LEAST_ALTERNATIVE).nonzero()
    values = shares[at, places].tolist()
    for row, place, share in zip(at.tolist(), places.tolist(), values, strict=True):
        if place != classes[row] - 1:
            found[row].append((-share, place))
    return [
        tuple((alphabet[place], -share) for share, place in sorted(others)[:MOST_ALTERNATIVES])
        for others in found
    ]


def _texts(hypotheses: list[Hypothesis], alphabet: str) -> tuple[TextAlternative, ...]:
    likely = [one for one in hypotheses if one.classes and one.probability >= LEAST_ALTERNATIVE]
    return tuple(
        TextAlternative("".join(alphabet[number - 1] for number in one.classes), one.probability)
        for one in likely[:MOST_ALTERNATIVES]
    )
