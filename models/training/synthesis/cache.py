# SPDX-License-Identifier: Apache-2.0
"""Renders grey plates with surroundings into files in advance, so that training never waits."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from .plates import Picture, render_plate
from .wear import PlacedPlate, place

LINE_PIXELS = 56
TWO_LINE_PIXELS = 84


def load_backgrounds(data: Path, limit: int) -> list[Picture]:
    """Photographs of the train split with their plates painted over by their surroundings."""
    seen: dict[str, list[list[int]]] = {}
    with (data / "plates.csv").open() as handle:
        for row in csv.DictReader(handle):
            if row["split"] == "train":
                box = [int(float(row[key])) for key in ("x0", "y0", "x1", "y1")]
                seen.setdefault(row["image"], []).append(box)
    pictures = []
    for name in list(seen)[:: max(1, len(seen) // limit)]:
        image = cv2.imread(str(data / name))
        if image is None:
            continue
        for x0, y0, x1, y1 in seen[name]:
            patch = image[max(0, y0) : y1, max(0, x0) : x1]
            patch[:] = cv2.blur(patch, (31, 31))[:, :1].repeat(patch.shape[1], axis=1)
        pictures.append(image.astype(np.uint8))
    return pictures


def to_grey(image: Picture, rng: np.random.Generator) -> Picture:
    """Grey by a random mix of colours: cameras without infrared filter see colours differently."""
    mix = np.array([0.114, 0.587, 0.299])
    if rng.random() < 0.4:
        mix = rng.dirichlet(np.ones(3) * 1.2)
    return np.asarray(cv2.transform(image, mix[None].astype(np.float32)), np.uint8)


def shrink(placed: PlacedPlate, grey: Picture) -> tuple[Picture, np.ndarray]:
    """The picture scaled to the cache's plate height, and the plate's box."""
    box = np.array(placed.box, np.float32)
    wanted = TWO_LINE_PIXELS if placed.two_line else LINE_PIXELS
    scale = wanted / (box[3] - box[1])
    size = (max(8, int(grey.shape[1] * scale)), max(8, int(grey.shape[0] * scale)))
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return small.astype(np.uint8), box * scale


def samples(
    seed: int, backgrounds: list[Picture]
) -> Iterator[tuple[Picture, np.ndarray, str, bool]]:
    """An endless stream of grey plates with box, text and whether they have two lines."""
    rng = np.random.default_rng(seed)
    while True:
        placed = place(render_plate(rng), backgrounds, rng)
        small, box = shrink(placed, to_grey(placed.image, rng))
        yield small, box, placed.text, placed.two_line


def write_shard(path: Path, count: int, seed: int, backgrounds: list[Picture]) -> None:
    """One file of `count` plates: all pixels in a row, shapes, boxes, texts."""
    pixels, shapes, boxes, texts, twos = [], [], [], [], []
    for image, box, text, two in samples(seed, backgrounds):
        pixels.append(image.ravel())
        shapes.append(image.shape)
        boxes.append(box)
        texts.append(text)
        twos.append(two)
        if len(texts) == count:
            break
    part = path.with_suffix(".part.npz")
    np.savez(
        part,
        pixels=np.concatenate(pixels),
        shapes=np.array(shapes, np.int32),
        boxes=np.array(boxes, np.float32),
        texts=np.array(texts),
        two_line=np.array(twos),
    )
    part.rename(path)


def main() -> None:
    """Command line: fill a folder with shards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--shards", type=int, default=30)
    parser.add_argument("--plates", type=int, default=3000, help="plates in a shard")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    options.folder.mkdir(parents=True, exist_ok=True)
    backgrounds = load_backgrounds(options.data, 600)
    for number in range(options.shards):
        path = options.folder / f"shard-{options.seed:02d}-{number:03d}.npz"
        if not path.exists():
            seed = options.seed * 100_000 + number
            write_shard(path, options.plates, seed, backgrounds)
            print(path, flush=True)


if __name__ == "__main__":
    main()
