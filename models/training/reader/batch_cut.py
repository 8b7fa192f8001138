# SPDX-License-Identifier: Apache-2.0
"""Cuts a whole batch of plates at once, as an imperfect localizer would (`samples.random_cut`).

All pictures are stretched to one size and kept in one tensor; a homography for each plate says
which part of its picture becomes the cut. It runs on the processor or on a graphics card.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

CUT_HEIGHT, CUT_WIDTH = 96, 320  # twice the shipped reader's input
STRONGLY_TURNED_SHARE = 0.12
AS_FOUND_SHARE, FAULTS_OF_FOUND = 0.7, 0.6
OTHER_WIDTHS_SHARE, WIDTH_KNOTS = 0.4, 7
EXPOSURES = 8  # pictures averaged to a motion-blurred one


@dataclass(frozen=True)
class Margins:
    """Margins around a plate as shares of its sides: anything in a range, or close to the usual."""

    across: tuple[float, float]
    usual_across: tuple[float, float]  # mean and deviation
    down: tuple[float, float]
    usual_down: tuple[float, float]


LOOSE = Margins((-0.025, 0.14), (0.05, 0.03), (-0.03, 0.2), (0.08, 0.05))  # as `samples._margins`
TIGHT = Margins((-0.03, 0.06), (0.0, 0.02), (-0.04, 0.09), (0.0, 0.03))


@dataclass(frozen=True)
class Plates:
    """A batch of pictures and where the plates are in them, in pixels of the original crops."""

    pictures: Tensor  # (batch, 1, height, width), uint8, each stretched to one size
    shapes: Tensor  # (batch, 2), height and width before that
    boxes: Tensor  # (batch, 4)
    quads: Tensor  # (batch, 4, 2), corners as localized; not a number where unknown
    two_line: Tensor  # (batch,)

    def __len__(self) -> int:
        return len(self.pictures)


@dataclass(frozen=True)
class Cut:
    """What a batch is cut to: fine pictures, and the resolution each camera had."""

    fine: Tensor  # (batch, CUT_HEIGHT, CUT_WIDTH), 0 to 255
    height: Tensor  # (batch,), rows that the camera had for the cut
    width: Tensor


def square_to_quad(quads: Tensor) -> Tensor:
    """Homographies (n, 3, 3) from the unit square to corners clockwise from the top left.

    Closed form of Heckbert 1989, Fundamentals of Texture Mapping and Image Warping.
    """
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = (quads[:, at].unbind(-1) for at in range(4))
    dx1, dx2, sx = x1 - x2, x3 - x2, x0 - x1 + x2 - x3
    dy1, dy2, sy = y1 - y2, y3 - y2, y0 - y1 + y2 - y3
    scale = dx1 * dy2 - dx2 * dy1
    g, h = (sx * dy2 - dx2 * sy) / scale, (dx1 * sy - sx * dy1) / scale
    rows = [x1 - x0 + g * x1, x3 - x0 + h * x3, x0, y1 - y0 + g * y1, y3 - y0 + h * y3, y0]
    return torch.stack([*rows, g, h, torch.ones_like(g)], -1).view(-1, 3, 3)


def project(matrices: Tensor, points: Tensor) -> Tensor:
    """Points (n, k, 2) through a homography each."""
    ones = torch.ones_like(points[..., :1])
    out = torch.cat([points, ones], -1) @ matrices.transpose(1, 2)
    return out[..., :2] / out[..., 2:]


def _uniform(low: float, high: float, like: Tensor) -> Tensor:
    return low + (high - low) * torch.rand(len(like), device=like.device)


def _chance(share: float, like: Tensor) -> Tensor:
    return torch.rand(len(like), device=like.device) < share


def _normal(middle: float, spread: float, like: Tensor) -> Tensor:
    return middle + spread * torch.randn(len(like), device=like.device)


def _margin(wide: tuple[float, float], usual: tuple[float, float], like: Tensor) -> Tensor:
    """One margin as a share of the side: anything in a range, or close to the usual one."""
    near = _normal(*usual, like).clamp(wide[0] - 0.01, wide[1] + 0.03)
    return torch.where(_chance(0.5, like), _uniform(*wide, like), near)


def random_corners(plates: Plates, margins: Margins = LOOSE) -> Tensor:
    """Corners (batch, 4, 2) of the cuts in pixels: margins, turn, shear and bent corners."""
    boxes = plates.boxes
    size = boxes[:, 2:] - boxes[:, :2]
    width, height = size.unbind(-1)
    left, right = (_margin(margins.across, margins.usual_across, width) for _ in range(2))
    top, bottom = (_margin(margins.down, margins.usual_down, width) for _ in range(2))
    x0, x1 = -width * (0.5 + left), width * (0.5 + right)
    y0, y1 = -height * (0.5 + top), height * (0.5 + bottom)
    xs, ys = torch.stack([x0, x1, x1, x0], 1), torch.stack([y0, y0, y1, y1], 1)
    bent = 0.02 * height[:, None, None] * torch.randn(len(width), 4, 2, device=width.device)
    xs, ys = xs + bent[..., 0], ys + bent[..., 1]
    as_found = _chance(AS_FOUND_SHARE, width) & plates.quads[:, 0, 0].isfinite()
    faults = torch.where(as_found, FAULTS_OF_FOUND, 1.0)
    spread = torch.where(_chance(STRONGLY_TURNED_SHARE, width), 6.0, 2.2)
    angle = (_normal(0, 1, width) * spread).clamp(-13, 13).deg2rad() * faults
    xs = xs + ys * (_normal(0, 0.09, width) * faults)[:, None]
    cos, sin = angle.cos()[:, None], angle.sin()[:, None]
    corners = torch.stack([xs * cos - ys * sin, xs * sin + ys * cos], -1)
    inside = corners / size[:, None] + 0.5  # the labelled box is the unit square
    boxed = boxes[:, None, :2] + inside * size[:, None]
    quads = torch.where(as_found[:, None, None], plates.quads, _box_corners(boxes))
    around = project(square_to_quad(quads), inside)
    return torch.where(as_found[:, None, None], around, boxed)


def _box_corners(boxes: Tensor) -> Tensor:
    x0, y0, x1, y1 = boxes.unbind(-1)
    flat = torch.stack([x0, y0, x1, y0, x1, y1, x0, y1], -1)
    return flat.view(-1, 4, 2)


def random_resolution(plates: Plates) -> tuple[Tensor, Tensor]:
    """Rows and columns that the camera has for each cut: 9 to 48, and at most 160."""
    size = plates.boxes[:, 2:] - plates.boxes[:, :2]
    fine, coarse = _uniform(36, 60, size), _uniform(9, 40, size)
    rows = torch.where(_chance(0.5, size), fine, coarse)
    rows = rows * torch.where(plates.two_line, 1.5, 1.0)
    rows = torch.minimum(rows, size[:, 1] * 1.3)
    aspect = (size[:, 0] / size[:, 1]).clamp(0.8, 6.5)
    columns = (rows * aspect).clamp(20, 160)
    return rows.clamp(10, 48).floor(), columns.floor()


def _widths(plates: Plates) -> Tensor:
    """Position of each column of a cut (batch, CUT_WIDTH), 0 to 1; some plates stretch unevenly."""
    like = plates.boxes
    spread = torch.where(_chance(OTHER_WIDTHS_SHARE, like), 0.22, 0.0)
    knots = torch.randn(len(plates), 1, WIDTH_KNOTS, device=like.device) * spread[:, None, None]
    pace = functional.interpolate(knots, CUT_WIDTH, mode="linear", align_corners=True)[:, 0].exp()
    ends = pace.cumsum(1)
    return (ends - pace / 2) / ends[:, -1:]


def random_cut(plates: Plates, smeared: float, margins: Margins = LOOSE) -> Cut:
    """Cut all plates of a batch; a share of them moves while the shutter is open."""
    corners = random_corners(plates, margins)
    rows, columns = random_resolution(plates)
    scale = 2 / plates.shapes.flip(-1)[:, None]
    matrices = square_to_quad(corners * scale - 1)
    u = _widths(plates)[:, None].expand(-1, CUT_HEIGHT, -1)
    v = (torch.arange(CUT_HEIGHT, device=u.device) + 0.5) / CUT_HEIGHT
    v = v[None, :, None].expand_as(u)
    pictures = plates.pictures.float()
    fine = _look(pictures, matrices, u, v)
    moved = _chance(smeared, columns).nonzero()[:, 0]
    if len(moved):
        along, down = _smear(rows[moved], columns[moved])
        parts = [
            _look(
                pictures[moved],
                matrices[moved],
                u[moved] + along[:, None, None] * at,
                v[moved] + down[:, None, None] * at,
            )
            for at in torch.linspace(-0.5, 0.5, EXPOSURES).tolist()
        ]
        fine[moved] = torch.stack(parts).mean(0)
    return Cut(fine, rows, columns)


def _smear(rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
    """How far plates move during an exposure, as shares of width and height of the cut."""
    gamma = -torch.log(torch.rand(2, len(rows), device=rows.device).clamp_min(1e-6)).sum(0)
    length = 1 + 0.035 * gamma * rows
    level = _normal(0, 15, rows)
    angle = torch.where(_chance(0.75, rows), level, _uniform(0, 180, rows)) * (math.pi / 180)
    return angle.cos() * length / columns, angle.sin() * length / rows


def _look(pictures: Tensor, matrices: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """The pictures at places that are given as shares of the cuts."""
    m = matrices[:, :, :, None, None]
    below = m[:, 2, 0] * u + m[:, 2, 1] * v + m[:, 2, 2]
    x = (m[:, 0, 0] * u + m[:, 0, 1] * v + m[:, 0, 2]) / below
    y = (m[:, 1, 0] * u + m[:, 1, 1] * v + m[:, 1, 2]) / below
    grid = torch.stack([x, y], -1)
    return functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)[:, 0]
