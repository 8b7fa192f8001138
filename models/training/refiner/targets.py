# SPDX-License-Identifier: Apache-2.0
"""The refiner's loss."""

import torch
from torch import Tensor
from torch.nn import functional

from detector.geometry import Known
from detector.targets import shared

WEIGHTS = (1.0, 1.0, 2.0)  # of likelihood, box and corners
HARD = 1.5  # exponent that reduces the loss where the output is right already


def losses(answer: Tensor, wanted: Tensor) -> list[Tensor]:
    """Losses of probability, box and corners; `answer` N x 9, `wanted` N x 10 (see `windows`)."""
    plate, known = wanted[:, 0], wanted[:, 1]
    surprise = functional.binary_cross_entropy_with_logits(answer[:, 0], plate, reduction="none")
    likely = answer[:, 0].sigmoid().detach()
    likely_error = (surprise * (plate - likely).abs() ** HARD).mean() * 4
    here = plate > 0
    said, goal = answer[here, 1:].reshape(-1, 4, 2), wanted[here, 2:].reshape(-1, 4, 2)
    exact = (known[here] == Known.CORNERS).float()
    box = torch.cat([said.amin(1), said.amax(1)], 1)
    true = torch.cat([goal.amin(1), goal.amax(1)], 1)
    sides = (goal.roll(-1, 1) - goal).norm(dim=2)
    high = ((sides[:, 1] + sides[:, 3]) / 2).clamp(min=8.0)[:, None]
    weight = 0.5 + 0.5 * exact
    offset = ((box - true).abs() / high).mean(1)
    box_error = ((1 - shared(box, true) + offset) * weight).sum() / weight.sum().clamp(min=1)
    off = ((said - goal).norm(dim=2) / high).mean(1)
    corner_error = (off * exact).sum() / exact.sum().clamp(min=1)
    return [likely_error, box_error, corner_error]
