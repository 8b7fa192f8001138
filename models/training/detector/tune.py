# SPDX-License-Identifier: Apache-2.0
"""Try thresholds of the localizer on the validation photographs.

python -m detector.tune --data DATA --models .. --conditions day night far --suspect 0.1 0.2
"""

import argparse
from itertools import product
from pathlib import Path

import cv2
import numpy as np

from plategate.vision.interpreter import open_model
from plategate.vision.localize.detector import Detector
from plategate.vision.localize.refiner import Refiner
from plategate.vision.localize.tflite import Search, TfliteLocalizer
from plategate.vision.models import find_model

from .scoring import ScoredPicture, score_all


def summary(title: str, chosen: list[ScoredPicture], accept: float) -> str:
    plates = [p for one in chosen for p in one.plates]
    found = [p for p in plates if p.overlap >= 0.5 and p.confidence >= accept]
    others = sum(c >= accept for one in chosen for c in one.others)
    whole = np.mean([p.whole for p in found]) if found else 0
    return (
        f"{title} {100 * len(found) / len(plates):.1f} % whole {100 * whole:.1f} % "
        f"others {others / len(chosen):.2f} passes {np.mean([one.passes for one in chosen]):.2f} "
        f"close-ups {np.mean([one.close_ups for one in chosen]):.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path)
    parser.add_argument("--file", type=Path, help="a detector other than the shipped one")
    parser.add_argument("--refiner", type=Path, help="a refiner other than the shipped one")
    parser.add_argument("--conditions", nargs="*", default=["day", "night", "far"])
    parser.add_argument("--suspect", type=float, nargs="*", default=[Search().suspect])
    parser.add_argument("--most", type=int, nargs="*", default=[Search().most])
    parser.add_argument("--accept", type=float, nargs="*", default=[0.2, 0.25, 0.3, 0.35, 0.4, 0.5])
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    path = arguments.file or find_model("plate_detector", arguments.models).path
    near = arguments.refiner or find_model("plate_refiner", arguments.models).path
    detector, refiner = Detector.from_file(path), Refiner(open_model(near, None))
    for suspect, most in product(arguments.suspect, arguments.most):
        search = Search(suspect=suspect, most=most, accept=min(arguments.accept))
        localizer = TfliteLocalizer(detector, refiner, search)
        measured = list(score_all(arguments.data, localizer, arguments.conditions))
        print(f"suspect {suspect} most {most}")
        for condition, accept in product(arguments.conditions, arguments.accept):
            chosen = [one for one in measured if one.condition == condition]
            print("  ", summary(f"{condition} accept {accept}:", chosen, accept), flush=True)


if __name__ == "__main__":
    main()
