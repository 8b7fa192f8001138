# SPDX-License-Identifier: Apache-2.0
"""How far the corners are from the true ones on drawn plates, as a share of plate height."""

from pathlib import Path

import numpy as np

from plategate.vision.boxes import intersection_over_union
from plategate.vision.localize.tflite import TfliteLocalizer

from . import bank, photographs
from .compose import Composer
from .geometry import Known
from .network import HEIGHT, WIDTH
from .weather import weathered

SCENES = 300


def report(work: Path, localizer: TfliteLocalizer) -> str:
    """Mean and 95 % of the corner error of all drawn plates that were found."""
    rng = np.random.default_rng(1234)
    stocks = (bank.load(work / f"{name}.npz") for name in ("plates", "distractors"))
    composer = Composer(rng, photographs.load(work), *stocks)
    errors: dict[str, list[float]] = {"24 to 60 px": [], "from 60 px": []}
    plates, missed = 0, 0
    for _ in range(SCENES):
        scene = composer.scene(WIDTH, HEIGHT)
        regions = localizer.localize(weathered(rng, scene.image))
        for quad, known in zip(scene.quads, scene.known, strict=True):
            wide = np.ptp(quad[:, 0])
            if known != Known.CORNERS or wide < 24:
                continue
            plates += 1
            box = np.concatenate([quad.min(0), quad.max(0)])
            fits = [
                intersection_over_union(box, np.array(region.box, np.float32)) for region in regions
            ]
            if not fits or max(fits) < 0.5:
                missed += 1
                continue
            found = np.array(regions[int(np.argmax(fits))].corners, np.float32)
            left, right = quad[3] - quad[0], quad[2] - quad[1]
            height = (np.linalg.norm(left) + np.linalg.norm(right)) / 2
            error = float(np.linalg.norm(found - quad, axis=1).mean() / height)
            errors["from 60 px" if wide >= 60 else "24 to 60 px"].append(error)
    lines = [f"\nCorners on {plates} plates in weathered training scenes; {missed} not found."]
    lines += [
        f"Plates {name} of 384 wide: mean error {100 * np.mean(some):.1f} % of plate height, "
        f"median {100 * np.median(some):.1f} %, 95 % under {100 * np.percentile(some, 95):.1f} %."
        for name, some in errors.items()
    ]
    return "\n".join(lines)
