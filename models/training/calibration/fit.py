# SPDX-License-Identifier: Apache-2.0
"""Fits calibration.toml to recorded readings, and evaluates it by five-fold cross-validation."""

from __future__ import annotations

import argparse
import textwrap
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from plategate.vision.consensus.calibrate import (
    CONTESTED,
    MOST,
    SUPPORTS,
    UNCONFIRMED,
    Calibration,
    Curve,
)
from plategate.vision.consensus.settle import Evidence

from .recorded import (
    EVERY_COUNTRY,
    FIRST,
    FOLDS,
    OTHER,
    SMALL,
    Plate,
    ScoredReading,
    accepted,
    flow,
    is_right,
    load,
    log_loss,
    results_of,
)

Numbers = npt.NDArray[np.float64]

# Strength of the prior: slope 1 and offset 0.
PRIOR = 0.03
# A line needs as many readings as this.
ENOUGH_PLATES = 10
CALIBRATED = (FIRST, OTHER, SMALL)
# Tesseract's weight: by day 0.05 to 0.2 read the same plates right; of small and of blurred ones
# 0.2 reads 1.0 and 1.4 points less (scripts/benchmark --condition). The small reader learned from
# the main one and shares its errors: 0.05, 0.1 and 0.2 read the same plates right, and 0.05 puts
# the fewest wrong ones above 0.99 under conditions.
WEIGHTS = {"tflite": 1.0, "tesseract": 0.1, "small": 0.05}
# Two cuts read by one reader share its errors, so the second weighs at most half.
REPEATS = (0.3, 0.5)


Sample = tuple[float, bool, float]  # confidence, whether right, weight


def fit_curve(samples: Sequence[Sample]) -> Curve:
    """Logistic regression of being right on the reported log odds, by Newton's method.

    The slope is limited to 1: a steeper one would raise confidences more than so few plates prove.
    """
    if len(samples) < ENOUGH_PLATES:
        return Curve()
    reported = np.clip([sure for sure, _, _ in samples], 1e-6, MOST)
    odds = np.log(reported / (1 - reported))
    right = np.array([float(good) for _, good, _ in samples])
    counts = np.array([count for _, _, count in samples])
    line = newton(np.stack([odds, np.ones_like(odds)], axis=1), right, counts, np.zeros_like(odds))
    if line[0] > 1:
        return Curve(1.0, float(newton(np.ones((len(odds), 1)), right, counts, odds)[0]))
    return Curve(max(0.05, float(line[0])), float(line[1]))


def newton(rows: Numbers, right: Numbers, counts: Numbers, given: Numbers) -> Numbers:
    """Maximum a posteriori weights of `rows` for the outcomes `right`, with the offsets `given`."""
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


def fit(
    plates: Sequence[Plate],
    repeat: float,
    harder: Sequence[Plate] = (),
    evidence: Evidence | None = EVERY_COUNTRY,
) -> Calibration:
    """Fit the curves of the readers, then with these the curves of joined readings.

    Pictures of one car are not independent: n of them weigh as much as the square root of n.
    `harder` are plates under conditions: joined readings are calibrated on these as well.
    """
    seen = Counter(plate.text for plate in plates)
    samples: dict[str, list[Sample]] = {reader: [] for reader in WEIGHTS}
    for plate in plates:
        count = seen[plate.text] ** -0.5
        for reading in (plate.readings[key] for key in CALIBRATED if key in plate.readings):
            samples[reading.reader].append((reading.confidence, is_right(plate, reading), count))
    curves = {reader: fit_curve(found) for reader, found in samples.items()}
    first = Calibration(curves, WEIGHTS, repeat)
    joined = joined_samples([*plates, *harder], first, evidence)
    if len(joined[CONTESTED]) < ENOUGH_PLATES:  # rare, and no better than other weak support
        joined[CONTESTED] += joined[UNCONFIRMED]
    agreed_curves = {kind: fit_curve(found) for kind, found in joined.items()}
    return Calibration(curves, WEIGHTS, repeat, agreed_curves)


