# SPDX-License-Identifier: Apache-2.0
"""The reader network: a grey plate in, two lines of character scores out."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pretrained import Convolutions
from trunk import Block, Published, convolution

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
BLANK = 0
CLASSES = len(ALPHABET) + 1
WIDTH, HEIGHT = 160, 48
COLUMNS = WIDTH // 4
STEPS = 2 * COLUMNS
FINE, WHOLE = 96, 192  # channels of the strokes, and of characters and columns
# The published network was shown colours from -1 to 1; their deviation is about this.
PUBLISHED_DEVIATION = 0.45

Weights = dict[str, Tensor]


class PublishedStem(nn.Module):
    """The first layers of PP-OCRv6, of which one way goes through two small convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.first = convolution(1, 48, (3, 3), (2, 2), then=nn.ReLU(inplace=True))
        self.little = _unpadded(48, 24)
        self.more = _unpadded(24, 48)
        self.join = convolution(96, 48, (3, 3), (2, 2), then=nn.ReLU(inplace=True))
        self.out = convolution(48, FINE, then=nn.ReLU(inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        """Strokes at a quarter of the size."""
        wide = functional.pad(self.first(x), (0, 1, 0, 1))
        branch = self.more(functional.pad(self.little(wide), (0, 1, 0, 1)))
        seen = torch.cat([functional.max_pool2d(wide, 2, 1), branch], 1)
        out: Tensor = self.out(self.join(seen))
        return out

    def take(self, published: Published) -> None:
        """Begin with the published weights."""
        published.normalised(self.first, undo=1 / PUBLISHED_DEVIATION)
        for layers in (self.little, self.more, self.join, self.out):
            published.normalised(layers)


def _unpadded(inputs: int, outputs: int) -> nn.Sequential:
    """A 2 x 2 convolution without padding, normalisation and ReLU."""
    layer = nn.Conv2d(inputs, outputs, 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def light_stem() -> nn.Sequential:
    """Two convolutions that learn to say what the published stem says, in half the time."""
    return nn.Sequential(
        convolution(1, 32, (3, 3), (2, 2), then=nn.ReLU(inplace=True)),
        convolution(32, FINE, (3, 3), (2, 2), then=nn.ReLU(inplace=True)),
    )


class Neighbours(nn.Module):
    """Every channel of a row of columns looks three columns to each side, and adds."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch = convolution(
            channels, channels, (1, 7), groups=channels, then=nn.ReLU(inplace=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Input plus its convolution."""
        out: Tensor = x + self.branch(x)
        return out


class ReaderNetwork(nn.Module):
    """The first stages of PP-OCRv6's recognizer, then whole columns, then a head for each line.

    A column sees the full height, so it knows whether it belongs to one line or to two. The steps
    of the top line come first and those of the bottom line after them: one CTC reads both.
    The light network is the one that is shipped; the other begins as the published one.
    """

    def __init__(self, light: bool = True, dropout: float = 0.2) -> None:
        super().__init__()
        self.stem = light_stem() if light else PublishedStem()
        self.body = nn.Sequential(
            Block(FINE, FINE, excited=True),
            Block(FINE, FINE),
            Block(FINE, FINE, mixes=not light),
            Block(FINE, WHOLE, stride=(2, 1)),
            *(Block(WHOLE, WHOLE, excited) for excited in (True, False, True, False, True)),
        )
        self.columns = nn.Sequential(
            nn.Conv2d(WHOLE, WHOLE, (HEIGHT // 8, 1), bias=False),
            nn.BatchNorm2d(WHOLE),
            nn.ReLU(inplace=True),
            Neighbours(WHOLE),
            nn.Dropout(dropout),
            nn.Conv2d(WHOLE, 2 * CLASSES, 1),
        )

    @classmethod
    def of(cls, weights: Weights) -> ReaderNetwork:
        """The network that weights belong to, with them."""
        network = cls(light="stem.first.0.weight" not in weights)
        network.load_state_dict(weights)
        return network

    @property
    def trunk(self) -> tuple[nn.Module, nn.Module]:
        """What comes from the published network."""
        return self.stem, self.body

    def take(self, kept: Convolutions) -> None:
        """Begin with the published weights; columns and heads stay as they are."""
        published = Published(kept)
        if not isinstance(self.stem, PublishedStem):
            raise SystemExit("the light network cannot take published weights")
        self.stem.take(published)
        for block in self.body:
            assert isinstance(block, Block)
            published.block(block)

    def forward(self, x: Tensor) -> Tensor:
        """Scores of shape (batch, steps, classes) for pictures of shape (batch, 1, 48, 160)."""
        scores = self.columns(self.body(self.stem(x)))[:, :, 0]
        lines = scores.view(-1, 2, CLASSES, COLUMNS)
        return lines.permute(0, 1, 3, 2).reshape(-1, STEPS, CLASSES)


def decode_greedy(scores: Tensor) -> list[str]:
    """The most likely step-wise texts, repeats and blanks removed."""
    texts = []
    for path in scores.argmax(-1).tolist():
        last, text = BLANK, ""
        for step in path:
            if step not in (BLANK, last):
                text += ALPHABET[step - 1]
            last = step
        texts.append(text)
    return texts
