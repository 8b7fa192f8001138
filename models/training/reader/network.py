# SPDX-License-Identifier: Apache-2.0
"""The reader network: a grey plate in, two lines of character scores out."""

from __future__ import annotations

from torch import Tensor, nn

from pretrained import Convolutions
from pruning import shaped_for
from trunk import Block, Published, PublishedStem, convolution, light_stem

from .shape import ALPHABET, BLANK, CLASSES, COLUMNS, HEIGHT, STEPS

FINE, WHOLE = 96, 192  # channels of the strokes, and of characters and columns
# The published network takes colours from -1 to 1; their deviation is about this.
PUBLISHED_DEVIATION = 0.45

Weights = dict[str, Tensor]


class Neighbours(nn.Module):
    """Depthwise convolution over three columns to each side, added to its input."""

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

    A column covers the full height, which shows whether the plate has one line or two. The steps
    of the top line come first and those of the bottom line after them: one CTC reads both.
    The light network is the one that is shipped; the other begins as the published one.
    """

    def __init__(self, light: bool = True, dropout: float = 0.2) -> None:
        super().__init__()
        self.stem = light_stem(1, 32, FINE) if light else PublishedStem(1, FINE // 2, FINE)
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
        """The network that the weights belong to, pruned or not, with these weights."""
        network = cls(light="stem.first.0.weight" not in weights)
        shaped_for(network, weights).load_state_dict(weights)
        return network

    @property
    def trunk(self) -> tuple[nn.Module, nn.Module]:
        """The layers copied from the published network."""
        return self.stem, self.body

    def take(self, kept: Convolutions) -> None:
        """Start from the published weights; columns and heads stay as they are."""
        published = Published(kept)
        if not isinstance(self.stem, PublishedStem):
            raise SystemExit("the light network cannot take published weights")
        self.stem.take(published, undo=1 / PUBLISHED_DEVIATION)
        for block in self.body:
            assert isinstance(block, Block)
            published.block(block)

    def forward(self, x: Tensor) -> Tensor:
        """Scores of shape (batch, steps, classes) for pictures of shape (batch, 1, 48, 160)."""
        return self.stages(x)[1]

    def stages(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """What every block and the columns make of the pictures, and the scores."""
        seen = [self.stem(x)]
        for block in self.body:
            seen.append(block(seen[-1]))
        seen.append(self.columns[:-1](seen[-1]))
        scores = self.columns[-1](seen[-1])[:, :, 0]
        lines = scores.view(-1, 2, CLASSES, COLUMNS)
        return seen[1:], lines.permute(0, 1, 3, 2).reshape(-1, STEPS, CLASSES)


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
