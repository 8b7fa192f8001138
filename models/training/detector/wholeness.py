# SPDX-License-Identifier: Apache-2.0
"""Whether the readers' crop of a found plate shows its first and its last character whole.

Boxes are looser than registrations, so they are no measure of this. Here the shipped reader reads
each validation plate at its labelled box; where that is right, its output gives the column of each
character, and the first and the last must lie, with half a character's pitch, inside the crop that
is made from the found corners. Prints the count, and the plates that are cut.

python -m detector.wholeness --data DATA --models ..
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.collect import box_region, labelled, region_of
from plategate.plates.text import fold
from plategate.values import Image, PlateRegion
from plategate.vision.localize.tflite import TfliteLocalizer
from plategate.vision.read.ctc import prefix_beam_search
from plategate.vision.read.tflite import TfliteReader
from plategate.vision.rectify.plate import NORMAL, upright
from reader.network import ALPHABET

HALF = 0.5  # of the distance between characters: where a character ends, seen from its middle
Box = tuple[float, float, float, float]
Points = NDArray[np.float32]


def lines_read(reader: TfliteReader, grey: Image, text: str) -> list[NDArray[np.float64]] | None:
    """Where the characters of each line stand, 0 to 1 across `grey`; None where it is misread."""
    probabilities = reader.probabilities(grey)
    best = prefix_beam_search(probabilities)[0]
    if fold("".join(ALPHABET[number - 1] for number in best.classes)) != fold(text):
        return None
    columns = len(probabilities) // 2
    steps = np.array(best.steps)
    lines = [steps[steps < columns], steps[steps >= columns] - columns]
    return [(line + 0.5) / columns for line in lines if len(line) > 1]


def extent(lines: list[NDArray[np.float64]], box: Box) -> Points:
    """The outermost places of the characters on the middle of the box, left and right."""
    x0, y0, x1, y1 = box
    left = x0 - NORMAL.width * (x1 - x0)
    width = (1 + 2 * NORMAL.width) * (x1 - x0)
    first = min(line[0] - HALF * np.diff(line).mean() for line in lines)
    last = max(line[-1] + HALF * np.diff(line).mean() for line in lines)
    middle = (y0 + y1) / 2
    return np.array([[left + first * width, middle], [left + last * width, middle]], np.float32)


def shows(region: PlateRegion, points: Points) -> bool:
    """Whether the readers' crop reaches both points across the plate."""
    flat = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    matrix = cv2.getPerspectiveTransform(np.array(region.corners, np.float32), flat)
    across = cv2.perspectiveTransform(points[None], matrix)[0, :, 0]
    return bool(across[0] >= -NORMAL.width and across[1] <= 1 + NORMAL.width)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, help="folder with MANIFEST.toml")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    localizer = TfliteLocalizer.from_manifest(arguments.models)
    reader = TfliteReader(arguments.models)
    whole, judged = 0, 0
    for name, rows in labelled(arguments.data, "val"):
        image = np.asarray(cv2.imread(str(arguments.data / name)), np.uint8)
        found = localizer.localize(image)
        for row in rows:
            x0, y0, x1, y1 = (float(row[side]) for side in ("x0", "y0", "x1", "y1"))
            box = (x0, y0, x1, y1)
            region = region_of(box, found)
            grey = upright(image, box_region(box).corners, NORMAL)
            lines = lines_read(reader, grey, row["text"])
            if region is None or not lines:
                continue
            judged += 1
            if shows(region, extent(lines, box)):
                whole += 1
            else:
                print(f"cut: {name} {row['text']}")
    print(f"{whole} of {judged} found plates show their first and last character whole")


if __name__ == "__main__":
    main()
