# SPDX-License-Identifier: Apache-2.0
"""Cuts labelled plates to lines of characters, as the firmware passes them to Tesseract."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

import cv2
import numpy as np

from plategate.values import Corners, PlateImage, PlateRegion
from plategate.vision.read.tesseract import TesseractReader, full_lines, prepare_line
from plategate.vision.rectify.plate import rectify
from plategate.vision.region import SECOND_CUT
from reader.samples import Crop, RenderedCrops, crop_shares, load_crops, other_widths
from reader.transplant import Donors, with_edges
from synthesis.degrade import degrade, low_resolution
from synthesis.plates import Picture

from .level import levelled

LONGEST = 10
# Of at most 2.0: how alike the two lines and what an early model reads on them have to be.
SURE_SPLIT = 1.2
# Share of plates that are levelled; the others are cut as the firmware cuts them.
LEVELLED = 0.75
COLOUR_MIXES = 2
REPLACED_SHARE = 0.5
TWO_LINE_WEIGHT = 3.0
OTHER_WIDTHS_SHARE = 0.25


@dataclass(frozen=True)
class LabelledPlate:
    """A picture with one plate, the plate's box and its text."""

    image: Picture
    box: tuple[float, float, float, float]
    text: str
    two_line: bool
    source: str
    name: str = ""


@dataclass(frozen=True)
class Line:
    """One prepared line, 36 px high, dark on light, and its text."""

    image: Picture
    text: str


