# SPDX-License-Identifier: Apache-2.0
"""Measures what country formats gain and cost on recorded readings, for several weights."""

from __future__ import annotations

import argparse
from pathlib import Path

from plategate.plates.formats import PlateFormats, known_countries
from plategate.vision.consensus.calibrate import load_calibration

from .fit import REPEATS, crossed
from .recorded import Plate, accepted, load, log_loss, results_of

FIVE = ("ro", "de", "gb", "in", "pk")
TRIALS = {
    "the right country (ro on robertlucian-ro)": (("ro",), "robertlucian-ro"),
    "the right one among five": (FIVE, "robertlucian-ro"),
    "five countries on the world mix": (FIVE, "openlpr-faisal"),
    "a wrong country (fr on robertlucian-ro)": (("fr",), "robertlucian-ro"),
    "all countries, all plates": (known_countries(), None),
}
STRENGTHS = (0.0, 0.2, 0.35, 0.5, 0.6, 0.8)


def print_trials(plates: list[Plate]) -> None:
    """Plates read right with the shipped calibration, for countries that an owner may name."""
    for name, (countries, group) in TRIALS.items():
        chosen = [plate for plate in plates if group in (None, plate.group)]
        counts = []
        for strength in STRENGTHS:
            evidence = PlateFormats(countries, strength).log_odds
            results = results_of(chosen, load_calibration(), evidence)
            counts.append(f"{sum(result.right for result in results)} at {strength}")
        print(f"{name}: right of {len(chosen)}: {', '.join(counts)}")


def print_crossed(plates: list[Plate], harder: list[Plate]) -> None:
    """All countries: by day and under conditions, with calibrations fitted on the other folds."""
    for strength in STRENGTHS:
        evidence = PlateFormats(known_countries(), strength).log_odds
        both = crossed(plates, max(REPEATS), harder, evidence)
        top = [result for some in both for result in some if result.confidence > 0.99]
        wrong = sum(not result.right for result in top)
        found = ", ".join(
            f"{sum(result.right for result in some)} right, {100 * accepted(some)[1]:.1f} %"
            f" accepted, log loss {log_loss(some):.4f}"
            for some in both
            if some
        )
        print(f"strength {strength}: {found}; {wrong} of {len(top)} above 0.99 wrong")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("readings", type=Path, help="by day, from `collect`")
    parser.add_argument("--harder", type=Path, nargs="*", default=[], help="under conditions")
    wanted = parser.parse_args()
    plates = load(wanted.readings)
    print_trials(plates)
    print_crossed(plates, [plate for path in wanted.harder for plate in load(path)])


if __name__ == "__main__":
    main()
