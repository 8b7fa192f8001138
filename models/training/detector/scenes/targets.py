# SPDX-License-Identifier: Apache-2.0
"""Target maps of a batch of scenes, as `detector.targets` makes them of one, on the device."""

from __future__ import annotations

import torch
from torch import Tensor

from detector.network import CORNER_UNIT, STRIDE
from detector.targets import (
    BOX,
    BOX_WEIGHT,
    CHANNELS,
    CORNER_WEIGHT,
    CORNERS,
    HEAT,
    HEAT_WEIGHT,
)

from .shapes import Objects, boxes_of

SPREAD = (0.16, 0.20)  # of a plate's likelihood around its middle, as a share of its size
LEAST_SPREAD = 0.6  # cells


def wanted(objects: Objects, count: int, width: int, height: int) -> tuple[Tensor, Tensor]:
    """Targets (B x rows x columns x CHANNELS), and where labels or distractors cover the scene."""
    rows, columns = height // STRIDE, width // STRIDE
    device = objects.quad.device
    across = torch.arange(columns, device=device) + 0.5
    down = torch.arange(rows, device=device) + 0.5
    answer = torch.zeros(count, rows, columns, CHANNELS, device=device)
    answer[..., HEAT_WEIGHT] = 1
    sure = torch.zeros(count, rows, columns, dtype=torch.bool, device=device)
    box = boxes_of(objects.quad) / STRIDE
    for known, room in ((0, 1), (-1, 0)):
        chosen = objects.known == known
        low, high = box[chosen, :2].floor() - room, box[chosen, 2:].ceil() + room
        here = ((across > low[:, :1]) & (across < high[:, :1]))[:, None, :] & (
            (down > low[:, 1:]) & (down < high[:, 1:])
        )[:, :, None]
        covered = torch.zeros(count, rows, columns, device=device)
        covered.index_add_(0, objects.scene[chosen], here.float())
        if known == 0:
            answer[..., HEAT_WEIGHT] -= (covered > 0).float()
        else:
            sure |= covered > 0
    chosen = objects.known > 0
    scene, quad, box = objects.scene[chosen], objects.quad[chosen], box[chosen]
    exact = (objects.known[chosen] == 2).float()
    middle, size = quad.mean(1) / STRIDE, box[:, 2:] - box[:, :2]
    spread = (size * torch.tensor(SPREAD, device=device)).clamp(min=LEAST_SPREAD)
    x = ((across - middle[:, :1]) / spread[:, :1]) ** 2
    y = ((down - middle[:, 1:]) / spread[:, 1:]) ** 2
    heat = torch.exp(-(x[:, None, :] + y[:, :, None]) / 2)
    column = middle[:, 0].floor().clamp(0, columns - 1).long()
    row = middle[:, 1].floor().clamp(0, rows - 1).long()
    heat[torch.arange(len(heat), device=device), row, column] = 1
    best = torch.zeros(count, rows, columns, device=device)
    index = scene[:, None, None].expand_as(heat)
    best.scatter_reduce_(0, index, heat, "amax")
    answer[..., HEAT] = best
    sure |= best > 0.05
    one, row, column = ((heat >= best[scene]) & (heat > 0.3)).nonzero().unbind(1)
    cell = torch.stack([across[column], down[row]], 1) * STRIDE
    here = (scene[one], row, column)
    strength = heat[one, row, column]
    part = torch.zeros(len(one), CHANNELS, device=device)
    part[:, HEAT] = strength
    part[:, HEAT_WEIGHT] = answer[..., HEAT_WEIGHT][here]
    part[:, BOX_WEIGHT] = strength * (0.5 + 0.5 * exact[one])
    part[:, CORNER_WEIGHT] = strength * exact[one]
    part[:, BOX:CORNERS] = (box[one] * STRIDE - cell.repeat(1, 2)) / CORNER_UNIT
    part[:, CORNERS:] = (quad[one].flatten(1) - cell.repeat(1, 4)) / CORNER_UNIT
    answer[here] = part
    return answer, sure
