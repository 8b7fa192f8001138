# SPDX-License-Identifier: Apache-2.0
"""Draws layouts: every pixel takes its colour from the photograph of its pane or what is pasted."""

from __future__ import annotations

import torch
from torch import Tensor

from .layout import Layout, Panes
from .shapes import Pastes, determinant, inverse, uniform
from .stock import LEVELS, Stock

GREY = 114  # what lies around a still in the detector's canvas
GREY_CHANCE = 0.3  # how often a photograph has that around it, and not another photograph


def render(stock: Stock, layout: Layout, random: torch.Generator) -> Tensor:
    """The scenes of a layout, B x height x width x 3, BGR, 0 to 255."""
    canvas = _photographs(stock, layout.panes, random)
    paste(stock, canvas, layout.under, random)
    paste(stock, canvas, layout.over, random)
    return canvas


def _photographs(stock: Stock, panes: Panes, random: torch.Generator) -> Tensor:
    """What the panes show; beyond a photograph's edge there is grey or another one."""
    count, height, width = panes.number.shape
    linear, shift = panes.affine[:, :, :2], panes.affine[:, :, 2]
    back, scale = inverse(linear), determinant(linear).abs().sqrt()
    level = (-scale.log2() + uniform(random, 0.2, 0.8, (len(scale),))).floor().int()
    level = level.clamp(0, LEVELS - 1)
    start = -(back @ shift[:, :, None])[..., 0]
    size = stock.sizes[panes.texture, 0].flip(1).float()
    table = torch.cat([back.flatten(1), start, size], 1)
    pane = panes.number.flatten()
    a, b, c, d, e, f, wide, high = table[pane].unbind(1)
    x = torch.arange(width, device=pane.device).repeat(count * height) + 0.5
    y = torch.arange(height, device=pane.device).repeat_interleave(width).repeat(count) + 0.5
    at_x, at_y = a * x + b * y + e, c * x + d * y + f
    outside = ((at_x < 0) | (at_y < 0) | (at_x > wide) | (at_y > high)).nonzero()[:, 0]
    colour = stock.sample(panes.texture[pane].int(), at_x, at_y, level[pane])
    colour[outside] = _around(stock, outside, (count, height, width), random)
    return colour.view(count, height, width, 3)


def _around(
    stock: Stock, place: Tensor, shape: tuple[int, int, int], random: torch.Generator
) -> Tensor:
    """Colours of pixels beyond a photograph: grey, or a part of another one without its plates."""
    count, height, width = shape
    device = place.device
    scene, x = place // (height * width), place % width
    y = place // width % height
    other = torch.randint(stock.photographs, (count,), generator=random, device=device)
    texture = (stock.photographs + other).int()
    size = stock.sizes[texture, 0].float()
    share = uniform(random, 0.5, 1.0, (count, 1))
    begin = size * (1 - share) * uniform(random, 0, 1, (count, 2))
    step = size * share / torch.tensor([height, width], device=device)
    level = (step.amax(1).log2() + 0.5).floor().clamp(0, LEVELS - 1).int()
    at_y = begin[scene, 0] + (y + 0.5) * step[scene, 0]
    at_x = begin[scene, 1] + (x + 0.5) * step[scene, 1]
    colour = stock.sample(texture[scene], at_x, at_y, level[scene])
    grey = uniform(random, 0, 1, (count,)) < GREY_CHANCE
    return torch.where(grey[scene, None], float(GREY), colour)


