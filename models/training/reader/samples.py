# SPDX-License-Identifier: Apache-2.0
"""Pictures for the reader: real crops, rendered plates and empty patches, degraded."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from synthesis.degrade import degrade
from synthesis.plates import Picture

from .quads import around
from .shape import ALPHABET, HEIGHT, WIDTH

ONE_LINE_SKIPPED = 0.35
BAR_AT_END_SHARE = 0.1
STRONGLY_TURNED_SHARE = 0.12
OTHER_WIDTHS_SHARE, WIDTH_KNOTS = 0.4, 7
AS_FOUND_SHARE, FAULTS_OF_FOUND = 0.7, 0.6
BARS = frozenset("I1")

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Crop:
    """A grey picture, the box of the plate in it, and what stands on the plate."""

    image: Picture
    box: Floats
    text: str
    two_line: bool
    source: str
    edges: tuple[npt.NDArray[np.int32], ...] = ()
    quad: Floats | None = None  # corners that a localizer found, clockwise from the top left


def normalise(image: Picture) -> Floats:
    """A grey picture of the network's size with mean 0 and deviation 1."""
    pixels = image.astype(np.float32)
    return np.asarray((pixels - pixels.mean()) / (pixels.std() + 4.0), np.float32)


def fit(image: Picture) -> Picture:
    """The picture at the network's size."""
    shrink = image.shape[0] > HEIGHT or image.shape[1] > WIDTH
    how = cv2.INTER_AREA if shrink else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (WIDTH, HEIGHT), interpolation=how), np.uint8)


def plain_cut(crop: Crop, margin_x: float = 0.05, margin_y: float = 0.08) -> Picture:
    """The plate with a fixed margin and nothing else done to it."""
    x0, y0, x1, y1 = crop.box
    mx, my = (x1 - x0) * margin_x, (y1 - y0) * margin_y
    return crop.image[max(0, int(y0 - my)) : int(y1 + my), max(0, int(x0 - mx)) : int(x1 + mx)]


def rows(data: Path, split: str) -> list[dict[str, Any]]:
    """The plates of a split with readable text."""
    with (data / "plates.csv").open() as handle:
        return [row for row in csv.DictReader(handle) if row["split"] == split and row["crop"]]


def readable_rows(data: Path, split: str) -> list[dict[str, Any]]:
    """The plates of a split whose text has letters and digits only."""
    return [
        row for row in rows(data, split) if row["text"] and not set(row["text"]) - set(ALPHABET)
    ]


def load_crops(data: Path, split: str, mixes: int = 1) -> list[Crop]:
    """Real crops as grey pictures, each under `mixes` mixtures of its colours."""
    rng = np.random.default_rng(7)
    crops = []
    for row in readable_rows(data, split):
        colour = cv2.imread(str(data / row["crop"]))
        box = np.array([row[f"crop_{key}"] for key in ("x0", "y0", "x1", "y1")], np.float32)
        for number in range(mixes):
            weights = np.array([0.114, 0.587, 0.299]) if number == 0 else rng.dirichlet([1.2] * 3)
            grey = np.asarray(cv2.transform(colour, weights[None].astype(np.float32)), np.uint8)
            grey = grey.reshape(colour.shape[:2])
            crops.append(Crop(grey, box, row["text"], row["two_line"] == "1", row["set"]))
    return crops


def crop_shares(crops: list[Crop]) -> npt.NDArray[np.float64]:
    """Chance of each crop: cars that are seen often count less each time.

    Two lines count more, and so do plates with a bar at an end, which is easily taken for the rim.
    """
    seen = Counter(crop.text for crop in crops)
    shares = np.array(
        [
            seen[crop.text] ** -0.5
            * (1.6 if crop.two_line else 1.0)
            * (2.0 if {crop.text[0], crop.text[-1]} & BARS else 1.0)
            for crop in crops
        ]
    )
    return shares / shares.sum()


