# SPDX-License-Identifier: Apache-2.0
"""Small reader networks: a grey plate of 32 x 160 in, the scores of the shipped reader out.

All are plain convolutions with ReLU, so that a processor without special instructions computes them
quickly and 8-bit integers lose little. Every variant costs about 40 million multiplications.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from trunk import convolution

from .network import Weights
from .shape import CLASSES

WIDTH, HEIGHT = 160, 32
COLUMNS = WIDTH // 4
STEPS = 2 * COLUMNS

Pair = tuple[int, int]


class Separable(nn.Module):
    """A depthwise convolution, then two pointwise ones through a layer of twice the width.

    The block of `trunk.Block` with ReLU in place of the hard swish and without excitation.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: Pair = (3, 3), stride: Pair = (1, 1)
    ) -> None:
        super().__init__()
        self.adds = inputs == outputs and stride == (1, 1)
        self.around = convolution(inputs, inputs, kernel, stride, inputs)
        self.widen = convolution(inputs, 2 * inputs, then=nn.ReLU(inplace=True))
        self.narrow = convolution(2 * inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Features of the same size, or of that divided by the stride."""
        seen: Tensor = self.around(x)
        mixed: Tensor = self.narrow(self.widen(seen))
        return seen + mixed if self.adds else mixed


class Residual(nn.Module):
    """One full 3 x 3 convolution that is added to its input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.one = convolution(channels, channels, (3, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Features of the same size."""
        out: Tensor = torch.relu(x + self.one(x))
        return out


class SmallReader(nn.Module):
    """A trunk at an eighth of the height and a quarter of the width, columns, and two heads."""

    def __init__(self, trunk: nn.Module, columns: nn.Module, features: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.columns = columns
        self.features = features
        self.head = nn.Sequential(nn.Dropout(0.05), nn.Conv2d(features, 2 * CLASSES, 1))

    def see(self, x: Tensor) -> Tensor:
        """Features of shape (batch, features, 1, columns)."""
        out: Tensor = self.columns(self.trunk(x))
        return out

    def say(self, seen: Tensor) -> Tensor:
        """Scores of shape (batch, steps, classes), the top line's steps first."""
        scores = self.head(seen)[:, :, 0]
        lines = scores.view(-1, 2, CLASSES, COLUMNS)
        return lines.permute(0, 1, 3, 2).reshape(-1, STEPS, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """Scores for pictures of shape (batch, 1, 32, 160)."""
        return self.say(self.see(x))


def _relu() -> nn.Module:
    return nn.ReLU(inplace=True)


def _whole_columns(inputs: int, outputs: int) -> list[nn.Module]:
    """Every column of four rows becomes one cell that covers the full height."""
    layer = nn.Conv2d(inputs, outputs, (HEIGHT // 8, 1), bias=False)
    return [layer, nn.BatchNorm2d(outputs), _relu()]


def separable() -> SmallReader:
    """The shipped reader's trunk at half its width, with most of its depth behind the columns."""
    trunk = nn.Sequential(
        convolution(1, 24, (3, 3), (2, 2), then=_relu()),
        convolution(24, 48, (3, 3), (2, 2), then=_relu()),
        Separable(48, 48),
        Separable(48, 96, stride=(2, 1)),
        *(Separable(96, 96) for _ in range(3)),
    )
    columns = nn.Sequential(
        *_whole_columns(96, 160), Separable(160, 160, (1, 5)), Separable(160, 160, (1, 5))
    )
    return SmallReader(trunk, columns, 160)


def half() -> SmallReader:
    """The shipped reader's trunk at half its width, with four of its five blocks of characters."""
    trunk = nn.Sequential(
        convolution(1, 24, (3, 3), (2, 2), then=_relu()),
        convolution(24, 48, (3, 3), (2, 2), then=_relu()),
        Separable(48, 48),
        Separable(48, 48),
        Separable(48, 96, stride=(2, 1)),
        *(Separable(96, 96) for _ in range(4)),
    )
    columns = nn.Sequential(
        *_whole_columns(96, 96), convolution(96, 96, (1, 7), groups=96, then=_relu())
    )
    return SmallReader(trunk, columns, 96)


def dense() -> SmallReader:
    """Full 3 x 3 convolutions, which gain most from 8-bit dot products."""
    trunk = nn.Sequential(
        convolution(1, 24, (3, 3), (2, 2), then=_relu()),
        convolution(24, 48, (3, 3), (2, 2), then=_relu()),
        Residual(48),
        convolution(48, 80, (3, 3), (2, 1), then=_relu()),
        Residual(80),
        Residual(80),
    )
    columns = nn.Sequential(*_whole_columns(80, 128), convolution(128, 128, (1, 5), then=_relu()))
    return SmallReader(trunk, columns, 128)


VARIANTS: dict[str, Callable[[], SmallReader]] = {
    "separable": separable,
    "half": half,
    "dense": dense,
}


def kept_weights(path: Path, variant: str) -> Weights:
    """The weights of a variant in a file of `reader.distil` or `reader.choose`."""
    saved = torch.load(path, map_location="cpu", weights_only=True)
    weights = {saved["variant"]: saved["average"]} if "variant" in saved else saved["average"]
    if variant not in weights:
        raise SystemExit(f"{path} has weights of {', '.join(weights)}, not of {variant}")
    return dict(weights[variant])


def with_weights(variant: str, weights: Weights) -> SmallReader:
    """The network of a variant with its weights, ready for use."""
    network = VARIANTS[variant]()
    network.load_state_dict({name: value.float() for name, value in weights.items()})
    return network.eval()


def multiplications(network: SmallReader) -> int:
    """Multiplications that one plate takes."""
    total = 0

    def count(layer: nn.Module, _: tuple[Tensor, ...], out: Tensor) -> None:
        nonlocal total
        assert isinstance(layer, nn.Conv2d)
        total += out[0].numel() * layer.weight[0].numel()

    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    with torch.no_grad():
        network.eval()(torch.zeros(1, 1, HEIGHT, WIDTH))
    for hook in hooks:
        hook.remove()
    return total
