# SPDX-License-Identifier: Apache-2.0
"""Calibrate reader confidences (Platt scaling) with the parameters in calibration.toml.

The file is fitted by models/training/calibration on the validation split. Without it, confidences
are used uncalibrated, which is a degraded mode.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from plategate.errors import ModelError
from plategate.values import CharacterReading, PlateReading
from plategate.vision.models import read_parameters

CALIBRATION_FILE = "calibration.toml"
AGREED = "agreed"
# How several readings support the joined text: all are by one reader and alike (cuts); another
# reader has the same text; the others have something quite different; another differs in one
# character; a reader has the text on one cut and something else on another (divided).
CUTS, CONFIRMED, UNCONFIRMED, CONTESTED = "cuts", "confirmed", "unconfirmed", "contested"
DIVIDED = "divided"
SUPPORTS = CUTS, CONFIRMED, UNCONFIRMED, CONTESTED, DIVIDED
LEAST, MOST = 1e-6, 1 - 1e-6


@dataclass(frozen=True, slots=True)
class Curve:
    """Linear map from reported to calibrated log odds; keeps the order of confidences."""

    slope: float = 1.0
    offset: float = 0.0

    def __call__(self, confidence: float) -> float:
        if self.slope == 1.0 and self.offset == 0.0:
            return confidence
        reported = min(MOST, max(LEAST, confidence))
        odds = self.slope * math.log(reported / (1 - reported)) + self.offset
        return 1 / (1 + math.exp(-min(30.0, max(-30.0, odds))))


@dataclass(frozen=True, slots=True)
class Calibration:
    """Curves and weights by reader, and curves of joined readings by their support."""

    curves: Mapping[str, Curve] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    # Weight of a second reading by the same reader (another cut or still) relative to the first.
    repeat: float = 0.5
    agreed: Mapping[str, Curve] = field(default_factory=dict)

    def reading(self, reading: PlateReading) -> PlateReading:
        """The reading with calibrated confidences."""
        curve = self.curves.get(reading.reader)
        return reading if curve is None else _with_curve(reading, curve)

    def joined(self, reading: PlateReading, support: str) -> PlateReading:
        """A joined reading with confidences calibrated for its support, one of SUPPORTS."""
        curve = self.agreed.get(support)
        return reading if curve is None else _with_curve(reading, curve)

    def weight(self, reader: str) -> float:
        """The reader's weight relative to others; the best one has 1."""
        return self.weights.get(reader, 1.0)


UNCALIBRATED = Calibration()


def load_calibration(models: Path | None = None) -> Calibration:
    """The parameters in the models folder; ModelError if they are missing or damaged."""
    path, table = read_parameters(CALIBRATION_FILE, models)
    try:
        readers = table.get("reader", {})
        return Calibration(
            curves={name: _curve(entry) for name, entry in readers.items()},
            weights={name: float(entry["weight"]) for name, entry in readers.items()},
            repeat=float(table["repeat"]),
            agreed={support: _curve(table["agreed"][support]) for support in SUPPORTS},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: {error} is missing or invalid") from error


@lru_cache(maxsize=1)
def installed_calibration() -> Calibration:
    """The calibration shipped with the models, loaded once; UNCALIBRATED if it cannot be used."""
    try:
        return load_calibration()
    except ModelError:
        return UNCALIBRATED


def _curve(entry: Mapping[str, float]) -> Curve:
    slope = float(entry["slope"])
    if slope <= 0:
        raise ValueError("slope, which must be above 0")
    return Curve(slope, float(entry["offset"]))


def _with_curve(reading: PlateReading, curve: Curve) -> PlateReading:
    corrected = tuple([_corrected(character, curve) for character in reading.characters])
    return PlateReading(corrected, reading.reader, reading.alternatives)


def _corrected(character: CharacterReading, curve: Curve) -> CharacterReading:
    confidence = curve(character.confidence)
    left = 1 - character.confidence
    scale = (1 - confidence) / left if left > 0 else 0.0
    others = tuple([(char, share * scale) for char, share in character.alternatives])
    return CharacterReading(character.char, confidence, others)