def real_plates(data: Path, split: str) -> list[LabelledPlate]:
    """All crops with text of one split of the labelled pictures."""
    plates = []
    with (data / "plates.csv").open(encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            if row["split"] != split or not row["crop"] or not row["text"]:
                continue
            image = cv2.imread(str(data / row["crop"]))
            x0, y0, x1, y1 = (float(row[f"crop_{side}"]) for side in ("x0", "y0", "x1", "y1"))
            plates.append(
                LabelledPlate(
                    image=np.asarray(image, np.uint8),
                    box=(x0, y0, x1, y1),
                    text=row["text"],
                    two_line=row["two_line"] == "1",
                    source=row["set"],
                    name=row["crop"],
                )
            )
    return plates


def drawn_plates(rendered: Path, rng: np.random.Generator) -> Iterator[LabelledPlate]:
    """An endless stream of rendered plates with surroundings, out of shards of synthesis.cache."""
    crops = RenderedCrops(rendered)
    while True:
        yield _labelled(crops.draw(rng))


def _labelled(crop: Crop) -> LabelledPlate:
    image = np.asarray(cv2.cvtColor(crop.image, cv2.COLOR_GRAY2BGR), np.uint8)
    x0, y0, x1, y1 = (float(side) for side in crop.box)
    return LabelledPlate(image, (x0, y0, x1, y1), crop.text, crop.two_line, crop.source)


def with_replaced_characters(
    data: Path, edges: Path, rng: np.random.Generator
) -> Iterator[LabelledPlate]:
    """An endless stream of real one-line plates of the train split with others' characters."""
    crops = with_edges(load_crops(data, "train", mixes=COLOUR_MIXES), edges, COLOUR_MIXES)
    donors = Donors(crops)
    crops = [crop for crop in crops if donors.fits(crop)]
    shares = np.cumsum(crop_shares(crops))
    while True:
        yield _labelled(
            donors.replace_characters(crops[int(np.searchsorted(shares, rng.random()))], rng)
        )


def corners_of(box: tuple[float, float, float, float]) -> Corners:
    x0, y0, x1, y1 = box
    return (x0, y0), (x1, y0), (x1, y1), (x0, y1)


def shaken(corners: Corners, rng: np.random.Generator) -> Corners:
    """Corners with the errors of a localizer: shifted, stretched, each a little off."""
    points = np.array(corners)
    size = points.max(axis=0) - points.min(axis=0)
    shift = rng.normal(0, (0.012, 0.03)) * size
    centre = points.mean(axis=0)
    scale = 1 + rng.normal((0.01, 0.02), (0.02, 0.05))
    each = rng.normal(0, (0.006, 0.02), (4, 2)) * size
    moved = (points - centre) * scale + centre + shift + each
    a, b, c, d = ((float(x), float(y)) for x, y in moved)
    return a, b, c, d


def cut(plate: LabelledPlate, corners: Corners, level: bool = True) -> PlateImage:
    """The plate levelled, or as the firmware cuts it for every reader."""
    region = PlateRegion(corners, 1.0, "label")
    if not level:
        return rectify(plate.image, region)
    return rectify(plate.image, levelled(plate.image, region), SECOND_CUT)


def lines_of(image: PlateImage) -> list[Picture] | None:
    """The prepared lines of a plate; None if one of them cannot contain text."""
    full = full_lines(image.lines())
    found = [line for line in map(prepare_line, full) if line is not None]
    return found if len(found) == len(full) else None


def parts_of(plate: LabelledPlate, splitter: TesseractReader) -> tuple[str, str] | None:
    """The text of each line of a two-line plate, split by an early model's readings."""
    lines = full_lines(cut(plate, corners_of(plate.box)).lines())
    if len(lines) != 2:
        return None
    read = [splitter.read_line(line) for line in lines]

    def likeness(cut: int) -> float:
        parts = plate.text[:cut], plate.text[cut:]
        return sum(SequenceMatcher(None, *pair).ratio() for pair in zip(parts, read, strict=True))

    best = max(range(1, len(plate.text)), key=likeness)
    if likeness(best) < SURE_SPLIT:
        return None
    return plate.text[:best], plate.text[best:]


def worn(plate: LabelledPlate, rng: np.random.Generator, amount: float) -> LabelledPlate:
    """The plate degraded as by cameras, light and weather."""
    image = plate.image
    if rng.random() < 0.2 * amount:
        tall = image.shape[0] / (plate.box[3] - plate.box[1])
        image = low_resolution(image, int(rng.uniform(14, 34) * tall))
    image = degrade(image, rng, amount)
    return LabelledPlate(image, plate.box, plate.text, plate.two_line, plate.source, plate.name)


def training_lines(
    data: Path,
    rendered: Path,
    rng: np.random.Generator,
    share_of_real: float,
    faults: float,
    splitter: TesseractReader | None = None,
    edges: Path | None = None,
) -> Iterator[Line]:
    """An endless stream of lines: real crops of the train split and rendered plates, mixed.

    `faults` scales how often light, blur and noise are added; half of the real crops get none.
    Two-line plates are used only with a `splitter` that says what stands on which line. With the
    borders of reader.align, half of the real plates get characters of other plates.
    """
    real = real_plates(data, "train")
    replaced = with_replaced_characters(data, edges, rng) if edges else None
    parts = {id(p): parts_of(p, splitter) for p in real if p.two_line} if splitter else {}
    real = [p for p in real if not p.two_line or parts.get(id(p))]
    shares = np.cumsum([TWO_LINE_WEIGHT if p.two_line else 1.0 for p in real])
    drawn = drawn_plates(rendered, rng)
    while True:
        if rng.random() < share_of_real:
            chosen = real[int(np.searchsorted(shares, rng.random() * shares[-1]))]
            if replaced and not chosen.two_line and rng.random() < REPLACED_SHARE:
                chosen = next(replaced)
            texts: tuple[str, ...] = parts.get(id(chosen)) or (chosen.text,)
            plate = worn(chosen, rng, faults) if rng.random() < 0.5 else chosen
        else:
            chosen = next(drawn)
            plate = worn(chosen, rng, faults)
            texts = (plate.text,)
            if plate.two_line:
                texts = (splitter and parts_of(chosen, splitter)) or ()
        lines = lines_of(cut(plate, shaken(corners_of(plate.box), rng), rng.random() < LEVELLED))
        if lines is not None and len(lines) == len(texts) and len(plate.text) <= LONGEST:
            for image, text in zip(lines, texts, strict=True):
                wide = rng.random() < OTHER_WIDTHS_SHARE
                yield Line(other_widths(image, rng) if wide else image, text)
