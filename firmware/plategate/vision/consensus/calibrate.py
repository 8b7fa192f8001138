# SPDX-License-Identifier: Apache-2.0
"""Turn what readers claim into what their claims are worth, with the numbers of calibration.toml.

The file is made by models/training/calibration on the validation split; without it claims are
taken as they are.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from plategate.errors import ModelError
from plategate.values import CharacterReading, PlateReading
from plategate.vision.models import models_folder

CALIBRATION_FILE = "calibration.toml"
AGREED = "agreed"
# How readings stand to the text that came out: several cuts read by one reader; another reader
# that reads the same; others that read nothing like it; another that reads one character otherwise.
SUPPORTS = CUTS, CONFIRMED, UNCONFIRMED, CONTESTED = "cuts", "confirmed", "unconfirmed", "contested"
LEAST, MOST = 1e-6, 1 - 1e-6


@dataclass(frozen=True, slots=True)
class Curve:
    """A straight line from claimed to real log-odds; it keeps the order of confidences."""

    slope: float = 1.0
    offset: float = 0.0

    def __call__(self, confidence: float) -> float:
        if self.slope == 1.0 and self.offset == 0.0:
            return confidence
        claimed = min(MOST, max(LEAST, confidence))
        odds = self.slope * math.log(claimed / (1 - claimed)) + self.offset
        return 1 / (1 + math.exp(-min(30.0, max(-30.0, odds))))


@dataclass(frozen=True, slots=True)
class Calibration:
    """Curves and weights by reader, and the curves of joined readings by their support."""

    curves: Mapping[str, Curve] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    # What a second reading by the same reader, of another cut or still, counts beside the first.
    repeat: float = 0.5
    agreed: Mapping[str, Curve] = field(default_factory=dict)

    def reading(self, reading: PlateReading) -> PlateReading:
        """The reading with its reader's claims corrected."""
        curve = self.curves.get(reading.reader)
        return reading if curve is None else _with_curve(reading, curve)

    def joined(self, reading: PlateReading, support: str) -> PlateReading:
        """What came out of several readings, corrected by how they support it."""
        curve = self.agreed.get(support)
        return reading if curve is None else _with_curve(reading, curve)

    def weight(self, reader: str) -> float:
        """What a reader counts beside others; the best one counts 1."""
        return self.weights.get(reader, 1.0)


UNCALIBRATED = Calibration()


def load_calibration(models: Path | None = None) -> Calibration:
    """The numbers beside the models; UNCALIBRATED where there is no such file."""
    try:
        path = models_folder(models) / CALIBRATION_FILE
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ModelError, FileNotFoundError):
        return UNCALIBRATED
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{CALIBRATION_FILE} cannot be used: {error}") from error
    try:
        readers = table.get("reader", {})
        return Calibration(
            curves={name: _curve(entry) for name, entry in readers.items()},
            weights={name: float(entry["weight"]) for name, entry in readers.items()},
            repeat=float(table["repeat"]),
            agreed={support: _curve(table["agreed"][support]) for support in SUPPORTS},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path} lacks or garbles {error}") from error


@lru_cache(maxsize=1)
def installed_calibration() -> Calibration:
    """The calibration that came with the models, read once."""
    return load_calibration()


def _curve(entry: Mapping[str, float]) -> Curve:
    slope = float(entry["slope"])
    if slope <= 0:
        raise ValueError("slope, which must be above 0")
    return Curve(slope, float(entry["offset"]))


def _with_curve(reading: PlateReading, curve: Curve) -> PlateReading:
    return replace(reading, characters=tuple(_corrected(c, curve) for c in reading.characters))


def _corrected(character: CharacterReading, curve: Curve) -> CharacterReading:
    confidence = curve(character.confidence)
    left = 1 - character.confidence
    scale = (1 - confidence) / left if left > 0 else 0.0
    others = tuple((char, share * scale) for char, share in character.alternatives)
    return CharacterReading(character.char, confidence, others)
