# SPDX-License-Identifier: Apache-2.0
"""Depthwise convolutions as sums of shifted pictures, for training on a graphics card.

With bfloat16 and channels last, PyTorch leaves them to cuDNN, whose gradients took
seconds a step on an H200. Nine multiplications and additions of whole maps take milliseconds.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional


def shift_depthwise(network: nn.Module) -> nn.Module:
    """Let a network compute its 3 x 3 depthwise convolutions so; its weights stay as they are."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d) and layer.groups == layer.in_channels > 1:
            layer.forward = partial(_shifted, layer)  # type: ignore[method-assign]
    return network


def _shifted(layer: nn.Conv2d, x: Tensor) -> Tensor:
    """What `layer` makes of `x`."""
    weight, step = layer.weight.to(x.dtype), layer.stride[0]
    rows, columns = ((side - 1) // step + 1 for side in x.shape[2:])
    wide = functional.pad(x, (1, 1, 1, 1))
    total: Tensor | None = None
    for row in range(3):
        for column in range(3):
            down = slice(row, row + step * (rows - 1) + 1, step)
            across = slice(column, column + step * (columns - 1) + 1, step)
            part, by = wide[:, :, down, across], weight[:, 0, row, column].view(1, -1, 1, 1)
            total = part * by if total is None else torch.addcmul(total, part, by)
    assert total is not None
    return total