def load_empty(data: Path, count: int, seed: int = 3) -> list[Picture]:
    """Patches of train photographs that touch no labelled plate."""
    rng = np.random.default_rng(seed)
    boxes: dict[str, list[list[float]]] = {}
    with (data / "plates.csv").open() as handle:
        for row in csv.DictReader(handle):
            if row["split"] == "train":
                box = [float(row[key]) for key in ("x0", "y0", "x1", "y1")]
                boxes.setdefault(row["image"], []).append(box)
    patches: list[Picture] = []
    for name in list(boxes)[::4]:
        image = cv2.imread(str(data / name), cv2.IMREAD_GRAYSCALE)
        for _ in range(6):
            width = int(rng.uniform(60, 200))
            height = int(width / rng.uniform(1.4, 5))
            if image.shape[1] <= width or image.shape[0] <= height:
                continue
            x = int(rng.integers(image.shape[1] - width))
            y = int(rng.integers(image.shape[0] - height))
            if all(
                x > b[2] or x + width < b[0] or y > b[3] or y + height < b[1] for b in boxes[name]
            ):
                patches.append(image[y : y + height, x : x + width].astype(np.uint8))
    rng.shuffle(patches)  # type: ignore[arg-type]
    return patches[:count]


class RenderedCrops:
    """Plates out of the shards of a folder; shards that appear later are taken in too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._shards: dict[str, dict[str, Any]] = {}
        self._names: list[str] = []
        self.refresh()

    def refresh(self) -> None:
        """Load shards that were not there before and drop those that are gone."""
        paths = {path.name: path for path in self.folder.glob("shard-??-???.npz")}
        for name in set(self._shards) - set(paths):
            del self._shards[name]
        for name, path in paths.items():
            if name not in self._shards:
                with np.load(path) as packed:
                    shard: dict[str, Any] = {key: packed[key] for key in packed.files}
                areas = shard["shapes"].prod(1).astype(np.int64)
                shard["bars"] = np.flatnonzero([text[-1] in BARS for text in shard["texts"]])
                shard["starts"] = np.concatenate([[0], np.cumsum(areas)[:-1]])
                self._shards[name] = shard
        self._names = sorted(self._shards)

    def __len__(self) -> int:
        return sum(len(shard["texts"]) for shard in self._shards.values())

    def draw(self, rng: np.random.Generator) -> Crop:
        """One plate at random, two-line plates more often than they were drawn."""
        crop = self._any(rng)
        if not crop.two_line and rng.random() < ONE_LINE_SKIPPED:
            crop = self._any(rng)
        return crop

    def _any(self, rng: np.random.Generator) -> Crop:
        shard = self._shards[self._names[int(rng.integers(len(self._names)))]]
        if rng.random() < BAR_AT_END_SHARE:
            number = int(rng.choice(shard["bars"]))
        else:
            number = int(rng.integers(len(shard["texts"])))
        height, width = shard["shapes"][number]
        start = int(shard["starts"][number])
        image = shard["pixels"][start : start + height * width].reshape(height, width)
        text, two = str(shard["texts"][number]), bool(shard["two_line"][number])
        return Crop(image, shard["boxes"][number], text, two, "rendered")


def _margins(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Margins left, right, top, bottom that a localizer leaves, as shares of width and height."""
    wide = rng.uniform(-0.025, 0.14, 2) if rng.random() < 0.5 else rng.normal(0.05, 0.03, 2)
    tall = rng.uniform(-0.03, 0.2, 2) if rng.random() < 0.5 else rng.normal(0.08, 0.05, 2)
    return np.concatenate([wide.clip(-0.03, 0.16), tall.clip(-0.05, 0.25)])


