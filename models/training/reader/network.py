# SPDX-License-Identifier: Apache-2.0
"""The reader network: a grey plate in, two lines of character scores out."""

from __future__ import annotations

import torch
from torch import nn

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
BLANK = 0
CLASSES = len(ALPHABET) + 1
WIDTH, HEIGHT = 160, 48
COLUMNS = WIDTH // 4
STEPS = 2 * COLUMNS
BODY, WHOLE = 128, 256


def convolution(
    inputs: int, outputs: int, kernel: tuple[int, int] = (3, 3), stride: tuple[int, int] = (1, 1)
) -> nn.Sequential:
    """Convolution with same padding, batch normalisation and ReLU."""
    padding = (kernel[0] // 2, kernel[1] // 2)
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Residual(nn.Module):
    """A convolution that adds to what it is given."""

    def __init__(self, channels: int, kernel: tuple[int, int] = (3, 3)) -> None:
        super().__init__()
        self.branch = convolution(channels, channels, kernel)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Input plus its convolution."""
        out: torch.Tensor = x + self.branch(x)
        return out


class ReaderNetwork(nn.Module):
    """Dense 3x3 convolutions, then whole columns, then one head for each line of the plate.

    A column sees the full height, so it knows whether it belongs to one line or to two. The steps
    of the top line come first and those of the bottom line after them: one CTC reads both.
    """

    def __init__(self, dropout: float = 0.2) -> None:
        super().__init__()
        self.body = nn.Sequential(
            convolution(1, 32, stride=(2, 2)),
            convolution(32, 48, stride=(2, 1)),
            Residual(48),
            convolution(48, BODY, stride=(2, 2)),
            Residual(BODY),
            Residual(BODY),
            Residual(BODY),
        )
        self.columns = nn.Sequential(
            nn.Conv2d(BODY, WHOLE, (HEIGHT // 8, 1), bias=False),
            nn.BatchNorm2d(WHOLE),
            nn.ReLU(inplace=True),
            Residual(WHOLE, (1, 5)),
            Residual(WHOLE, (1, 5)),
            nn.Dropout(dropout),
            nn.Conv2d(WHOLE, 2 * CLASSES, 1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores of shape (batch, steps, classes) for pictures of shape (batch, 1, 48, 160)."""
        scores = self.columns(self.body(x))[:, :, 0]
        lines = scores.view(-1, 2, CLASSES, COLUMNS)
        return lines.permute(0, 1, 3, 2).reshape(-1, STEPS, CLASSES)


def decode_greedy(scores: torch.Tensor) -> list[str]:
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
