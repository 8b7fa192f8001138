# SPDX-License-Identifier: Apache-2.0
"""Cheaper detectors with the maps of `network.PlateNetwork`, and how they begin with its weights.

`NarrowNetwork` has the same stages with fewer channels and blocks, ReLU for hard swish and no
excitation; it begins with the most important channels of a trained `PlateNetwork`. `DenseNetwork`
has plain convolutions only, which cost the fewest instructions for a multiply-add, and begins from
nothing.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from trunk import convolution

from .network import OUTPUTS, PlateNetwork, Residual, around

RARE = -4.6  # logit of 1 %: plates are rare
FIRST_CORNERS = (-1, -0.3, 1, -0.3, 1, 0.3, -1, 0.3)  # of a level plate, in CORNER_UNIT
Weights = dict[str, Tensor]


class NarrowBlock(nn.Module):
    """`trunk.Block` with ReLU and no excitation."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.adds = stride == 1
        self.around = convolution(inputs, inputs, (3, 3), (stride, stride), inputs)
        widen = convolution(inputs, 2 * inputs, then=nn.ReLU(inplace=True))
        self.mix = nn.Sequential(widen, convolution(2 * inputs, outputs))

    def forward(self, x: Tensor) -> Tensor:
        seen = self.around(x)
        mixed: Tensor = self.mix(seen)
        return seen + mixed if self.adds else mixed


class SlimNetwork(nn.Module):
    """What both have in common: the way back up from stride 32 to stride 8, and the answer."""

    def __init__(
        self, stages: tuple[nn.Module, ...], widths: tuple[int, ...], joined: int, last: int
    ) -> None:
        super().__init__()
        self.first, self.fine, self.middle, self.coarse = stages
        fine, middle, coarse = widths
        self.from_fine = nn.Conv2d(fine, joined, 1)
        self.from_middle = nn.Conv2d(middle, joined, 1)
        self.from_coarse = nn.Conv2d(coarse, joined, 1)
        self.join = nn.Sequential(Residual(joined), around(joined, last, side=1))
        self.predict = nn.Conv2d(last, OUTPUTS, 1)
        with torch.no_grad():
            assert self.predict.bias is not None
            self.predict.bias.copy_(torch.tensor([RARE, *FIRST_CORNERS]))

    def features(self, x: Tensor) -> Tensor:
        fine = self.fine(self.first(x))
        middle = self.middle(fine)
        up = functional.interpolate(self.from_coarse(self.coarse(middle)), scale_factor=2)
        up = functional.interpolate(up + self.from_middle(middle), scale_factor=2)
        joined: Tensor = self.join(up + self.from_fine(fine))
        return joined

    def forward(self, x: Tensor) -> Tensor:
        """`x` is N3HW in -1..1, BGR; the result N9hw with the likelihood as a logit."""
        answer: Tensor = self.predict(self.features(x).float())
        return answer


