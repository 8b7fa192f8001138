# SPDX-License-Identifier: Apache-2.0
"""Tell plates from other lettering, such as badges, signs and telephone numbers.

A logistic regression on what the localizer and the readers found, with the weights in
lettering.toml. The file is fitted by models/training/calibration on training photographs. Without
it every reading counts as a plate, which is a degraded mode.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from plategate.errors import ModelError
from plategate.values import PlateReading, PlateRegion
from plategate.vision.models import read_parameters

LETTERING_FILE = "lettering.toml"
LEAST, MOST = 1e-4, 0.999  # limits of the confidences that are used
USUAL_LENGTH = 8  # a longer text is rarely a registration


@dataclass(frozen=True, slots=True)
class PlateTest:
    """Weights of the regression; `least` is the lowest probability of what counts as a plate.

    `localizer` names the one whose regions the weights were fitted on; others are not judged.
    """

    localizer: str
    least: float
    offset: float
    weights: Mapping[str, float]

    def probability(self, region: PlateRegion, reading: PlateReading) -> float:
        """The probability that the region is a number plate; 1.0 if it cannot be judged."""
        if region.localizer != self.localizer or not reading.characters:
            return 1.0
        found = features(region.confidence, reading.text, reading.confidence)
        odds = self.offset + sum(self.weights[name] * value for name, value in found.items())
        return 1 / (1 + math.exp(-min(30.0, max(-30.0, odds))))

    def passes(self, region: PlateRegion, reading: PlateReading) -> bool:
        """Whether the region counts as a number plate."""
        return self.probability(region, reading) >= self.least


def features(region: float, text: str, confidence: float) -> dict[str, float]:
    """What the probability depends on, by name.

    The log odds of the localizer's and of the reading's confidence; whether there are digits only;
    how far digits are from being half of the text; how many characters it is too long.
    """
    digits = sum(char.isdigit() for char in text)
    return {
        "region": _log_odds(region),
        "confidence": _log_odds(confidence),
        "digits_only": float(digits == len(text)),
        "one_sided": abs(digits / len(text) - 0.5),
        "long": float(max(len(text) - USUAL_LENGTH, 0)),
    }


def load_plate_test(models: Path | None = None) -> PlateTest:
    """The weights in the models folder; ModelError if they are missing or damaged."""
    path, table = read_parameters(LETTERING_FILE, models)
    try:
        weights = {name: float(table["weights"][name]) for name in features(0.5, "A1", 0.5)}
        least, offset = float(table["least"]), float(table["offset"])
        localizer = str(table["localizer"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: {error} is missing or invalid") from error
    if not all(math.isfinite(value) for value in (*weights.values(), offset)):
        raise ModelError(f"{path}: a weight is not a finite number")
    if not 0 <= least <= 1:
        raise ModelError(f"{path}: least {least} is not between 0 and 1")
    return PlateTest(localizer, least, offset, weights)


def _log_odds(confidence: float) -> float:
    limited = min(MOST, max(LEAST, confidence))
    return math.log(limited / (1 - limited))
