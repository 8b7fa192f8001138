# SPDX-License-Identifier: Apache-2.0
"""Measures what country formats gain and cost on recorded readings, for several weights."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from plategate.plates.formats import PlateFormats, known_countries
from plategate.vision.consensus.calibrate import load_calibration
from plategate.vision.consensus.merge import agree_readings

from .fit import CALIBRATED
from .recorded import Plate, is_right, load

TRIALS = {
    "the right country (ro on robertlucian-ro)": (("ro",), "robertlucian-ro"),
    "the right one among five": (("ro", "de", "gb", "in", "pk"), "robertlucian-ro"),
    "five countries on the world mix": (("ro", "de", "gb", "in", "pk"), "openlpr-faisal"),
    "a wrong country (fr on robertlucian-ro)": (("fr",), "robertlucian-ro"),
    "all countries, all plates": (known_countries(), None),
}
STRENGTHS = (0.2, 0.35, 0.6)


def right(plates: Sequence[Plate], formats: PlateFormats | None) -> int:
    """Number of plates read right from all their readings with the evidence of `formats`."""
    calibration = load_calibration()
    count = 0
    for plate in plates:
        seen = [plate.readings[key] for key in CALIBRATED if key in plate.readings]
        count += is_right(
            plate, agree_readings(seen, formats.log_odds if formats else None, calibration)
        )
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("readings", type=Path)
    plates = load(parser.parse_args().readings)
    for name, (countries, group) in TRIALS.items():
        chosen = [plate for plate in plates if group in (None, plate.group)]
        counts = [right(chosen, PlateFormats(countries, strength)) for strength in STRENGTHS]
        found = ", ".join(f"{n} at {s}" for n, s in zip(counts, STRENGTHS, strict=True))
        print(f"{name}: of {len(chosen)}: {right(chosen, None)} without, {found}")


if __name__ == "__main__":
    main()
