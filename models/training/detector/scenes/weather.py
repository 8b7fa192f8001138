# SPDX-License-Identifier: Apache-2.0
"""What light, lens and camera do to a batch of scenes on one device; plates stay where they are.

The kinds and their strengths are those of `detector.weather`. Each kind is done to a fixed share of
a batch, drawn by chance, so that no step waits for the device.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from jpeg_table import LUMINANCE

from .shapes import uniform

Step = Callable[[Tensor, torch.Generator], Tensor]
TAPS = 7  # of blurs, to either side of the middle: TAPS // 2


def weathered(images: Tensor, random: torch.Generator) -> Tensor:
    """Scenes (B x 3 x height x width, BGR, 0 to 255) after a random few of all steps."""
    count = len(images)
    for step, share in STEPS:
        some = max(1, round(share * count))
        chosen = torch.randperm(count, generator=random, device=images.device)[:some]
        images[chosen] = step(images[chosen], random)
    return images.clamp_(0, 255)


def _each(images: Tensor, random: torch.Generator, low: float, high: float) -> Tensor:
    """One uniform random number for each picture."""
    return uniform(random, low, high, (len(images), 1, 1, 1))


def _often(images: Tensor, random: torch.Generator, chance: float) -> Tensor:
    return _each(images, random, 0, 1) < chance


def _noise(images: Tensor, random: torch.Generator) -> Tensor:
    return torch.randn(images.shape, generator=random, device=images.device)


def bleached(images: Tensor, random: torch.Generator) -> Tensor:
    """Exposed for something darker: light surfaces run into white and spill over."""
    bright = images * _each(images, random, 1.3, 2.6)
    spill = _soft((bright - 255).clamp(min=0), _each(images, random, 1, 2.5))
    return (bright + spill * _each(images, random, 0, 1)).clamp(0, 255)


def coarse(images: Tensor, _random: torch.Generator) -> Tensor:
    """A cheap or distant camera: fewer pixels, blown up again."""
    share = float(torch.rand(1).item()) * 0.45 + 0.45
    size = images.shape[2:]
    small = functional.interpolate(
        images, scale_factor=share, mode="bilinear", antialias=True, align_corners=False
    )
    return functional.interpolate(small, size=size, mode="bilinear", align_corners=False)


def motion(images: Tensor, random: torch.Generator) -> Tensor:
    """The smear of a moving car or a shaking camera."""
    count, _, height, width = images.shape
    any_way = uniform(random, 0, math.pi, (count,))
    level = torch.randn(count, generator=random, device=images.device) * 0.4
    angle = torch.where(uniform(random, 0, 1, (count,)) < 0.7, level, any_way)
    length = uniform(random, 2, 9, (count,))
    step = torch.stack([angle.cos() * length / width, angle.sin() * length / height], 1)
    same = torch.eye(2, 3, device=images.device).expand(count, 2, 3)
    grid = functional.affine_grid(same, list(images.shape), align_corners=False)
    total = torch.zeros_like(images)
    for tap in range(TAPS):
        moved = grid + (step * (2 * tap / (TAPS - 1) - 1))[:, None, None, :]
        total += functional.grid_sample(images, moved, padding_mode="border", align_corners=False)
    return total / TAPS


def _soft(images: Tensor, sigma: Tensor) -> Tensor:
    """Gaussian blur, `sigma` one for each picture."""
    taps = torch.arange(TAPS, device=images.device) - TAPS // 2
    weight = torch.exp(-((taps / sigma.flatten()[:, None]) ** 2) / 2)
    weight = weight / weight.sum(1, keepdim=True)
    for axis in (2, 3):
        pad = (0, 0, TAPS // 2, TAPS // 2) if axis == 2 else (TAPS // 2, TAPS // 2, 0, 0)
        wide = functional.pad(images, pad, mode="replicate")
        side = images.shape[axis]
        images = sum(
            (
                wide.narrow(axis, tap, side) * weight[:, tap, None, None, None]
                for tap in range(TAPS)
            ),
            torch.zeros_like(images),
        )
    return images


def blurred(images: Tensor, random: torch.Generator) -> Tensor:
    return _soft(images, _each(images, random, 0.4, 2.0))


def rain(images: Tensor, random: torch.Generator) -> Tensor:
    """Bright streaks that fall, and a veil."""
    seeds = torch.rand(images[:, :1].shape, generator=random, device=images.device) > 0.9985
    streaks = functional.max_pool2d(seeds.float(), (13, 1), 1, (6, 0))
    veil = functional.avg_pool2d(streaks, 3, 1, 1) * _each(images, random, 25, 100)
    return (images * 0.85 + 20 + veil).clamp(0, 255)


def curve(images: Tensor, random: torch.Generator) -> Tensor:
    """Brightness, contrast, gamma and white balance; sometimes no infrared filter (violet)."""
    count, device = len(images), images.device
    normal = torch.randn(count, 6, 1, 1, generator=random, device=device)
    gamma, contrast = torch.exp(0.3 * normal[:, :1]), torch.exp(0.22 * normal[:, 1:2])
    tint = torch.exp(0.08 * normal[:, 3:6] * _often(images, random, 0.6))
    violet = torch.cat(
        [
            _each(images, random, 0.6, 1.1),
            _each(images, random, 0.3, 0.8),
            _each(images, random, 1.1, 1.11),
        ],
        1,
    )
    tint = torch.where(_often(images, random, 0.06), violet, tint)
    level = (images / 255).clamp(1e-4, 1) ** gamma
    return (((level - 0.5) * contrast + 0.5 + 0.08 * normal[:, 2:3]) * tint * 255).clamp(0, 255)


def grey(images: Tensor, _random: torch.Generator) -> Tensor:
    weight = torch.tensor([0.114, 0.587, 0.299], device=images.device)[None, :, None, None]
    return (images * weight).sum(1, keepdim=True).expand_as(images)


def night(images: Tensor, random: torch.Generator) -> Tensor:
    """Most of the light gone, the grain of a camera that amplifies the rest, sometimes lamps."""
    steep = torch.where(_often(images, random, 0.4), _each(images, random, 1.0, 2.2), 1.0)
    dark = 255 * (images / 255).clamp(1e-4, 1) ** steep * _each(images, random, 0.06, 0.5)
    dark = dark + _lamps(images, random) * _often(images, random, 0.4)
    shot = dark.clamp(min=1).sqrt() * _each(images, random, 0.1, 1.0)
    dark = dark + _noise(images, random) * (shot + _each(images, random, 0.5, 8))
    gain = torch.where(_often(images, random, 0.3), _each(images, random, 1.0, 2.5), 1.0)
    return (dark * gain).clamp(0, 255)


def _lamps(images: Tensor, random: torch.Generator) -> Tensor:
    """Two headlights with a halo."""
    count, _, height, width = images.shape
    x = torch.linspace(0, 1, width, device=images.device)[None, None, None]
    y = torch.linspace(0, height / width, height, device=images.device)[None, None, :, None]
    left, apart = _each(images, random, 0.1, 0.7), _each(images, random, 0.08, 0.4)
    middle, size = _each(images, random, 0.15, 0.6), _each(images, random, 0.01, 0.06)
    light = torch.zeros(count, 1, height, width, device=images.device)
    for at in (left, left + apart):
        far = ((x - at) ** 2 + (y - middle) ** 2) / size**2
        light = light + 200 * torch.exp(-far * 4) + 60 / (1 + far)
    warm = torch.cat(
        [
            _each(images, random, 0.5, 1),
            _each(images, random, 0.7, 1),
            _each(images, random, 1, 1.01),
        ],
        1,
    )
    return light * warm * _each(images, random, 0.3, 1.5)


def noisy(images: Tensor, random: torch.Generator) -> Tensor:
    return (images + _noise(images, random) * _each(images, random, 2, 14)).clamp(0, 255)


def compressed(images: Tensor, random: torch.Generator) -> Tensor:
    """Blocks of 8 x 8 rounded in frequency as JPEG does, the colour differences at half size."""
    count, _, height, width = images.shape
    blue, green, red = images.unbind(1)
    light = 0.114 * blue + 0.587 * green + 0.299 * red
    colours = functional.avg_pool2d(torch.stack([blue - light, red - light], 1), 2)
    colours = functional.interpolate(colours, scale_factor=2)
    row = torch.arange(8, device=images.device)
    dct = torch.cos((2 * row[None] + 1) * row[:, None] * math.pi / 16) / 2
    dct[0] /= math.sqrt(2)
    quality = _each(images, random, 10, 80)
    rate = torch.where(quality < 50, 50 / quality, 2 - quality / 50)[:, :, :, :, None, None]
    table = torch.tensor(LUMINANCE, device=images.device, dtype=images.dtype)
    steps = (table * rate).clamp(min=1)
    planes = torch.cat([light[:, None] - 128, colours], 1)
    blocks = planes.view(count, 3, height // 8, 8, width // 8, 8).transpose(3, 4)
    kept = ((dct @ blocks @ dct.T) / steps).round() * steps
    planes = (dct.T @ kept @ dct).transpose(3, 4).reshape(count, 3, height, width)
    light, blue, red = planes[:, 0] + 128, planes[:, 1], planes[:, 2]
    green = light - (0.114 * blue + 0.299 * red) / 0.587
    return torch.stack([blue + light, green, red + light], 1).clamp(0, 255)


STEPS: tuple[tuple[Step, float], ...] = (
    (bleached, 0.06),
    (coarse, 0.12),
    (motion, 0.12),
    (blurred, 0.12),
    (rain, 0.05),
    (curve, 0.75),
    (grey, 0.15),
    (night, 0.22),
    (noisy, 0.15),
    (compressed, 0.16),
)
