# SPDX-License-Identifier: Apache-2.0
"""Finds the corners of the training plates with the shipped localizer.

The reader is then trained on plates that are cut as in the firmware, along the corners found, and
not only along the labelled boxes, which ignore tilt and holders.
"""

from __future__ import annotations

import argparse
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np

from calibration.collect import region_of
from plategate.vision.localize.tflite import TfliteLocalizer

from .quads import Points, inside_crop
from .samples import readable_rows

SIDES = ("x0", "y0", "x1", "y1")


def find_quads(data: Path, models: Path | None) -> Points:
    """Corners (plates x 4 x 2) in pixels of each training crop; not a number where not found."""
    localizer = TfliteLocalizer.from_manifest(models)
    quads = []
    for name, rows in groupby(readable_rows(data, "train"), key=lambda row: row["image"]):
        found = localizer.localize(np.asarray(cv2.imread(str(data / name)), np.uint8))
        for row in rows:
            box = np.array([row[side] for side in SIDES], np.float32)
            in_crop = np.array([row[f"crop_{side}"] for side in SIDES], np.float32)
            region = region_of(tuple(box.tolist()), found)
            if region is None:
                quads.append(np.full((4, 2), np.nan, np.float32))
            else:
                quads.append(inside_crop(np.array(region.corners, np.float32), box, in_crop))
    return np.array(quads, np.float32)


def main() -> None:
    """Command line: a data folder in, a file of corners out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, help="folder with MANIFEST.toml")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    quads = find_quads(options.data, options.models)
    np.savez(options.target, quads=quads)
    print(f"corners of {np.isfinite(quads[:, 0, 0]).sum()} of {len(quads)} plates")


if __name__ == "__main__":
    main()
