# SPDX-License-Identifier: Apache-2.0
"""Distil heavy layers into light ones on unlabelled pictures."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from precision import fastest

PEAK = 5e-3


def learn(
    teacher: nn.Module, pupil: nn.Module, pictures: Callable[[], Tensor], minutes: float
) -> None:
    """Train `pupil` for a fixed time to reproduce the outputs of `teacher`."""
    precision = fastest(torch.device("cpu"))
    teacher.eval()
    pupil.train()
    optimiser = torch.optim.AdamW(pupil.parameters(), lr=PEAK, weight_decay=1e-3)
    started, step = time.monotonic(), 0
    while (share := (time.monotonic() - started) / (60 * minutes)) < 1:
        for group in optimiser.param_groups:
            warm = min(1.0, (step + 1) / 50)
            group["lr"] = PEAK * warm * (0.5 + 0.5 * math.cos(math.pi * share))
        x = pictures().contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", precision, enabled=precision != torch.float32):
            with torch.no_grad():
                wanted = teacher(x)
            loss = apart(pupil(x).float(), wanted.float())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        step += 1
        if step % 100 == 0:
            print(f"step {step}, {loss.item():.3f} of the variance is missed", flush=True)


def apart(said: Tensor, wanted: Tensor) -> Tensor:
    """Mean squared difference, each channel normalised by its standard deviation."""
    deviation = wanted.std((0, 2, 3), keepdim=True) + 1e-3
    return ((said - wanted) / deviation).square().mean()