def to_unit_square(quad: Tensor) -> Tensor:
    """Projective maps (N x 3 x 3) from the unit square to quadrangles (Heckbert 1989)."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = (corner.unbind(1) for corner in quad.unbind(1))
    sum_x, sum_y = x0 - x1 + x2 - x3, y0 - y1 + y2 - y3
    dx1, dx2, dy1, dy2 = x1 - x2, x3 - x2, y1 - y2, y3 - y2
    area = dx1 * dy2 - dx2 * dy1
    g, h = (sum_x * dy2 - dx2 * sum_y) / area, (dx1 * sum_y - sum_x * dy1) / area
    rows = [x1 - x0 + g * x1, x3 - x0 + h * x3, x0, y1 - y0 + g * y1, y3 - y0 + h * y3, y0]
    return torch.stack([*rows, g, h, torch.ones_like(g)], 1).view(-1, 3, 3)


def _projected(matrix: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """N points, each after its own projective map."""
    a, b, c = (
        matrix[:, row, 0] * x + matrix[:, row, 1] * y + matrix[:, row, 2] for row in range(3)
    )
    return a / c, b / c


def _area(quad: Tensor) -> Tensor:
    x, y = quad.unbind(2)
    return ((x * y.roll(-1, 1) - x.roll(-1, 1) * y).sum(1) / 2).abs()


def paste(stock: Stock, canvas: Tensor, pastes: Pastes, random: torch.Generator) -> None:
    """Warp textures into scenes (in place), some a little soft, some with a shadow."""
    count, height, width = canvas.shape[:3]
    total = len(pastes.scene)
    if not total:
        return
    low = torch.maximum(pastes.quad.amin(1) - 1, pastes.clip[:, :2]).floor().clamp(min=0)
    high = torch.minimum(pastes.quad.amax(1) + 1, pastes.clip[:, 2:]).ceil()
    high = torch.minimum(high, torch.tensor([width, height], device=canvas.device))
    size = (high - low).clamp(min=0).long()
    area = size.prod(1)
    one = torch.repeat_interleave(torch.arange(total, device=canvas.device), area)
    within = torch.arange(len(one), device=canvas.device) - (area.cumsum(0) - area)[one]
    wide = size[one, 0]
    x = low[one, 0].long() + within % wide
    y = low[one, 1].long() + within // wide
    to_square = inverse(to_unit_square(pastes.quad))
    u, v = _projected(to_square[one], x + 0.5, y + 0.5)
    source_x, source_y = _projected(to_unit_square(pastes.source)[one], u, v)
    sides = (pastes.quad - pastes.quad.roll(-1, 1)).norm(dim=2)
    across, down = (sides[:, 0] + sides[:, 2]) / 2, (sides[:, 1] + sides[:, 3]) / 2
    inside = ((0.5 - (u - 0.5).abs()) * across[one] + 0.5).clamp(0, 1)
    inside = inside * ((0.5 - (v - 0.5).abs()) * down[one] + 0.5).clamp(0, 1)
    shrunk = (_area(pastes.source) / _area(pastes.quad).clamp(min=1)).sqrt().log2()
    soft = uniform(random, 0.2, 0.8, (total,)) + (uniform(random, 0, 1, (total,)) < 0.2)
    level = (shrunk + soft).floor().clamp(0, LEVELS - 1).int()
    colour = stock.sample(
        pastes.texture[one].int(),
        source_x,
        source_y,
        level[one],
    )
    colour = colour * pastes.gain[one] + pastes.shift[one]
    colour = colour * _shadow(total, one, u, v, random)[:, None]
    place = (pastes.scene[one] * height + y) * width + x
    flat = canvas.view(count * height * width, 3)
    flat[place] = torch.lerp(flat[place], colour.clamp(0, 255), inside[:, None])


def _shadow(total: int, one: Tensor, u: Tensor, v: Tensor, random: torch.Generator) -> Tensor:
    """How much light is left at each pixel: a shadow's edge, or light from one side."""
    slope = torch.randn(total, 2, generator=random, device=u.device)
    steep = torch.where(uniform(random, 0, 1, (total,)) < 0.5, 2.0, 16.0)
    deep = uniform(random, 0.1, 0.6, (total,)) * (uniform(random, 0, 1, (total,)) < 0.25)
    at = ((u - 0.5) * slope[one, 0] + (v - 0.5) * slope[one, 1]) * steep[one]
    return 1 - deep[one] * at.sigmoid()
