# SPDX-License-Identifier: Apache-2.0
"""Labelled photographs as arrays: read once, kept decoded in one file, mapped into memory.

Run as a script it prepares that file:  python -m detector.photographs --data DATA --work WORK
"""

import argparse
import csv
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from .geometry import Quad, quad_of_box

SIDE = 640  # longest side that is kept for training
UPRIGHT_ASPECT = 4.0  # a box this wide can only be an upright one-line plate: its corners are known
UPRIGHT_SETS = ("robertlucian-ro",)  # level cameras and cars: upright plates


@dataclass
class Plate:
    """One labelled plate: its box, its corners, whether they are known well, and its light."""

    box: NDArray[np.float32]  # x0 y0 x1 y1
    quad: Quad
    exact: bool
    dark: NDArray[np.float32]  # BGR of the darkest and the brightest tenth inside the box
    bright: NDArray[np.float32]
    patch_at: tuple[int, int]  # where `patch`, the same place without the plate, belongs
    patch: NDArray[np.uint8]


@dataclass
class Photograph:
    """One picture with its plates; smaller copies are kept, as most scenes need no more."""

    name: str
    image: NDArray[np.uint8]
    plates: list[Plate]
    unlabelled: list[Quad] = field(default_factory=list)
    smaller: list[NDArray[np.uint8]] = field(default_factory=list)
    smaller_erased: list[NDArray[np.uint8]] = field(default_factory=list)

    def erased(self) -> NDArray[np.uint8]:
        """The picture with every labelled plate painted over by its surroundings."""
        image = self.image.copy()
        for plate in self.plates:
            x, y = plate.patch_at
            height, width = plate.patch.shape[:2]
            image[y : y + height, x : x + width] = plate.patch
        return image

    def at(self, scale: float, erased: bool) -> NDArray[np.uint8]:
        """The smallest copy that still has a pixel for every pixel at `scale`."""
        level = min(len(self.smaller), max(0, int(np.log2(1.2 / scale)))) if scale < 1 else 0
        if level == 0:
            return self.erased() if erased else self.image
        return (self.smaller_erased if erased else self.smaller)[level - 1]

    def keep_smaller(self) -> None:
        for image, kept in ((self.image, self.smaller), (self.erased(), self.smaller_erased)):
            half = image
            for _ in range(2):
                half = cv2.resize(half, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
                kept.append(half)


def read_labels(data: Path, split: str) -> dict[tuple[str, str], list[NDArray[np.float32]]]:
    """Boxes by (set, picture) of one split."""
    boxes = defaultdict(list)
    with (data / "plates.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["split"] == split:
                box = np.array([row[k] for k in ("x0", "y0", "x1", "y1")], np.float32)
                boxes[row["set"], row["image"]].append(box)
    return boxes


def without_plate(
    image: NDArray[np.uint8], box: NDArray[np.float32]
) -> tuple[tuple[int, int], NDArray[np.uint8]]:
    """The surroundings of a box, grown over it; and where that patch belongs."""
    height, width = image.shape[:2]
    grow_x, grow_y = 2 + 0.06 * (box[2] - box[0]), 2 + 0.12 * (box[3] - box[1])
    inner = np.clip(
        box + np.array([-grow_x, -grow_y, grow_x, grow_y]), 0, [width, height] * 2
    ).astype(int)
    outer = np.clip(inner + np.array([-12, -12, 12, 12]), 0, [width, height] * 2)
    region = np.ascontiguousarray(image[outer[1] : outer[3], outer[0] : outer[2]])
    mask = np.zeros(region.shape[:2], np.uint8)
    mask[inner[1] - outer[1] : inner[3] - outer[1], inner[0] - outer[0] : inner[2] - outer[0]] = 255
    scale = min(1.0, 48 / max(1, inner[3] - inner[1]))  # painting large holes is slow and no better
    if scale < 1:
        small = cv2.resize(region, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        hole = cv2.resize(mask, small.shape[1::-1], interpolation=cv2.INTER_NEAREST)
        painted = cv2.resize(cv2.inpaint(small, hole, 3, cv2.INPAINT_TELEA), region.shape[1::-1])
        region = np.where(mask[..., None] > 0, painted, region)
    else:
        region = cv2.inpaint(region, mask, 3, cv2.INPAINT_TELEA)
    return (int(outer[0]), int(outer[1])), region.astype(np.uint8)


def make_plate(image: NDArray[np.uint8], box: NDArray[np.float32], set_name: str) -> Plate:
    x0, y0, x1, y1 = np.clip(box.round().astype(int), 0, [*image.shape[1::-1]] * 2)
    inside = image[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)].reshape(-1, 3)
    dark, bright = np.percentile(inside, [10, 90], axis=0).astype(np.float32)
    aspect = (box[2] - box[0]) / max(1.0, box[3] - box[1])
    exact = bool(set_name in UPRIGHT_SETS or aspect >= UPRIGHT_ASPECT)
    patch_at, patch = without_plate(image, box)
    return Plate(box, quad_of_box(box), exact, dark, bright, patch_at, patch)


def prepare(data: Path, work: Path, split: str = "train") -> None:
    """Decode the photographs of a split into WORK/SPLIT.pixels and plates into WORK/SPLIT.npz."""
    labels = read_labels(data, split)
    names, shapes, offsets, owners, sets, boxes = [], [], [0], [], [], []
    with (work / f"{split}.pixels").open("wb") as pixels:
        for index, ((set_name, name), found) in enumerate(sorted(labels.items())):
            image = cv2.imread(str(data / name))
            scale = min(1.0, SIDE / max(image.shape[:2]))
            if scale < 1:
                image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            pixels.write(image.tobytes())
            names.append(name)
            shapes.append(image.shape[:2])
            offsets.append(offsets[-1] + image.size)
            for box in found:
                owners.append(index)
                sets.append(set_name)
                boxes.append(box * scale)
            if index % 250 == 0:
                print(f"{split}: {index} of {len(labels)} photographs", flush=True)
    np.savez(
        work / f"{split}.npz",
        names=names,
        shapes=shapes,
        offsets=offsets,
        owners=owners,
        sets=sets,
        boxes=boxes,
    )


def load(work: Path, split: str = "train", plain: bool = False) -> list[Photograph]:
    """The prepared photographs, with refined corners if there are any, unless `plain`."""
    index = np.load(work / f"{split}.npz")
    pixels = np.memmap(work / f"{split}.pixels", np.uint8, "r")
    photographs = []
    for name, (height, width), start in zip(
        index["names"], index["shapes"], index["offsets"], strict=False
    ):
        image = pixels[start : start + height * width * 3].reshape(height, width, 3)
        photographs.append(Photograph(str(name), image, []))
    for owner, set_name, box in zip(index["owners"], index["sets"], index["boxes"], strict=True):
        photograph = photographs[owner]
        photograph.plates.append(
            make_plate(photograph.image, box.astype(np.float32), str(set_name))
        )
    if plain:
        return photographs
    if (work / "corners.npz").exists():
        add_corners(photographs, work / "corners.npz")
    for photograph in photographs:
        photograph.keep_smaller()
    return photographs


def add_corners(photographs: list[Photograph], path: Path) -> None:
    """What `refine` found: corners of labelled plates (not a number: none), unlabelled plates."""
    refined = np.load(path)
    plates = [plate for photograph in photographs for plate in photograph.plates]
    for plate, quad in zip(plates, refined["quads"], strict=True):
        if np.isfinite(quad).all():
            plate.quad, plate.exact = quad, True
    for owner, quad in zip(refined["owners"], refined["others"], strict=True):
        photographs[owner].unlabelled.append(quad)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with plates.csv and train/"
    )
    parser.add_argument("--work", type=Path, required=True, help="folder for what is made")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    arguments.work.mkdir(parents=True, exist_ok=True)
    prepare(arguments.data, arguments.work)


if __name__ == "__main__":
    main()