class Bottleneck(Residual):
    """`Residual` with a width of its own in between."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__(channels)
        self.body = nn.Sequential(around(channels, width, side=1), around(width, channels))


def _stem(width: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        convolution(3, width, (3, 3), (2, 2), then=nn.ReLU(inplace=True)),
        convolution(width, outputs, (3, 3), (2, 2), then=nn.ReLU(inplace=True)),
    )


class NarrowNetwork(SlimNetwork):
    """The stages of `PlateNetwork`, narrower and with fewer blocks."""

    # Widths here, and the numbers of the blocks of `PlateNetwork` that each stage begins with.
    STEM, FINE, MIDDLE, COARSE, JOINED, LAST = 24, 48, 64, 128, 40, 48
    BLOCKS: ClassVar = {"fine": (0, 1), "middle": (0, 1, 3), "coarse": (0, 1)}

    def __init__(self) -> None:
        stem, fine, middle, coarse = self.STEM, self.FINE, self.MIDDLE, self.COARSE
        stages = (
            _stem(stem // 2, stem),
            nn.Sequential(NarrowBlock(stem, fine, 2), NarrowBlock(fine, fine)),
            nn.Sequential(
                NarrowBlock(fine, middle, 2),
                NarrowBlock(middle, middle),
                NarrowBlock(middle, middle),
            ),
            nn.Sequential(NarrowBlock(middle, coarse, 2), NarrowBlock(coarse, coarse)),
        )
        super().__init__(stages, (fine, middle, coarse), self.JOINED, self.LAST)

    def begin(self, trained: Weights) -> None:
        """Take the channels over that count most in a trained `PlateNetwork`."""
        source = PlateNetwork()
        source.load_state_dict(
            {k: v.float() if v.is_floating_point() else v for k, v in trained.items()}
        )
        source.eval()
        stem = _most(source.first[0][1], self.STEM)
        hidden = _most(source.first[0][0], self.STEM // 2)
        everything = torch.arange(3)
        _take(self.first[0], source.first[0][0], hidden, everything)
        _take(self.first[1], source.first[0][1], stem, hidden)
        before, kept = stem, {}
        for name, width in (("fine", self.FINE), ("middle", self.MIDDLE), ("coarse", self.COARSE)):
            mine, theirs = getattr(self, name), getattr(source, name)
            kept[name] = _most(theirs[0].mix[1], width)
            inputs = before
            for block, number in zip(mine, self.BLOCKS[name], strict=True):
                _take_block(block, theirs[number], kept[name], inputs)
                inputs = kept[name]
            before = kept[name]
        strength = source.from_fine.weight.flatten(1).norm(dim=1)
        joined = torch.sort(strength.topk(self.JOINED).indices)[0]
        for name in ("fine", "middle", "coarse"):
            mine, theirs = getattr(self, f"from_{name}"), getattr(source, f"from_{name}")
            with torch.no_grad():
                mine.weight.copy_(theirs.weight[joined][:, kept[name]])
                mine.bias.copy_(theirs.bias[joined])
        body, last = source.join[0].body, _most(source.join[1], self.LAST)
        inner = _most(body[0], self.JOINED // 2)
        _take(self.join[0].body[0], body[0], inner, joined)
        _take(self.join[0].body[1], body[1], joined, inner)
        _take(self.join[1], source.join[1], last, joined)
        with torch.no_grad():
            self.predict.weight.copy_(source.predict.weight[:, last])
            self.predict.bias.copy_(source.predict.bias)


class DenseNetwork(SlimNetwork):
    """Plain convolutions down to stride 32, with additions from bottlenecks of half the width."""

    STEM, FINE, MIDDLE, COARSE, JOINED, LAST = 24, 40, 64, 96, 32, 48

    def __init__(self) -> None:
        stages = (
            _stem(self.STEM // 3, self.STEM),
            nn.Sequential(_down(self.STEM, self.FINE), Bottleneck(self.FINE, 24)),
            nn.Sequential(
                _down(self.FINE, self.MIDDLE), Residual(self.MIDDLE), Residual(self.MIDDLE)
            ),
            nn.Sequential(
                _down(self.MIDDLE, self.COARSE), Residual(self.COARSE), Residual(self.COARSE)
            ),
        )
        super().__init__(stages, (self.FINE, self.MIDDLE, self.COARSE), self.JOINED, self.LAST)

    def begin(self, _trained: Weights) -> None:
        """Nothing of another network fits."""


def _down(inputs: int, outputs: int) -> nn.Sequential:
    return convolution(inputs, outputs, (3, 3), (2, 2), then=nn.ReLU(inplace=True))


def _most(layers: nn.Module, count: int) -> Tensor:
    """The output channels, in their order, that a normalised convolution makes largest."""
    assert isinstance(layers, nn.Sequential)
    norm = layers[1]
    assert isinstance(norm, nn.BatchNorm2d)
    best = (norm.weight.abs() + norm.bias.abs()).topk(count).indices
    return torch.sort(best)[0]


@torch.no_grad()
def _take(mine: nn.Module, theirs: nn.Module, outputs: Tensor, inputs: Tensor) -> None:
    """Copy chosen channels of a normalised convolution; a depthwise one has no `inputs`."""
    assert isinstance(mine, nn.Sequential)
    assert isinstance(theirs, nn.Sequential)
    layer, norm = theirs[0], theirs[1]
    weight = layer.weight[outputs]
    mine[0].weight.copy_(weight if layer.groups > 1 else weight[:, inputs])
    for name in ("weight", "bias", "running_mean", "running_var"):
        getattr(mine[1], name).copy_(getattr(norm, name)[outputs])


def _take_block(mine: nn.Module, theirs: nn.Module, outputs: Tensor, inputs: Tensor) -> None:
    assert isinstance(mine, NarrowBlock)
    _take(mine.around, theirs.around, inputs, inputs)
    wide = _most(theirs.mix[0], 2 * len(inputs))
    _take(mine.mix[0], theirs.mix[0], wide, inputs)
    _take(mine.mix[1], theirs.mix[1], outputs, wide)


NETWORKS: dict[str, type[nn.Module]] = {
    "wide": PlateNetwork,
    "narrow": NarrowNetwork,
    "dense": DenseNetwork,
}
