# SPDX-License-Identifier: Apache-2.0
"""The training targets of a scene, and the loss of the network against them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .geometry import Known
from .network import CORNER_UNIT, STRIDE

if TYPE_CHECKING:
    from .compose import Scene

# Channels of a target: likelihood, its weight, weights of box and of corners, box, corners.
HEAT, HEAT_WEIGHT, BOX_WEIGHT, CORNER_WEIGHT, BOX, CORNERS, CHANNELS = 0, 1, 2, 3, 4, 8, 16


def target(scene: Scene) -> NDArray[np.float32]:
    """Rows x columns x CHANNELS; boxes and corners from each cell's middle, in CORNER_UNIT."""
    rows, columns = (side // STRIDE for side in scene.image.shape[:2])
    across, down = np.arange(columns, dtype=np.float32) + 0.5, np.arange(rows, dtype=np.float32)
    x, y = np.meshgrid(across, down + 0.5)  # cell middles, in cells
    middles = np.stack([x, y], axis=-1) * STRIDE
    answer = np.zeros((rows, columns, CHANNELS), np.float32)
    answer[..., HEAT_WEIGHT] = 1
    for quad, known in zip(scene.quads, scene.known, strict=True):
        low, high = quad.min(0), quad.max(0)
        if known == Known.NOTHING:
            x0, y0 = np.maximum(np.floor(low / STRIDE).astype(int) - 1, 0)
            x1, y1 = np.maximum(np.ceil(high / STRIDE).astype(int) + 1, 0)
            answer[y0:y1, x0:x1, HEAT_WEIGHT] = 0
            continue
        middle, size = quad.mean(0) / STRIDE, (high - low) / STRIDE
        spread = np.maximum(size * [0.16, 0.20], 0.6)
        heat = np.exp(
            -(((x - middle[0]) / spread[0]) ** 2 + ((y - middle[1]) / spread[1]) ** 2) / 2
        )
        row = int(np.clip(middle[1], 0, rows - 1))
        column = int(np.clip(middle[0], 0, columns - 1))
        heat[row, column] = 1
        nearest = heat > answer[..., HEAT]
        answer[..., HEAT] = np.maximum(answer[..., HEAT], heat)
        here = nearest & (heat > 0.3)
        cells = middles[here]
        # Boxes are loose around tilted plates: without corners they count for half.
        answer[here, BOX_WEIGHT] = heat[here] * (1.0 if known == Known.CORNERS else 0.5)
        answer[here, CORNER_WEIGHT] = heat[here] * (known == Known.CORNERS)
        box = np.concatenate([low, high])
        answer[here, BOX:CORNERS] = (box - np.tile(cells, 2)) / CORNER_UNIT
        answer[here, CORNERS:] = (quad.reshape(8) - np.tile(cells, 4)) / CORNER_UNIT
    return answer


def losses(answer: Tensor, wanted: Tensor) -> list[Tensor]:
    """Losses of likelihood, box and corners.

    `answer` (N9hw) is the output of the network, `wanted` (NhwC) comes from `target`.
    """
    answer = answer.permute(0, 2, 3, 1)
    heat = heat_loss(answer[..., 0], wanted[..., HEAT], wanted[..., HEAT_WEIGHT])
    plate = wanted[..., BOX_WEIGHT] > 0
    corners, goal = answer[plate][:, 1:], wanted[plate]
    box_weight, corner_weight = goal[:, BOX_WEIGHT], goal[:, CORNER_WEIGHT]
    size = (goal[:, BOX + 2 : CORNERS] - goal[:, BOX : BOX + 2]).clamp(min=0.1)
    scale = size.prod(1).sqrt().clamp(min=0.25)[:, None]
    x, y = corners[:, 0::2], corners[:, 1::2]
    box = torch.stack([x.amin(1), y.amin(1), x.amax(1), y.amax(1)], 1)
    offset = ((box - goal[:, BOX:CORNERS]).abs() / scale).mean(1)
    box_error = 1 - shared(box, goal[:, BOX:CORNERS]) + 0.5 * offset
    corner_error = ((corners - goal[:, CORNERS:]).abs() / scale).mean(1)
    return [
        heat,
        (box_error * box_weight).sum() / box_weight.sum().clamp(min=1),
        2 * (corner_error * corner_weight).sum() / corner_weight.sum().clamp(min=1),
    ]


def heat_loss(logit: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    """Focal loss; cells near a plate's middle count less as background."""
    likely = logit.sigmoid().clamp(1e-4, 1 - 1e-4)
    middle = (wanted > 0.999).float()
    found = middle * (1 - likely) ** 2 * likely.log()
    quiet = (1 - middle) * (1 - wanted) ** 4 * likely**2 * (1 - likely).log()
    return -((found + quiet) * weight).sum() / (middle * weight).sum().clamp(min=1)


def shared(one: Tensor, other: Tensor) -> Tensor:
    """Intersection over union of boxes N4."""
    low, high = torch.maximum(one[:, :2], other[:, :2]), torch.minimum(one[:, 2:], other[:, 2:])
    both = (high - low).clamp(min=0).prod(1)
    areas = [(b[:, 2:] - b[:, :2]).clamp(min=1e-3).prod(1) for b in (one, other)]
    return both / (areas[0] + areas[1] - both)
