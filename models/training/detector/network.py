# SPDX-License-Identifier: Apache-2.0
"""The detector's network: a picture in; out, for every 8 pixels, plate likelihood and corners."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pretrained import Convolutions
from trunk import Block, Published, PublishedStem, convolution, light_stem

WIDTH, HEIGHT, STRIDE = 384, 288, 8
CORNER_UNIT = 32.0  # corner offsets are predicted in units of this many pixels
OUTPUTS = 9  # one likelihood, then x and y of four corners, clockwise from the top left
STEM = 32  # channels of the stem
JOINED = 48
# The published network takes BGR of 0 to 1, less these means, divided by these deviations.
PUBLISHED_MEAN, PUBLISHED_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def around(inputs: int, outputs: int, side: int = 3) -> nn.Sequential:
    """A convolution of `side` x `side` cells, normalisation and ReLU."""
    return convolution(inputs, outputs, (side, side), then=nn.ReLU(inplace=True))


class Residual(nn.Module):
    """Residual block: 1 x 1 convolution to half the channels, then 3 x 3, added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            around(channels, channels // 2, side=1), around(channels // 2, channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def first_layers() -> nn.Sequential:
    """A plain stem and one block in place of `PublishedFirst`."""
    return nn.Sequential(light_stem(3, STEM // 2, STEM), Block(STEM, STEM, excited=True))


class PublishedFirst(nn.Sequential):
    """The first layers of PP-OCRv6's text detector, for pictures of -1 to 1."""

    def __init__(self) -> None:
        super().__init__(
            PublishedStem(3, STEM // 2, STEM), Block(STEM, STEM, excited=True), Block(STEM, STEM)
        )

    def take(self, published: Published) -> None:
        """Start from the published weights."""
        stem, *blocks = self
        assert isinstance(stem, PublishedStem)
        stem.take(published)
        _for_plain_pictures(stem.first)
        for block in blocks:
            assert isinstance(block, Block)
            published.block(block)


@torch.no_grad()
def _for_plain_pictures(layers: nn.Sequential) -> None:
    """Put the published means and deviations of the colours into the first convolution."""
    layer, norm = layers[0], layers[1]
    assert isinstance(layer, nn.Conv2d)
    assert isinstance(norm, nn.BatchNorm2d)
    mean, deviation = torch.tensor(PUBLISHED_MEAN), torch.tensor(PUBLISHED_DEVIATION)
    norm.bias += (layer.weight * ((0.5 - mean) / deviation)[:, None, None]).sum((1, 2, 3))
    layer.weight *= (0.5 / deviation)[:, None, None]


class PlateNetwork(nn.Module):
    """The stages of PP-OCRv6's text detector down to stride 32, summed back up to stride 8."""

    def __init__(self) -> None:
        super().__init__()
        self.first = first_layers()
        self.fine = nn.Sequential(
            Block(STEM, 48, stride=(2, 2)), Block(48, 48, excited=True), Block(48, 48)
        )
        self.middle = nn.Sequential(
            Block(48, 64, stride=(2, 2)),
            *(Block(64, 64, excited) for excited in (True, False, True, False)),
        )
        self.coarse = nn.Sequential(
            Block(64, 160, stride=(2, 2)), Block(160, 160, excited=True), Block(160, 160)
        )
        self.from_fine = nn.Conv2d(48, JOINED, 1)
        self.from_middle = nn.Conv2d(64, JOINED, 1)
        self.from_coarse = nn.Conv2d(160, JOINED, 1)
        self.join = nn.Sequential(Residual(JOINED), around(JOINED, 64, side=1))
        self.predict = nn.Conv2d(64, OUTPUTS, 1)
        with torch.no_grad():
            self.predict.bias.zero_()
            self.predict.bias[0] = -4.6  # plates are rare: start from a probability of 1 %
            self.predict.bias[1:] = torch.tensor([-1, -0.3, 1, -0.3, 1, 0.3, -1, 0.3])

    @property
    def trunk(self) -> tuple[nn.Module, ...]:
        """The layers that were copied or distilled from the published network."""
        return self.first, self.fine, self.middle, self.coarse

    def take(self, kept: Convolutions) -> PublishedFirst:
        """Copy the published stages; returns the first layers, from which ours are distilled."""
        published = Published(kept)
        first = PublishedFirst()
        first.take(published)
        for stage in (self.fine, self.middle, self.coarse):
            for block in stage:
                assert isinstance(block, Block)
                published.block(block)
        return first

    def features(self, x: Tensor) -> Tensor:
        fine = self.fine(self.first(x))
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
