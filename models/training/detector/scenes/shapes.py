# SPDX-License-Identifier: Apache-2.0
"""Quadrangles in batches: what is pasted into scenes, what stands in them, and plates in space.

A quadrangle is 4 x 2 in pixels, clockwise from the plate's top left. `known` says what is known of
a thing in a scene: -1 it is no plate, 0 nothing, 1 its box, 2 its corners.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import torch
from torch import Tensor

from .stock import Stock

LEAST = 8.0  # pixels; narrower plates are neither plate nor background
SEEN = 0.6  # share of a plate that must be in the picture for it to count
Parts = TypeVar("Parts", bound=Any)


@dataclass
class Objects:
    """Things in scenes, N of them."""

    scene: Tensor  # N
    quad: Tensor  # N x 4 x 2
    known: Tensor  # N

    @classmethod
    def seen(cls, scene: Tensor, quad: Tensor, known: Tensor, clip: Tensor) -> Objects:
        """Those that the clipping boxes (N x 4) leave something of; the cut ones are unknown."""
        box = boxes_of(quad)
        low, high = torch.maximum(box[:, :2], clip[:, :2]), torch.minimum(box[:, 2:], clip[:, 2:])
        size = box[:, 2:] - box[:, :2]
        share = (high - low).clamp(min=0).prod(1) / size.prod(1).clamp(min=1e-3)
        unsure = (size[:, 0] < LEAST) | (share < SEEN)
        known = torch.where(unsure & (known > 0), 0, known)
        there = share >= 0.05
        return cls(scene[there], quad[there], known[there])


@dataclass
class Pastes:
    """Textures to be warped into scenes, N of them: colour = texture * gain + shift."""

    scene: Tensor  # N
    clip: Tensor  # N x 4, the box of the pane that it stands in
    quad: Tensor  # N x 4 x 2, in the scene
    source: Tensor  # N x 4 x 2, in the texture
    texture: Tensor  # N
    gain: Tensor  # N x 3
    shift: Tensor  # N x 3

    @classmethod
    def drawn(
        cls,
        stock: Stock,
        scene: Tensor,
        clip: Tensor,
        quad: Tensor,
        texture: Tensor,
        dark: Tensor,
        spread: Tensor,
    ) -> Pastes:
        """Whole textures; their black becomes `dark` and their white that and `spread` (N x 3)."""
        height, width = stock.sizes[texture, 0].float().unbind(1)
        none = torch.zeros_like(width)
        x = torch.stack([none, width, width, none], 1)
        y = torch.stack([none, none, height, height], 1)
        gain = spread / 205
        return cls(scene, clip, quad, torch.stack([x, y], 2), texture, gain, dark - 25 * gain)


def join(*parts: Parts) -> Parts:
    """Several of one kind as one."""
    first = parts[0]
    names = [field.name for field in fields(first)]
    joined: Parts = type(first)(*(torch.cat([getattr(p, name) for p in parts]) for name in names))
    return joined


def uniform(random: torch.Generator, low: float, high: float, shape: tuple[int, ...]) -> Tensor:
    """Uniform random numbers on the generator's device."""
    return torch.rand(shape, generator=random, device=random.device) * (high - low) + low


def boxes_of(quad: Tensor) -> Tensor:
    """Upright boxes around quadrangles: x0 y0 x1 y1."""
    return torch.cat([quad.amin(1), quad.amax(1)], 1)


def moved(affine: Tensor, quad: Tensor) -> Tensor:
    """Quadrangles after N affine maps; a mirroring map keeps them clockwise from the top left."""
    linear, shift = affine[:, :, :2], affine[:, :, 2]
    after = quad @ linear.transpose(1, 2) + shift[:, None]
    mirrored = (determinant(linear) < 0)[:, None, None]
    return torch.where(mirrored, after[:, [1, 0, 3, 2]], after)


def determinant(matrix: Tensor) -> Tensor:
    """Of N x 2 x 2 matrices."""
    return matrix[:, 0, 0] * matrix[:, 1, 1] - matrix[:, 0, 1] * matrix[:, 1, 0]


def inverse(matrix: Tensor) -> Tensor:
    """Of N x 2 x 2 or N x 3 x 3 matrices, the larger up to a factor (projective maps)."""
    if matrix.shape[1] == 2:
        a, b, c, d = matrix.flatten(1).unbind(1)
        return torch.stack([d, -b, -c, a], 1).view(-1, 2, 2) / determinant(matrix)[:, None, None]
    first, second, third = matrix.unbind(2)
    rows = [
        torch.linalg.cross(second, third),
        torch.linalg.cross(third, first),
        torch.linalg.cross(first, second),
    ]
    return torch.stack(rows, 1)


def flipped(objects: Objects, width: int) -> Objects:
    """The things in scenes of this width that are mirrored left to right."""
    quad = objects.quad[:, [1, 0, 3, 2]].clone()
    quad[:, :, 0] = width - quad[:, :, 0]
    return Objects(objects.scene, quad, objects.known)


def along(quad: Tensor, wide: Tensor, high: Tensor) -> Tensor:
    """Quadrangles grown by these shares of their width and height, on each side."""
    across, down = wide[:, None], high[:, None]
    a, b, c, d = quad.unbind(1)
    a, b, c, d = (
        a + (a - b) * across,
        b + (b - a) * across,
        c + (c - d) * across,
        d + (d - c) * across,
    )
    return torch.stack(
        [a + (a - d) * down, b + (b - c) * down, c + (c - b) * down, d + (d - a) * down], 1
    )


def random_turn(random: torch.Generator, aspect: Tensor) -> Tensor:
    """Plates of width 1 in space, as `geometry.random_turn` turns them (N x 4 x 2)."""
    count, device = len(aspect), aspect.device
    wild = uniform(random, -1, 1, (count, 3)) * torch.tensor([45.0, 25.0, 30.0], device=device)
    mild = torch.randn(count, 3, generator=random, device=device)
    mild = (mild * torch.tensor([16.0, 8.0, 4.5], device=device)).clamp(-45, 45)
    is_wild = uniform(random, 0, 1, (count, 1)) < 0.25
    yaw, pitch, roll = (torch.where(is_wild, wild, mild) * (math.pi / 180)).unbind(1)
    distance = uniform(random, 2.5, 12, (count, 1))
    x = torch.tensor([-0.5, 0.5, 0.5, -0.5], device=device).expand(count, 4)
    y = torch.tensor([-0.5, -0.5, 0.5, 0.5], device=device) / aspect[:, None]
    x, z = x * yaw.cos()[:, None], -x * yaw.sin()[:, None]
    y, z = (
        y * pitch.cos()[:, None] - z * pitch.sin()[:, None],
        y * pitch.sin()[:, None] + z * pitch.cos()[:, None],
    )
    cos, sin = roll.cos()[:, None], roll.sin()[:, None]
    x, y = x * cos - y * sin, x * sin + y * cos
    nearer = distance / (distance + z)
    return torch.stack([x * nearer, y * nearer], 2)


def touching(
    scene: Tensor, quad: Tensor, other_scene: Tensor, other_quad: Tensor, count: int
) -> Tensor:
    """Which of the quadrangles, one for each scene, touch any of the others in their scene."""
    mine, others = boxes_of(quad)[other_scene], boxes_of(other_quad)
    low = torch.maximum(mine[:, :2], others[:, :2])
    high = torch.minimum(mine[:, 2:], others[:, 2:])
    hit = ((low - high) < 4).all(1)
    total = torch.zeros(count, device=quad.device)
    total.index_add_(0, other_scene, hit.float())
    return total[scene] > 0
