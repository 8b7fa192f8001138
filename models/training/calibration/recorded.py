# SPDX-License-Identifier: Apache-2.0
"""Recorded readings of labelled plates, joined again as the pipeline joins them; their scores."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plategate.plates.formats import format_evidence
from plategate.plates.text import fold
from plategate.values import CharacterReading, PlateReading, TextAlternative
from plategate.vision.attempts import CASCADE, Asked, Attempt, Cut, ReadingState, Tally, walk
from plategate.vision.consensus.calibrate import Calibration
from plategate.vision.consensus.merge import support
from plategate.vision.consensus.settle import Evidence

FOLDS = 5
# Recorded readings have keys of reader and cut. Where a close-up replaced the first reading, that
# one is recorded as CONTRADICTED and the one in the close-up as FIRST. "one variant" is the first
# variant alone, for a text that the small reader may confirm.
CUT_NAMES = {Cut.REGION: "normal", Cut.SECOND: "again"}
FIRST, OTHER, SMALL = "tflite normal", "tesseract normal", "small normal"
CONTRADICTED = "tflite doubted"
# The evidence of a firmware that expects plates of every country.
EVERY_COUNTRY = format_evidence(())
READERS = {Asked.SMALL: "small", Asked.MAIN: "tflite", Asked.OTHERS: "tesseract"}


@dataclass(frozen=True)
class Plate:
    """One labelled plate with the readings of every reader and cut."""

    text: str
    image: str
    group: str
    readings: dict[str, PlateReading]

    @property
    def part(self) -> int:
        """Its fold; pictures of the same car are in the same fold."""
        return zlib.crc32(self.text.encode()) % FOLDS


@dataclass(frozen=True)
class ScoredReading:
    """Confidence of one plate's joined reading, and whether it is right."""

    confidence: float
    right: bool


def load(path: Path) -> list[Plate]:
    """The plates of a file from `collect`, with their readings."""
    plates = []
    for line in path.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        readings = {key: _unpacked(value) for key, value in record["readings"].items() if value}
        group = "two lines" if record["two_line"] == "1" else record["set"]
        plates.append(Plate(record["text"], record["image"], group, readings))
    return plates


def _unpacked(value: dict[str, Any]) -> PlateReading:
    characters = tuple(
        CharacterReading(char, sure, tuple((c, p) for c, p in others))
        for char, sure, others in value["characters"]
    )
    texts = tuple(TextAlternative(text, sure) for text, sure in value["texts"])
    return PlateReading(characters, value["reader"], texts)


def is_right(plate: Plate, reading: PlateReading | None) -> bool:
    """Whether the text is right to the last character, O=0 and I=1 folded."""
    return reading is not None and fold(reading.text) == fold(plate.text)


def flow(
    plate: Plate, calibration: Calibration, evidence: Evidence | None = EVERY_COUNTRY
) -> tuple[PlateReading | None, str | None]:
    """The joined reading, with the firmware's table of attempts, and the support of its text."""
    tally = Tally(evidence, calibration)

    def ask(attempt: Attempt, _number: int) -> bool:
        reading = plate.readings.get(_key_of(attempt, plate))
        tally.add(attempt, [reading] if reading else [])
        return True

    walk(CASCADE.attempts, tally, {asked: [0] for asked in READERS}, ask)
    joined = tally.result()
    if joined is None or len(tally.readings) == 1:
        return joined, None
    return joined, support(tally.readings, joined.text)


def _key_of(attempt: Attempt, plate: Plate) -> str:
    """The key of an attempt's recorded reading; "" if the close-up replaced nothing."""
    closer = CONTRADICTED in plate.readings
    if attempt.cut is Cut.CLOSE_UP:
        return FIRST if closer else ""
    if closer and attempt.state is ReadingState.UNREAD and attempt.asked is Asked.MAIN:
        return CONTRADICTED
    return key_of(READERS[attempt.asked], attempt)


def key_of(reader: str, attempt: Attempt) -> str:
    """The key of a reader's recorded reading of an attempt."""
    cut = "one variant" if attempt.state is ReadingState.SMALL_LIKELY else CUT_NAMES[attempt.cut]
    return f"{reader} {cut}"


def results_of(
    plates: Sequence[Plate], calibration: Calibration, evidence: Evidence | None = EVERY_COUNTRY
) -> list[ScoredReading]:
    """The results of all plates with a calibration."""
    results = []
    for plate in plates:
        agreed, _ = flow(plate, calibration, evidence)
        sure = agreed.confidence if agreed else 0.0
        results.append(ScoredReading(sure, is_right(plate, agreed)))
    return results


def log_loss(results: Sequence[ScoredReading]) -> float:
    """Mean log loss; lower is better."""
    eps = 1e-4
    shares = [
        min(1 - eps, max(eps, r.confidence if r.right else 1 - r.confidence)) for r in results
    ]
    return -sum(math.log(share) for share in shares) / len(shares)


def accepted(results: Sequence[ScoredReading], most_wrong: float = 1 / 200) -> tuple[float, float]:
    """The lowest threshold with at most `most_wrong` errors among the accepted; their share."""
    ranked = sorted(results, key=lambda r: -r.confidence)
    wrong, best = 0, (1.0, 0.0)
    for count, result in enumerate(ranked, start=1):
        wrong += not result.right
        if wrong <= most_wrong * count:
            best = (result.confidence, count / len(ranked))
    return best
