# SPDX-License-Identifier: Apache-2.0
"""Try thresholds of the localizer on the validation photographs; looks are remembered, not redone.

python -m detector.tune --data DATA --models .. --conditions day night far
"""

import argparse
from itertools import product
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from plategate.records import Image
from plategate.vision.interpreter import open_model
from plategate.vision.localize_tflite import Search, TfliteLocalizer, Window
from plategate.vision.models import find_model

from .conditions import CONDITIONS
from .photographs import read_labels
from .scoring import Look, Plate, compare


class Remembering(TfliteLocalizer):
    """A localizer that runs the network once for every window of a picture."""

    remembered: dict[Any, Any]

    def _look(self, image: Image, window: Window, threshold: float) -> Any:
        if window in self.remembered:
            self.looks += 1
        else:
            self.remembered[window] = super()._look(image, window, 0.02)
        found, scale = self.remembered[window]
        return [one for one in found if one.score >= threshold], scale


def summary(title: str, chosen: list[Look], accept: float) -> str:
    plates = [p for look in chosen for p in look.plates]
    found = [p for p in plates if p.overlap >= 0.5 and p.confidence >= accept]
    others = sum(c >= accept for look in chosen for c in look.others)
    whole = np.mean([p.whole for p in found]) if found else 0
    return (
        f"{title} {100 * len(found) / len(plates):.1f} % whole {100 * whole:.1f} % "
        f"others {others / len(chosen):.2f} looks {np.mean([look.looks for look in chosen]):.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--conditions", nargs="*", default=["day", "night", "far"])
    parser.add_argument("--every", type=int, default=1)
    for name in ("suspect", "sure", "small_px", "wanted_px"):
        option = "--" + name.replace("_", "-")
        parser.add_argument(option, type=float, nargs="*", default=[getattr(Search(), name)])
    parser.add_argument("--accept", type=float, nargs="*", default=[0.3, 0.35, 0.4, 0.45, 0.5, 0.6])
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    path = arguments.file or find_model("plate_detector", arguments.models).path
    model = open_model(path, None)
    choices = list(
        product(arguments.suspect, arguments.sure, arguments.small_px, arguments.wanted_px)
    )
    measured: dict[Any, list[Look]] = {choice: [] for choice in choices}
    labels = sorted(read_labels(arguments.data, "val").items())[:: arguments.every]
    for (set_name, name), boxes in labels:
        original = cv2.imread(str(arguments.data / name))
        for condition in arguments.conditions:
            rng = np.random.default_rng(len(name) + sum(map(ord, name)))
            image, moved = CONDITIONS[condition](rng, original, boxes)
            remembered: dict[Any, Any] = {}
            for suspect, sure, small, wanted in choices:
                search = Search(
                    accept=min(arguments.accept),
                    suspect=suspect,
                    sure=sure,
                    small_px=small,
                    wanted_px=wanted,
                )
                localizer = Remembering(model, search)
                localizer.remembered = remembered
                plates = [Plate(box, 0.0) for box in moved]
                regions = localizer.localize(image)
                look = Look(set_name, name, condition, plates, regions, looks=localizer.looks)
                compare(look)
                measured[suspect, sure, small, wanted].append(look)
    for choice, looks in measured.items():
        print(f"suspect {choice[0]} sure {choice[1]} small {choice[2]} wanted {choice[3]}")
        for condition, accept in product(arguments.conditions, arguments.accept):
            chosen = [look for look in looks if look.condition == condition]
            print("  ", summary(f"{condition} accept {accept}:", chosen, accept))


if __name__ == "__main__":
    main()
