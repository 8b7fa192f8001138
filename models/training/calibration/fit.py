# SPDX-License-Identifier: Apache-2.0
"""Fits calibration.toml to collected readings and says, five-fold, what confidences are worth."""

from __future__ import annotations

import argparse
import json
import math
import textwrap
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plategate.plates.text import fold
from plategate.values import CharacterReading, PlateReading, TextAlternative
from plategate.vision.consensus.calibrate import MOST, SUPPORTS, Calibration, Curve
from plategate.vision.consensus.merge import agree_readings, support
from plategate.vision.region import CLEAR, LOST, SURE

Numbers = npt.NDArray[np.float64]

FOLDS = 5
# Pulls a curve towards slope 1 and offset 0 where there is little to learn from.
PRIOR = 0.03
# The first reading; that which confirms a clear one; and those of others, in turn, as long as what
# comes out is less sure than this.
FIRST = "tflite normal"
SECOND = "tflite again"
# What the first reader read before it looked from nearer, where that was read more surely.
DOUBTED = "tflite doubted"
OTHERS = (("tesseract normal", SURE), ("tesseract level", LOST))
# Ways of support with fewer plates than this by day are learned under harder conditions as well.
ENOUGH_PLATES = 10
CALIBRATED = (FIRST, "tesseract normal")
# By day 0.05 to 0.2 read the same plates right; of small and of smeared ones 0.2 reads 1.0 and
# 1.4 points less (scripts/benchmark --condition).
WEIGHTS = {"tflite": 1.0, "tesseract": 0.1}
# Two cuts read by one reader share its mistakes: one of them is at most half a witness.
REPEATS = (0.3, 0.5)


@dataclass(frozen=True)
class Plate:
    """One labelled plate with what every reader and cut made of it."""

    text: str
    image: str
    group: str
    readings: dict[str, PlateReading]

    @property
    def part(self) -> int:
        """Which fold it is in; pictures of the same car stay together."""
        return zlib.crc32(self.text.encode()) % FOLDS


@dataclass(frozen=True)
class Outcome:
    """What came out for one plate."""

    confidence: float
    right: bool


def load(path: Path) -> list[Plate]:
    """The plates that were found and the readings of each."""
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
    return reading is not None and fold(reading.text) == fold(plate.text)


def flow(plate: Plate, calibration: Calibration) -> tuple[PlateReading | None, str | None]:
    """What the pipeline does: readings until they are sure; and how they support what came out."""
    seen = [plate.readings[FIRST]] if FIRST in plate.readings else []
    doubted = [plate.readings[DOUBTED]] if DOUBTED in plate.readings else []
    differs = bool(doubted) and doubted[0].text != seen[0].text
    clear = not differs and any(reading.confidence >= CLEAR for reading in seen)
    agreed, others = None, OTHERS
    if clear:
        second = plate.readings.get(SECOND)
        seen += [second] if second else []
        agreed = agree_readings(seen, None, calibration)
        sure = second is not None and second.confidence >= CLEAR
        others = ((OTHERS[0][0], SURE if sure else math.inf),)
    for key, enough in others:
        if agreed is not None and agreed.confidence >= enough:
            break
        if key in plate.readings:
            seen.append(plate.readings[key])
            agreed = agree_readings(seen, None, calibration)
    if len(seen) == 1 and differs:
        seen += doubted
        agreed = agree_readings(seen, None, calibration)
    if agreed is None or len(seen) == 1:
        return agreed, None
    return agreed, support(seen, agreed.text)


Claim = tuple[float, bool, float]  # how sure, whether right, how much it counts


def fit_curve(claims: Sequence[Claim]) -> Curve:
    """Logistic regression of being right on the claimed log-odds, by Newton's method.

    A slope above 1 would sharpen claims beyond what so few plates can prove, so it is held at 1.
    """
    if len(claims) < ENOUGH_PLATES:
        return Curve()
    claimed = np.clip([sure for sure, _, _ in claims], 1e-6, MOST)
    odds = np.log(claimed / (1 - claimed))
    right = np.array([float(good) for _, good, _ in claims])
    counts = np.array([count for _, _, count in claims])
    line = newton(np.stack([odds, np.ones_like(odds)], axis=1), right, counts, np.zeros_like(odds))
    if line[0] > 1:
        return Curve(1.0, float(newton(np.ones((len(odds), 1)), right, counts, odds)[0]))
    return Curve(max(0.05, float(line[0])), float(line[1]))


def newton(rows: Numbers, right: Numbers, counts: Numbers, given: Numbers) -> Numbers:
    """Weights of `rows` that, added to the log-odds `given`, explain best what was right."""
    prior = np.array([1.0, 0.0]) if rows.shape[1] == 2 else np.zeros(1)
    line = prior.copy()
    pull = PRIOR * counts.sum() * np.eye(len(prior))
    for _ in range(30):
        chance = 1 / (1 + np.exp(-np.clip(rows @ line + given, -30, 30)))
        slope = rows.T @ (counts * (right - chance)) - pull @ (line - prior)
        bend = rows.T @ (rows * (counts * chance * (1 - chance))[:, None]) + pull
        step = np.linalg.solve(bend, slope)
        line = line + step / max(1.0, float(np.abs(step).max()))
    return line


