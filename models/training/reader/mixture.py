# SPDX-License-Identifier: Apache-2.0
"""Mixes real crops, rendered plates and empty patches into batches for the training."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from synthesis.plates import Picture

from .quads import with_quads
from .samples import (
    Crop,
    Floats,
    RenderedCrops,
    crop_shares,
    load_crops,
    load_empty,
    normalise,
    random_cut,
    spoil,
    swap_characters,
)
from .transplant import Donors, with_edges

COLOUR_MIXES = 3
EMPTY_SHARE = 0.015
SWAPPED_SHARE = 0.35
REPLACED_SHARE = 0.35


class Mixture:
    """Batches of real crops, rendered plates and a few empty patches."""

    def __init__(
        self,
        data: Path,
        rendered: Path,
        seed: int,
        real_share: float,
        edges: Path | None = None,
        quads: Path | None = None,
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self.real = load_crops(data, "train", mixes=COLOUR_MIXES)
        if edges is not None:
            self.real = with_edges(self.real, edges, COLOUR_MIXES)
        if quads is not None:
            self.real = with_quads(self.real, quads, COLOUR_MIXES)
        self.donors = Donors(self.real)
        self.shares = np.cumsum(crop_shares(self.real))
        self.rendered = RenderedCrops(rendered)
        self.empty = load_empty(data, 1500)
        self.real_share = real_share
        self.amount = 1.0

    def _one(self) -> tuple[Picture, str]:
        rng = self.rng
        kind = rng.random()
        if kind < EMPTY_SHARE:
            patch = self.empty[int(rng.integers(len(self.empty)))]
            return spoil(patch, rng, self.amount), ""
        if kind < self.real_share:
            crop = self.real[int(np.searchsorted(self.shares, rng.random() * self.shares[-1]))]
            crop = self._another_text(crop)
            return spoil(random_cut(crop, rng), rng, 0.8 * self.amount), crop.text
        crop = self.rendered.draw(rng)
        return spoil(random_cut(crop, rng), rng, 1.25 * self.amount), crop.text

    def _another_text(self, crop: Crop) -> Crop:
        """The plate as it is, with its characters in other places, or with those of others."""
        chance = self.rng.random()
        if chance < SWAPPED_SHARE:
            return swap_characters(crop, self.rng)
        if chance < SWAPPED_SHARE + REPLACED_SHARE:
            return self.donors.replace_characters(crop, self.rng)
        return crop

    def batch(self, count: int) -> tuple[Floats, list[str]]:
        """Normalised pictures of shape (count, 1, height, width), and their texts."""
        pairs = [self._one() for _ in range(count)]
        pictures = np.stack([normalise(picture) for picture, _ in pairs])
        return pictures[:, None], [text for _, text in pairs]