def random_cut(crop: Crop, rng: np.random.Generator) -> Picture:
    """The plate cut as an imperfect localizer would: margins, turn, shear, bent corners, size."""
    image, box = crop.image, crop.box
    width, height = box[2] - box[0], box[3] - box[1]
    left, right, top, bottom = _margins(rng)
    x0, x1 = -width * (0.5 + left), width * (0.5 + right)
    y0, y1 = -height * (0.5 + top), height * (0.5 + bottom)
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
    corners += rng.normal(0, 0.02 * height, (4, 2))
    spread = 6.0 if rng.random() < STRONGLY_TURNED_SHARE else 2.2
    quad = crop.quad if rng.random() < AS_FOUND_SHARE else None
    faults = 1.0 if quad is None else FAULTS_OF_FOUND
    angle = np.deg2rad(np.clip(rng.normal(0, spread), -13, 13)) * faults
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners[:, 0] += corners[:, 1] * rng.normal(0, 0.09) * faults
    corners = corners @ turn.T + (box[:2] + box[2:]) / 2
    if quad is not None:
        corners = around(quad, box, corners)
    out_height = rng.uniform(36, 60) if rng.random() < 0.5 else rng.uniform(9, 40)
    if crop.two_line:
        out_height *= 1.5
    out_height = min(out_height, (y1 - y0) * 1.15)
    aspect = np.clip((x1 - x0) / (y1 - y0), 0.8, 6.5)
    size = (max(20, int(out_height * aspect)), max(10, int(out_height)))
    while (y1 - y0) > 1.7 * size[1]:
        half = (image.shape[1] // 2, image.shape[0] // 2)
        image = cv2.resize(image, half, interpolation=cv2.INTER_AREA).astype(np.uint8)
        corners, y0, y1 = corners * 0.5, y0 * 0.5, y1 * 0.5
    target = np.array([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]], np.float32)
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), target)
    cut = cv2.warpPerspective(image, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cut, np.uint8)


def swap_characters(crop: Crop, rng: np.random.Generator) -> Crop:
    """The plate with some of its characters in each other's places, where these are known."""
    if not crop.edges or any(np.diff(edges).min() < 3 for edges in crop.edges):
        return crop
    image, text, start = crop.image.copy(), "", 0
    middle = int(crop.box[1] + crop.box[3]) // 2
    bands = (slice(0, middle), slice(middle, None)) if crop.two_line else (slice(None),)
    for band, edges in zip(bands, crop.edges, strict=True):
        line = crop.text[start : start + len(edges) - 1]
        start += len(line)
        order = _new_order(line, rng)
        slices = [crop.image[band, edges[at] : edges[at + 1]] for at in order]
        image[band, edges[0] : edges[-1]] = np.concatenate(slices, axis=1)
        text += "".join(line[at] for at in order)
    return replace(crop, image=image, text=text)


def _new_order(line: str, rng: np.random.Generator) -> list[int]:
    """One to three swaps; a bar goes to an end of the line more often than not."""
    order = list(range(len(line)))
    if len(order) < 2:
        return order
    for _ in range(int(rng.integers(1, 4))):
        one, two = (int(at) for at in rng.choice(len(order), 2, replace=False))
        order[one], order[two] = order[two], order[one]
    bars = [place for place, at in enumerate(order) if line[at] in BARS]
    if bars and rng.random() < 0.6:
        end = -1 if rng.random() < 0.7 else 0
        order[bars[0]], order[end] = order[end], order[bars[0]]
    return order


def other_widths(cut: Picture, rng: np.random.Generator) -> Picture:
    """The cut with parts of it wider and parts narrower: other lettering, other gaps, same text."""
    width, height = cut.shape[1], cut.shape[0]
    places = np.linspace(0, width, WIDTH_KNOTS)
    pace = np.exp(np.interp(np.arange(width), places, rng.normal(0, 0.22, WIDTH_KNOTS)))
    across = np.cumsum(pace) - pace[0]
    row = (across * (width - 1) / across[-1]).astype(np.float32)
    columns = np.broadcast_to(row, (height, width)).copy()
    lines = np.broadcast_to(np.arange(height, dtype=np.float32)[:, None], (height, width)).copy()
    return np.asarray(cv2.remap(cut, columns, lines, cv2.INTER_LINEAR), np.uint8)


def spoil(cut: Picture, rng: np.random.Generator, amount: float) -> Picture:
    """The cut after faults of camera and light, at the network's size."""
    if rng.random() < OTHER_WIDTHS_SHARE:
        cut = other_widths(cut, rng)
    if rng.random() < 0.12 and cut.shape[0] > 24:
        strokes = cv2.erode if rng.random() < 0.5 else cv2.dilate
        cut = np.asarray(strokes(cut, np.ones((2, 2), np.uint8)), np.uint8)
    cut = degrade(cut, rng, amount)
    if rng.random() < 0.03:
        cut = np.asarray(255 - cut, np.uint8)
    return fit(cut)
