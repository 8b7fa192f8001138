# SPDX-License-Identifier: Apache-2.0
"""The building blocks of PP-OCRv6's networks, and loading published weights into them.

A block is a depthwise convolution, then mixes the channels through a wider layer and adds the
result to its input (LCNetV4 of PP-OCRv6; mixing apart is MetaFormer's idea, Yu et al. 2022). The
published networks have no batch normalisation left and use GELU. Here every convolution has a
normalisation, initially the identity, since training without one is slow, and GELU is a hard swish
of 1.702 times the value, which every TensorFlow Lite runtime computes quickly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from pretrained import Convolutions

SOFTNESS = 1.702  # GELU(x) is about x sigmoid(1.702 x), Hendrycks and Gimpel 2016
SQUEEZED = 4

Pair = tuple[int, int]


def convolution(
    inputs: int,
    outputs: int,
    kernel: Pair = (1, 1),
    stride: Pair = (1, 1),
    groups: int = 1,
    then: nn.Module | None = None,
) -> nn.Sequential:
    """Convolution with same padding for odd kernels, batch normalisation, and an activation."""
    padding = (kernel[0] // 2, kernel[1] // 2)
    layer = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
    layers = [layer, nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, *([] if then is None else [then]))


class Excitation(nn.Module):
    """Squeeze-and-excitation: channel weights from global averages (Hu et al. 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(channels, channels // SQUEEZED, 1)
        self.up = nn.Conv2d(channels // SQUEEZED, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """`x` with every channel multiplied by its weight, 0 to 1."""
        weight = self.up(functional.relu(self.down(x.mean((2, 3), keepdim=True))))
        out: Tensor = x * functional.relu6(weight + 3) / 6
        return out


class Block(nn.Module):
    """Depthwise, then pointwise through a layer of twice the width; added if sizes match.

    A block that does not mix does the first half only.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        excited: bool = False,
        stride: Pair = (1, 1),
        mixes: bool = True,
    ) -> None:
        super().__init__()
        self.adds = stride == (1, 1)
        self.around = convolution(inputs, inputs, (3, 3), stride, inputs)
        self.excite = Excitation(inputs) if excited else nn.Identity()
        self.mix: nn.Sequential | None = None
        if mixes:
            widen = convolution(inputs, 2 * inputs, then=nn.Hardswish(inplace=True))
            self.mix = nn.Sequential(widen, convolution(2 * inputs, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Features of the same size, or of that divided by the stride."""
        seen: Tensor = self.excite(self.around(x))
        if self.mix is None:
            return seen
        mixed: Tensor = self.mix(seen)
        return seen + mixed if self.adds else mixed


class PublishedStem(nn.Module):
    """The stem of PP-OCRv6, with a branch of two small convolutions."""

    def __init__(self, inputs: int, width: int, outputs: int) -> None:
        super().__init__()
        self.first = convolution(inputs, width, (3, 3), (2, 2), then=nn.ReLU(inplace=True))
        self.little = _unpadded(width, width // 2)
        self.more = _unpadded(width // 2, width)
        self.join = convolution(2 * width, width, (3, 3), (2, 2), then=nn.ReLU(inplace=True))
        self.out = convolution(width, outputs, then=nn.ReLU(inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        """Features at a quarter of the size."""
        wide = functional.pad(self.first(x), (0, 1, 0, 1))
        branch = self.more(functional.pad(self.little(wide), (0, 1, 0, 1)))
        seen = torch.cat([functional.max_pool2d(wide, 2, 1), branch], 1)
        out: Tensor = self.out(self.join(seen))
        return out

    def take(self, published: Published, undo: float = 1.0) -> None:
        """Load the published weights, for inputs that are multiplied by `undo`."""
        published.normalised(self.first, undo=undo)
        for layers in (self.little, self.more, self.join, self.out):
            published.normalised(layers)


def _unpadded(inputs: int, outputs: int) -> nn.Sequential:
    """A 2 x 2 convolution without padding, normalisation and ReLU."""
    layer = nn.Conv2d(inputs, outputs, 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def light_stem(inputs: int, width: int, outputs: int) -> nn.Sequential:
    """Two convolutions, distilled from the published stem at half its cost."""
    return nn.Sequential(
        convolution(inputs, width, (3, 3), (2, 2), then=nn.ReLU(inplace=True)),
        convolution(width, outputs, (3, 3), (2, 2), then=nn.ReLU(inplace=True)),
    )


class Published:
    """Assigns the convolutions of a published network in their order."""

    def __init__(self, kept: Convolutions) -> None:
        self._left: Iterator[tuple[Tensor, Tensor | None]] = iter(kept)

    def normalised(self, layers: nn.Sequential, gain: float = 1.0, undo: float = 1.0) -> None:
        """Fill a `convolution`; its output is multiplied by `gain`, its input was by `undo`."""
        weight, bias = next(self._left)
        layer, norm = layers[0], layers[1]
        assert isinstance(layer, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        with torch.no_grad():
            if layer.in_channels == 1 < weight.shape[1] and layer.groups == 1:
                weight = weight.sum(1, keepdim=True)  # grey is the same in all colours
            _put(layer.weight, weight * gain / undo)
            norm.weight.fill_((1 + norm.eps) ** 0.5)
            if bias is not None:
                _put(norm.bias, bias * gain)

    def block(self, block: Block) -> None:
        """Fill all layers of a block."""
        self.normalised(block.around)
        if isinstance(block.excite, Excitation):
            for layer in (block.excite.down, block.excite.up):
                weight, bias = next(self._left)
                with torch.no_grad():
                    _put(layer.weight, weight)
                    if bias is not None and layer.bias is not None:
                        _put(layer.bias, bias)
        if block.mix is not None:
            widen, narrow = block.mix
            assert isinstance(widen, nn.Sequential)
            assert isinstance(narrow, nn.Sequential)
            self.normalised(widen, gain=SOFTNESS)
            self.normalised(narrow, undo=SOFTNESS)


def _put(place: Tensor, values: Tensor) -> None:
    if place.shape != values.shape:
        shapes = f"{tuple(values.shape)} for {tuple(place.shape)}"
        raise SystemExit(f"the published network has other shapes: {shapes}")
    place.copy_(values)


@torch.no_grad()
def settle(parts: Iterable[nn.Module], network: nn.Module, pictures: Tensor) -> None:
    """Estimate the statistics of all normalisations in `parts` from pictures; weights stay.

    Scale and shift make up for the statistics, so the network gives what it gave before.
    """
    norms = [m for part in parts for m in part.modules() if isinstance(m, nn.BatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(_settle_one) for norm in norms]
    was_training = network.training
    network.eval()
    network(pictures)
    network.train(was_training)
    for hook in hooks:
        hook.remove()


def _settle_one(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    variance, mean = torch.var_mean(inputs[0].float(), (0, 2, 3), unbiased=False)
    slope = norm.weight / (norm.running_var + norm.eps).sqrt()
    norm.bias.add_((mean - norm.running_mean) * slope)
    norm.weight.copy_(slope * (variance + norm.eps).sqrt())
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
