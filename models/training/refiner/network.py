# SPDX-License-Identifier: Apache-2.0
"""The refiner network: from a window around a candidate to plate probability and four corners.

Corners are predicted by voting: every cell of 8 x 8 pixels gives a position and a weight for each
corner, and the corner is the mean of the positions, weighted by a softmax over the cells. So the
cells near a corner outvote those far from it.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTH, HEIGHT = 160, 96
STRIDE = 8
UNIT = 32.0  # pixels; the unit of the corner positions


def convolution(inputs: int, outputs: int, size: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Residual(nn.Module):
    """Residual block of two convolutions."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(convolution(width, width), convolution(width, width))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class RefinerNetwork(nn.Module):
    """N x 3 x 96 x 160 in -1..1, BGR, to N x 9: a logit, then x and y of four corners in pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Sequential(
            convolution(3, 16, stride=2),
            convolution(16, 32, stride=2),
            convolution(32, 64, stride=2),
            Residual(64),
        )
        self.coarse = nn.Sequential(convolution(64, 96, stride=2), Residual(96))
        self.whole = convolution(96, 96, stride=2)
        self.from_whole = convolution(96, 96, 1)
        self.from_coarse = nn.Conv2d(96, 64, 1)
        self.join = convolution(64, 64)
        self.votes = nn.Conv2d(64, 12, 1)  # four weights, then x and y of four corners
        self.likely = nn.Linear(96 + 64, 1)
        rows, columns = HEIGHT // STRIDE, WIDTH // STRIDE
        y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        middles = (torch.stack([x, y]).reshape(1, 1, 2, -1) + 0.5) * STRIDE
        self.register_buffer("middles", middles, persistent=False)

    def features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features by cell, and of the whole window."""
        fine = self.fine(x)
        coarse = self.coarse(fine)
        whole = self.whole(coarse).mean((2, 3), keepdim=True)
        up = functional.interpolate(
            self.from_coarse(coarse + self.from_whole(whole)), scale_factor=2
        )
        return self.join(fine + up), whole.flatten(1)

    def predict(self, cells: Tensor, whole: Tensor) -> Tensor:
        votes = self.votes(cells).flatten(2)
        weights = votes[:, :4].softmax(2).unsqueeze(2)
        said = votes[:, 4:].reshape(-1, 4, 2, votes.shape[2]) * UNIT + self.middles
        corners = (said * weights).sum(3).flatten(1)
        seen = torch.cat([whole, cells.mean((2, 3))], 1)
        return torch.cat([self.likely(seen), corners], 1)

    def forward(self, x: Tensor) -> Tensor:
        cells, whole = self.features(x)
        return self.predict(cells.float(), whole.float())
