# SPDX-License-Identifier: Apache-2.0
"""The detector's network: a picture in; out, for every 8 pixels, plate likelihood and corners."""

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTH, HEIGHT, STRIDE = 384, 288, 8
CORNER_UNIT = 32.0  # corner offsets are predicted in units of this many pixels
OUTPUTS = 9  # one likelihood, then x and y of four corners, clockwise from the top left


def convolution(inside: int, outside: int, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outside),
        nn.ReLU(inplace=True),
    )


class Residual(nn.Module):
    """Squeeze to half the channels, look around, add."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.body = nn.Sequential(
            convolution(channels, half, kernel=1), convolution(half, channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class PlateNetwork(nn.Module):
    """Dense convolutions down to stride 32, summed back up to stride 8."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(convolution(3, 12, 2), convolution(12, 32, 2))
        self.fine = nn.Sequential(convolution(32, 64, 2), Residual(64))
        self.middle = nn.Sequential(convolution(64, 96, 2), Residual(96), Residual(96))
        self.coarse = nn.Sequential(convolution(96, 128, 2), Residual(128), Residual(128))
        self.from_fine = nn.Conv2d(64, 48, 1)
        self.from_middle = nn.Conv2d(96, 48, 1)
        self.from_coarse = nn.Conv2d(128, 48, 1)
        self.join = nn.Sequential(Residual(48), convolution(48, 64, kernel=1))
        self.predict = nn.Conv2d(64, OUTPUTS, 1)
        with torch.no_grad():
            self.predict.bias.zero_()
            self.predict.bias[0] = -4.6  # plates are rare: start by saying "1 %" everywhere
            self.predict.bias[1:] = torch.tensor([-1, -0.3, 1, -0.3, 1, 0.3, -1, 0.3])

    def features(self, x: Tensor) -> Tensor:
        fine = self.fine(self.stem(x))
        middle = self.middle(fine)
        up = functional.interpolate(self.from_coarse(self.coarse(middle)), scale_factor=2)
        up = functional.interpolate(up + self.from_middle(middle), scale_factor=2)
        return self.join(up + self.from_fine(fine))

    def forward(self, x: Tensor) -> Tensor:
        """`x` is N3HW in -1..1, BGR; the result N9hw with the likelihood as a logit."""
        return self.predict(self.features(x).float())


def multiply_adds(network: nn.Module, width: int = WIDTH, height: int = HEIGHT) -> int:
    """Multiplications of all convolutions for one picture; biases and sums are not counted."""
    total = 0

    def count(layer: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        assert isinstance(layer, nn.Conv2d)
        total += output[0].numel() * layer.weight[0].numel()

    hooks = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, nn.Conv2d)]
    with torch.no_grad():
        network(torch.zeros(1, 3, height, width))
    for hook in hooks:
        hook.remove()
    return total