def joined_samples(
    plates: Sequence[Plate], first: Calibration, evidence: Evidence | None
) -> dict[str, list[Sample]]:
    """Joined readings by the support of their text."""
    seen = Counter(plate.text for plate in plates)
    joined: dict[str, list[Sample]] = {support: [] for support in SUPPORTS}
    for plate in plates:
        agreed, kind = flow(plate, first, evidence)
        if agreed is not None and kind is not None:
            count = seen[plate.text] ** -0.5
            joined[kind].append((agreed.confidence, is_right(plate, agreed), count))
    return joined


def crossed(
    plates: Sequence[Plate],
    repeat: float,
    harder: Sequence[Plate] = (),
    evidence: Evidence | None = EVERY_COUNTRY,
) -> tuple[list[ScoredReading], list[ScoredReading]]:
    """Results of `plates` and of `harder`, each with a calibration fitted on the other folds."""
    results: list[ScoredReading] = []
    harder_results: list[ScoredReading] = []
    for part in range(FOLDS):
        kept, kept_harder = ([p for p in some if p.part != part] for some in (plates, harder))
        calibration = fit(kept, repeat, kept_harder, evidence)
        held_out, held_out_harder = (
            [p for p in some if p.part == part] for some in (plates, harder)
        )
        results += results_of(held_out, calibration, evidence)
        harder_results += results_of(held_out_harder, calibration, evidence)
    return results, harder_results


def interval(count: int, total: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share."""
    if total == 0:
        return 0.0, 1.0
    z, share = 1.96, count / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total)
    half *= float(np.sqrt(share * (1 - share) / total + z * z / (4 * total * total)))
    return max(0.0, middle - half), min(1.0, middle + half)


def choose(plates: Sequence[Plate], harder: Sequence[Plate] = ()) -> float:
    """The weight of a second reading by the same reader: fewest errors, then lowest log loss."""
    trials = []
    for repeat in REPEATS:
        results = results_of(plates, fit(plates, repeat, harder))
        wrong = sum(not result.right for result in results)
        trials.append((wrong, log_loss(results), repeat))
    return min(trials)[2]


def written(calibration: Calibration, plates: int, note: str) -> str:
    """The content of calibration.toml, with a comment on how it was made."""
    lines = [
        "# SPDX-License-Identifier: Apache-2.0",
        "# Calibration of the readers' confidences. Made by models/training/calibration from",
        f"# readings of {plates} plates of the validation split: a line from the reported to the",
        "# true log odds of the weakest character, by logistic regression. Do not edit, run again.",
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
    crossed_results, harder_results = crossed(plates, repeat, harder)
    plain = results_of(plates, Calibration(weights=WEIGHTS))
    limit, share = accepted(crossed_results)
    top = [r for r in [*crossed_results, *harder_results] if r.confidence > 0.99]
    wrong = sum(not r.right for r in top)
    low, high = interval(wrong, len(top))
    right = 100 * sum(r.right for r in crossed_results) / len(plates)
    note = (
        f"{FOLDS}-fold cross-validated: {right:.1f} % right; "
        f"{100 * share:.1f} % accepted at {limit:.3f} with at most 1 in 200 wrong; "
        f"with the degraded pictures {wrong} of {len(top)} above 0.99 wrong "
        f"(95 % interval {100 * low:.2f} to {100 * high:.2f} %); "
        f"log loss {log_loss(plain):.3f} before, {log_loss(crossed_results):.3f} after."
    )
    print(note, WEIGHTS, repeat)
    if wanted.out:
        wanted.out.write_text(written(fit(plates, repeat, harder), len(plates), note), "utf-8")
    if wanted.picture:
        from .diagram import draw  # matplotlib is needed here alone

        draw(plain, crossed_results, harder_results, wanted.picture)


if __name__ == "__main__":
    main()
