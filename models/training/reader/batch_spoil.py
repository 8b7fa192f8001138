# SPDX-License-Identifier: Apache-2.0
"""Degrades a whole batch of cuts at once as cameras, light and files do (`synthesis.degrade`).

Each cut is resampled to its camera's resolution, degraded there, and resampled to the sizes of the
networks. Changes of size are products with one matrix for the rows and one for the columns, so
plates of different resolution stay in one tensor; unused rows and columns repeat the last one.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from jpeg_table import LUMINANCE

from .batch_cut import CUT_HEIGHT, CUT_WIDTH, Cut

ROWS, COLUMNS = 48, 160  # most that a camera has for a cut here; multiples of 8
BLOCK = 8  # of JPEG
LEAST_DEVIATION = 4.0  # as in the firmware's `prepare`


def area_matrix(sizes: Tensor, source: int, rows: int) -> Tensor:
    """Matrices (n, rows, source): `source` values averaged to `sizes`, the last one repeated."""
    return _overlap(sizes, torch.full_like(sizes, source), source, rows)


def enlarge_matrix(sizes: Tensor, source: int, target: int, linear: Tensor) -> Tensor:
    """Matrices (n, target, source) from the first `sizes` of `source` values to `target` ones.

    Interpolated where `linear` is true or there are too few of them, else averaged.
    """
    wanted = torch.full_like(sizes, target)
    averaged = _overlap(wanted, sizes, source, target)
    at = (torch.arange(target, device=sizes.device) + 0.5) * (sizes / target)[:, None] - 0.5
    at = torch.minimum(at.clamp_min(0), sizes[:, None] - 1)
    places = torch.arange(source, device=sizes.device)
    hat = (1 - (at[..., None] - places).abs()).clamp_min(0)
    return torch.where((linear | (sizes < target))[:, None, None], hat, averaged)


def _overlap(sizes: Tensor, sources: Tensor, source: int, rows: int) -> Tensor:
    """Shares of `source` places that each of `sizes` equal pieces of the first `sources` covers."""
    step = (sources / sizes)[:, None]
    row = torch.arange(rows, device=sizes.device)[None].expand(len(sizes), -1)
    start = torch.minimum(row, sizes[:, None] - 1) * step
    places = torch.arange(source, device=sizes.device)
    end = torch.minimum((start + step)[..., None], places + 1.0)
    covered = (end - torch.maximum(start[..., None], places.float())).clamp_min(0)
    return covered / covered.sum(-1, keepdim=True).clamp_min(1e-6)


def blur_matrix(sigmas: Tensor, size: int) -> Tensor:
    """Matrices (n, size, size) that blur `size` values by a deviation each; 0 changes nothing."""
    places = torch.arange(size, device=sigmas.device, dtype=torch.float32)
    apart = (places[:, None] - places[None]) / sigmas.clamp_min(1e-3)[:, None, None]
    weights = torch.exp(-0.5 * apart.square())
    return weights / weights.sum(-1, keepdim=True)


def jpeg(pictures: Tensor, qualities: Tensor) -> Tensor:
    """Pictures (n, rows, columns) as JPEG of a quality each leaves their brightness."""
    device, n = pictures.device, len(pictures)
    at = torch.arange(BLOCK, device=device, dtype=torch.float32)
    cosines = torch.cos((2 * at[None] + 1) * at[:, None] * torch.pi / (2 * BLOCK)) / 2
    cosines[0] /= 2**0.5
    scale = torch.where(qualities < 50, 5000 / qualities, 200 - 2 * qualities)
    table = torch.tensor(LUMINANCE, device=device) * scale[:, None, None]
    table = ((table + 50) / 100).floor().clamp(1, 255)[:, None, None]
    rows, columns = pictures.shape[1] // BLOCK, pictures.shape[2] // BLOCK
    blocks = pictures.view(n, rows, BLOCK, columns, BLOCK).transpose(2, 3) - 128
    kept = ((cosines @ blocks @ cosines.T) / table).round() * table
    out = (cosines.T @ kept @ cosines + 128).transpose(2, 3).reshape(pictures.shape)
    return out.clamp(0, 255).round()


class Chance:
    """Random numbers for each picture of a batch, shaped to be used with its pixels."""

    def __init__(self, count: int, device: torch.device) -> None:
        self.count, self.device = count, device

    def uniform(self, low: float, high: float) -> Tensor:
        """One number a picture, of shape (count, 1, 1)."""
        return low + (high - low) * torch.rand(self.count, 1, 1, device=self.device)

    def of(self, share: Tensor | float) -> Tensor:
        """True for a share of the pictures."""
        return torch.rand(self.count, 1, 1, device=self.device) < share


def _strokes(fine: Tensor, chance: Chance, rows: Tensor) -> Tensor:
    """Some plates with thinner or thicker strokes."""
    picture = fine[:, None]
    light = functional.max_pool2d(picture, 3, 1, 1)[:, 0]
    dark = -functional.max_pool2d(-picture, 3, 1, 1)[:, 0]
    changed = torch.where(chance.of(0.5), light, dark)
    return torch.where(chance.of(0.12) & (rows > 24)[:, None, None], changed, fine)


def _glare(low: Tensor, chance: Chance, amount: Tensor) -> Tensor:
    """A bright spot or streak with a veil around it, and plates burnt out by a lamp."""
    xs = torch.linspace(0, 1, COLUMNS, device=low.device)[None, None]
    ys = torch.linspace(0, 1, ROWS, device=low.device)[None, :, None]
    across = (xs - chance.uniform(0, 1)) / chance.uniform(0.08, 0.5)
    down = (ys - chance.uniform(-0.2, 1.2)) / chance.uniform(0.2, 1.5)
    spot = torch.exp(-across.square() - down.square()) * chance.uniform(40, 230)
    low = torch.where(chance.of(0.08 * amount), low + spot, low).clamp(0, 255)
    soft = functional.avg_pool2d(low[:, None], 3, 1, 1, count_include_pad=False)[:, 0]
    burnt = torch.maximum(soft, low) * chance.uniform(1.1, 2.2) + chance.uniform(0, 60)
    return torch.where(chance.of(0.06 * amount), burnt, low).clamp(0, 255)


def _light(low: Tensor, chance: Chance) -> Tensor:
    """Gamma, contrast, brightness, and now and then a slope across the plate."""
    out = (low / 255) ** chance.uniform(0.6, 1.7) * 255
    out = (out - 128) * chance.uniform(0.35, 1.3) + 128 + chance.uniform(-60, 50)
    slope = torch.linspace(-1, 1, COLUMNS, device=low.device) * chance.uniform(-50, 50)
    return torch.where(chance.of(0.25), out + slope, out).clamp(0, 255)


def _grain(low: Tensor, chance: Chance) -> Tensor:
    """Noise of deviation 1, of some sensors smeared over neighbours."""
    grain = torch.randn_like(low)
    side = torch.tensor([0.21, 0.58, 0.21], device=low.device)
    kernel = torch.outer(side, side)[None, None]
    smeared = functional.conv2d(grain[:, None], kernel, padding=1)[:, 0] * 1.6
    return torch.where(chance.of(0.4), smeared, grain)


def _light_and_noise(low: Tensor, chance: Chance, amount: Tensor) -> Tensor:
    """By night dim, flat and noisy; by day another exposure, and noise on some pictures."""
    contrast = chance.uniform(0.06, 0.4)
    dark = low * contrast + chance.uniform(2, 40)
    night = chance.of(0.13 * amount)
    strength = torch.where(
        night,
        chance.uniform(1, 5) * (contrast + 0.2) * 2,
        -3 * torch.log(chance.uniform(1e-6, 1) * chance.uniform(1e-6, 1)),
    )
    strength = torch.where(night | chance.of(0.4 * amount), strength, 0)
    seen = torch.where(night, dark, _light(low, chance))
    return (seen + _grain(low, chance) * strength * (0.5 + seen / 255)).clamp(0, 255).round()


def spoil(cut: Cut, amount: Tensor) -> Tensor:
    """The cuts at their cameras' resolution (batch, ROWS, COLUMNS); `amount` scales the faults."""
    chance = Chance(len(amount), amount.device)
    amount = amount[:, None, None]
    fine = _strokes(cut.fine, chance, cut.height)
    sigma = 0.3 + (0.026 * cut.height + 0.05) * torch.rand_like(cut.height)
    sigma = torch.where(chance.of(0.28 * amount)[:, 0, 0], sigma, 0)
    down = area_matrix(cut.height, CUT_HEIGHT, ROWS) @ blur_matrix(
        sigma * CUT_HEIGHT / cut.height, CUT_HEIGHT
    )
    across = area_matrix(cut.width, CUT_WIDTH, COLUMNS) @ blur_matrix(
        sigma * CUT_WIDTH / cut.width, CUT_WIDTH
    )
    low = down @ fine @ across.transpose(1, 2)
    low = _light_and_noise(_glare(low, chance, amount), chance, amount)
    quality = chance.uniform(12, 85).floor()[:, 0, 0]
    low = torch.where(chance.of(0.35 * amount), jpeg(low, quality), low)
    return torch.where(chance.of(0.03), 255 - low, low)


def fit(low: Tensor, cut: Cut, height: int, width: int) -> Tensor:
    """Pictures of `spoil` at a network's size, averaged or interpolated, normalised."""
    linear = torch.rand_like(cut.height) < 0.5
    down = enlarge_matrix(cut.height, ROWS, height, linear)
    across = enlarge_matrix(cut.width, COLUMNS, width, linear)
    return normalise(down @ low @ across.transpose(1, 2))


def clean(cut: Cut) -> Tensor:
    """The cuts at the shipped reader's size with nothing done to them."""
    return normalise(functional.avg_pool2d(cut.fine[:, None], 2)[:, 0])


def normalise(pictures: Tensor) -> Tensor:
    """Pictures with mean 0 and deviation 1 and an axis for their one channel."""
    deviation, mean = torch.std_mean(pictures, (1, 2), keepdim=True, correction=0)
    return ((pictures - mean) / (deviation + LEAST_DEVIATION))[:, None]