def fit(plates: Sequence[Plate], repeat: float, harder: Sequence[Plate] = ()) -> Calibration:
    """Curves of the readers first, then of what they agree on with those curves.

    Pictures of one car say nearly the same, so n of them count as the root of n. `harder` are
    plates under conditions that make ways of support common that are rare by day.
    """
    seen = Counter(plate.text for plate in plates)
    claims: dict[str, list[Claim]] = {"tflite": [], "tesseract": []}
    for plate in plates:
        count = seen[plate.text] ** -0.5
        for reading in (plate.readings[key] for key in CALIBRATED if key in plate.readings):
            claims[reading.reader].append((reading.confidence, is_right(plate, reading), count))
    curves = {reader: fit_curve(found) for reader, found in claims.items()}
    first = Calibration(curves, WEIGHTS, repeat)
    joined, rare = joined_claims(plates, first), joined_claims(harder, first)
    agreed_curves = {
        kind: fit_curve(found if len(found) >= ENOUGH_PLATES else found + rare[kind])
        for kind, found in joined.items()
    }
    return Calibration(curves, WEIGHTS, repeat, agreed_curves)


def joined_claims(plates: Sequence[Plate], first: Calibration) -> dict[str, list[Claim]]:
    """What came out of several readings, by how they support it."""
    seen = Counter(plate.text for plate in plates)
    joined: dict[str, list[Claim]] = {support: [] for support in SUPPORTS}
    for plate in plates:
        agreed, kind = flow(plate, first)
        if agreed is not None and kind is not None:
            count = seen[plate.text] ** -0.5
            joined[kind].append((agreed.confidence, is_right(plate, agreed), count))
    return joined


def outcomes(plates: Sequence[Plate], calibration: Calibration) -> list[Outcome]:
    results = []
    for plate in plates:
        agreed, _ = flow(plate, calibration)
        sure = agreed.confidence if agreed else 0.0
        results.append(Outcome(sure, is_right(plate, agreed)))
    return results


def crossed(plates: Sequence[Plate], repeat: float, harder: Sequence[Plate] = ()) -> list[Outcome]:
    """Outcomes of every plate with a calibration that was fitted without it."""
    results = []
    for part in range(FOLDS):
        kept, kept_harder = ([p for p in some if p.part != part] for some in (plates, harder))
        calibration = fit(kept, repeat, kept_harder)
        results += outcomes([plate for plate in plates if plate.part == part], calibration)
    return results


def log_loss(results: Sequence[Outcome]) -> float:
    """Mean surprise at what was right and wrong; small is good."""
    eps = 1e-4
    shares = [
        min(1 - eps, max(eps, r.confidence if r.right else 1 - r.confidence)) for r in results
    ]
    return -sum(math.log(share) for share in shares) / len(shares)


def accepted(results: Sequence[Outcome], most_wrong: float = 1 / 200) -> tuple[float, float]:
    """The lowest confidence at which at most that share of the accepted is wrong, and how many."""
    ranked = sorted(results, key=lambda r: -r.confidence)
    wrong, best = 0, (1.0, 0.0)
    for count, result in enumerate(ranked, start=1):
        wrong += not result.right
        if wrong <= most_wrong * count:
            best = (result.confidence, count / len(ranked))
    return best


def choose(plates: Sequence[Plate], harder: Sequence[Plate] = ()) -> float:
    """The weight of a second reading by the same reader: fewest wrong, least surprise."""
    trials = []
    for repeat in REPEATS:
        results = outcomes(plates, fit(plates, repeat, harder))
        wrong = sum(not result.right for result in results)
        trials.append((wrong, log_loss(results), repeat))
    return min(trials)[2]


def written(calibration: Calibration, plates: int, note: str) -> str:
    """The file, with how it came about."""
    lines = [
        "# SPDX-License-Identifier: Apache-2.0",
        "# What the readers' confidences are worth. Made by models/training/calibration from",
        f"# readings of {plates} plates of the validation split: a line from the claimed to the",
        "# real log-odds of the weakest character, by logistic regression. Do not edit, run again.",
        *textwrap.wrap(note, 90, initial_indent="# ", subsequent_indent="# "),
        f"repeat = {calibration.repeat}",
        "",
    ]
    for kind, curve in calibration.agreed.items():
        lines += [
            f"[agreed.{kind}]",
            f"slope = {curve.slope:.4f}",
            f"offset = {curve.offset:.4f}",
            "",
        ]
    lines.pop()
    for reader, curve in calibration.curves.items():
        lines += [
            "",
            f"[reader.{reader}]",
            f"weight = {calibration.weight(reader)}",
            f"slope = {curve.slope:.4f}",
            f"offset = {curve.offset:.4f}",
        ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("readings", type=Path, help="by day, from `collect`")
    parser.add_argument("--harder", type=Path, nargs="*", default=[], help="under conditions")
    parser.add_argument("--out", type=Path, help="calibration.toml to write")
    parser.add_argument("--picture", type=Path, help="reliability diagram to write")
    wanted = parser.parse_args()
    plates = load(wanted.readings)
    harder = [plate for path in wanted.harder for plate in load(path)]
    repeat = choose(plates, harder)
    crossed_results = crossed(plates, repeat, harder)
    plain = outcomes(plates, Calibration(weights=WEIGHTS))
    limit, share = accepted(crossed_results, 1 / 50)
    top = [result for result in crossed_results if result.confidence > 0.99]
    right = 100 * sum(r.right for r in crossed_results) / len(plates)
    note = (
        f"Crossed {FOLDS}-fold: {right:.1f} % right; "
        f"{100 * share:.1f} % accepted at {limit:.3f} with at most 1 in 50 wrong; "
        f"{sum(not r.right for r in top)} of {len(top)} above 0.99 wrong; "
        f"surprise {log_loss(plain):.3f} before, {log_loss(crossed_results):.3f} after."
    )
    print(note, WEIGHTS, repeat)
    if wanted.out:
        wanted.out.write_text(written(fit(plates, repeat, harder), len(plates), note), "utf-8")
    if wanted.picture:
        from .diagram import draw

        draw(plain, crossed_results, wanted.picture)


if __name__ == "__main__":
    main()
