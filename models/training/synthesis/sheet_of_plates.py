# SPDX-License-Identifier: Apache-2.0
"""Draws a contact sheet: flat plates above, the same after wear and camera below."""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from .degrade import degrade
from .plates import Picture, render_plate
from .wear import place

TILE = (176, 72)


def tile(image: Picture) -> Picture:
    """The picture inside a tile, proportions kept."""
    scale = min(TILE[0] / image.shape[1], TILE[1] / image.shape[0])
    size = (max(1, int(image.shape[1] * scale)), max(1, int(image.shape[0] * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    out = np.full((TILE[1], TILE[0], 3), 128, np.uint8)
    y, x = (TILE[1] - size[1]) // 2, (TILE[0] - size[0]) // 2
    out[y : y + size[1], x : x + size[0]] = small
    return out


def worn(seed: int) -> Picture:
    """A plate with its surroundings as a camera sees it."""
    rng = np.random.default_rng(seed)
    placed = place(render_plate(rng), [], rng)
    x0, y0, x1, y1 = (int(value) for value in placed.box)
    margin = (y1 - y0) // 8
    cut = placed.image[y0 - margin : y1 + margin, x0 - margin : x1 + margin]
    small = cv2.resize(cut, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA).astype(np.uint8)
    return degrade(small, rng)


def main() -> None:
    """Command line: one picture out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rows = []
    for make in (lambda seed: render_plate(np.random.default_rng(seed)).image, worn):
        seeds = range(options.seed * 1000, options.seed * 1000 + 42)
        tiles = [tile(make(seed)) for seed in seeds]
        rows += [np.hstack(tiles[at : at + 7]) for at in range(0, len(tiles), 7)]
    cv2.imwrite(str(options.target), np.vstack(rows))


if __name__ == "__main__":
    main()
