# SPDX-License-Identifier: Apache-2.0
"""Composes new registrations from characters cut out of other real plates of the same set.

A few hundred cars have each character in few positions. A character that is moved to another plate,
at its height and contrast, keeps the real paint, light and blur that drawn plates lack.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from synthesis.grammar import DIGITS, LETTERS
from synthesis.plates import Picture

if TYPE_CHECKING:
    from .samples import Crop

REPLACED_SHARE = 0.55
KIND_KEPT_SHARE = 0.85
BAR_AT_END_SHARE = 0.25
AT_RIM_SHARE, BAR_AT_RIM_SHARE = 0.12, 0.4
RIM, SOFT_RIM = 0.05, 0.1
CANDIDATES = 8
CLOSE_BAR_SHARE = 0.7
CLOSE_GAP = (0.02, 0.14)  # of the height


@dataclass(frozen=True)
class _Band:
    """Rows that hold the characters of a plate, and whether these are darker than its paper."""

    top: int
    bottom: int
    dark_ink: bool
    contrast: float

    @property
    def height(self) -> int:
        return self.bottom - self.top


@dataclass(frozen=True)
class _Glyph:
    """One character of a real plate between its two borders, with the grey values around it."""

    pixels: Picture
    low: float
    high: float

    @staticmethod
    def of(pixels: Picture) -> _Glyph:
        low, high = (float(value) for value in np.percentile(pixels, (6, 94)))
        return _Glyph(pixels, low, high)

    def distance(self, other: _Glyph) -> float:
        """How unlike two places of plates are in size, contrast and brightness."""
        height = np.log(self.pixels.shape[0] / other.pixels.shape[0])
        contrast = np.log((self.high - self.low + 8) / (other.high - other.low + 8))
        return float(abs(height) + abs(contrast) + abs(self.high - other.high) / 80)


def _band(crop: Crop) -> _Band:
    y0, y1 = float(crop.box[1]), float(crop.box[3])
    rim = RIM * (y1 - y0)
    top, bottom = max(0, int(y0 + rim)), min(crop.image.shape[0], int(y1 - rim))
    edges = crop.edges[0]
    band = crop.image[top:bottom, edges[0] : edges[-1]]
    low, high = (float(value) for value in np.percentile(band, (6, 94)))
    between = crop.image[top:bottom, np.clip(edges, 0, crop.image.shape[1] - 1)]
    return _Band(top, bottom, float(np.median(between)) > (low + high) / 2, high - low)


def with_edges(crops: list[Crop], path: Path, mixes: int = 1) -> list[Crop]:
    """The crops of the train split, `mixes` of each, with what reader.align found of their borders.

    Tilted plates are left as they are: columns do not separate their characters.
    """
    crops = list(crops)
    with np.load(path) as known:
        for number in sorted({int(name.split(".")[0]) for name in known.files}):
            lines = [known[f"{number}.{at}"] for at in (0, 1) if f"{number}.{at}" in known]
            for at in range(number * mixes, (number + 1) * mixes):
                x0, y0, x1, y1 = crops[at].box
                if x1 - x0 > (1.3 if crops[at].two_line else 2.6) * (y1 - y0):
                    crops[at] = replace(crops[at], edges=tuple(lines))
    return crops


class Donors:
    """Characters of real one-line plates whose borders are known, by set, ink and character."""

    def __init__(self, crops: list[Crop]) -> None:
        self._shelves: dict[tuple[str, bool], dict[str, list[_Glyph]]] = {}
        for crop in crops:
            if not self.fits(crop):
                continue
            band, edges = _band(crop), crop.edges[0]
            shelf = self._shelves.setdefault((crop.source, band.dark_ink), defaultdict(list))
            for at, character in enumerate(crop.text):
                pixels = crop.image[band.top : band.bottom, edges[at] : edges[at + 1]]
                shelf[character].append(_Glyph.of(pixels))

    @staticmethod
    def fits(crop: Crop) -> bool:
        """Whether a crop has one line, known borders, and contrast enough to tell ink and paper."""
        if len(crop.edges) != 1 or np.diff(crop.edges[0]).min() < 2:
            return False
        band = _band(crop)
        return band.height > 8 and band.contrast > 24

    def replace_characters(self, crop: Crop, rng: np.random.Generator) -> Crop:
        """The plate with some of its characters replaced by those of other plates."""
        if not self.fits(crop):
            return crop
        band, edges = _band(crop), crop.edges[0]
        shelf = self._shelves[crop.source, band.dark_ink]
        bar = None
        if rng.random() < BAR_AT_END_SHARE:
            bar = len(crop.text) - 1 if rng.random() < 0.7 else 0
        parts, text = [crop.image[:, : edges[0]]], ""
        for at, character in enumerate(crop.text):
            strip = crop.image[:, edges[at] : edges[at + 1]]
            if at == bar or rng.random() < REPLACED_SHARE:
                new = _another(character, at == bar, shelf, rng)
                parts.append(_put(strip, band, shelf[new], rng))
                text += new
                if at == bar and rng.random() < CLOSE_BAR_SHARE:
                    parts[-1] = _close_to_neighbour(parts[-1], band, at > 0, rng)
            else:
                parts.append(strip)
                text += character
        _beside_rim(crop, bar, parts, rng)
        image = np.concatenate(parts, axis=1)
        box = crop.box.copy()
        box[2] += image.shape[1] - crop.image.shape[1]
        return replace(crop, image=image, text=text, box=box, edges=(), quad=None)


def _close_to_neighbour(
    strip: Picture, band: _Band, on_left: bool, rng: np.random.Generator
) -> Picture:
    """A bar with hardly any paper towards the next character, as after an M."""
    profile = strip[band.top : band.bottom].mean(0) * (1 if band.dark_ink else -1)
    ink = np.flatnonzero(profile < (profile.min() + profile.max()) / 2)
    if not len(ink):
        return strip
    gap = round(rng.uniform(*CLOSE_GAP) * band.height)
    if on_left:
        return strip[:, max(0, int(ink[0]) - gap) :]
    return strip[:, : int(ink[-1]) + 1 + gap]


def _beside_rim(
    crop: Crop, bar: int | None, parts: list[Picture], rng: np.random.Generator
) -> None:
    """Add what lies right of the characters; now and then remove the paper next to the rim."""
    edges = crop.edges[0]
    after = crop.image[:, edges[-1] :]
    if rng.random() < (AT_RIM_SHARE if bar is None else BAR_AT_RIM_SHARE):
        share = rng.uniform(0.4, 1.0)
        if bar == 0 or (bar is None and rng.random() < 0.3):
            paper = int(share * max(0.0, edges[0] - float(crop.box[0])))
            parts[0] = parts[0][:, : parts[0].shape[1] - paper]
        else:
            after = after[:, int(share * max(0.0, float(crop.box[2]) - edges[-1])) :]
            if bar is not None:
                parts[-1] = parts[-1][:, : round(parts[-1].shape[1] * rng.uniform(0.75, 1.0))]
    parts.append(after)


def _another(
    character: str, bar: bool, shelf: dict[str, list[_Glyph]], rng: np.random.Generator
) -> str:
    """A character for a place, mostly of the kind that stood there: a letter, or a digit."""
    kind = DIGITS if character in DIGITS else LETTERS
    if bar:
        wanted = "1" if kind == DIGITS else "I"
        return wanted if wanted in shelf else character
    if rng.random() > KIND_KEPT_SHARE:
        kind = LETTERS if kind == DIGITS else DIGITS
    known = [candidate for candidate in kind if candidate in shelf]
    return known[int(rng.integers(len(known)))] if known else character


def _put(strip: Picture, band: _Band, donors: list[_Glyph], rng: np.random.Generator) -> Picture:
    """A strip of a plate, made as wide as a new character needs, with that character on it."""
    here = _Glyph.of(strip[band.top : band.bottom])
    tried = [donors[int(at)] for at in rng.integers(len(donors), size=CANDIDATES)]
    glyph = min(tried, key=here.distance)
    width = max(2, round(glyph.pixels.shape[1] * band.height / glyph.pixels.shape[0]))
    wide = cv2.resize(strip, (width, strip.shape[0]), interpolation=cv2.INTER_LINEAR)
    how = cv2.INTER_AREA if glyph.pixels.shape[0] > band.height else cv2.INTER_LINEAR
    new = cv2.resize(glyph.pixels, (width, band.height), interpolation=how).astype(np.float32)
    new = (new - glyph.low) * (here.high - here.low) / (glyph.high - glyph.low + 1) + here.low
    rows = np.arange(band.height) + 0.5
    inside = np.clip(np.minimum(rows, band.height - rows) / (SOFT_RIM * band.height), 0, 1)
    old = wide[band.top : band.bottom]
    mixed = old + inside[:, None] * (new - old)
    wide[band.top : band.bottom] = np.clip(mixed, 0, 255).astype(np.uint8)
    return np.asarray(wide, np.uint8)
